"""The gate's conduct: rules, decisions and deeds together, and how other rules come into force."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn
from zoneinfo import ZoneInfo

from gateway.assessor import Assessor
from gateway.clock import Clock
from gateway.config import Config
from gateway.decider import Decider
from gateway.doing import Doing
from gateway.events import Draft
from gateway.fleet import Fleet
from gateway.journal import Journal
from gateway.prompts import Prompter
from gateway.rulebook import Rulebook

Note = Callable[[Draft], Awaitable[None]]
"""Records an event of the gateway itself; waits while there is no room."""

_MEMORY = "decisions.json"


class Conduct:
    """What one gate does about what it records."""

    def __init__(
        self,
        rules: Rulebook,
        assessor: Assessor,
        journal: Journal,
        fleet: Fleet,
        note: Note,
        clock: Clock,
    ) -> None:
        place = rules.config.gateway
        self._rules = rules
        self._assessor = assessor
        self._prompter = Prompter(fleet.present, clock, ZoneInfo(place.timezone))
        self._doing = Doing(fleet.release, self._prompter.say, note, clock)
        self._decider = Decider(
            journal, clock, place.state_dir / _MEMORY, rules.build, self._doing.do
        )

    def change(self, config: Config) -> None:
        """Go on by another configuration."""
        self._adopt(self._rules.by(config))

    async def run(self) -> NoReturn:
        """Decide and do until cancelled."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._doing.run(), name="doing")
            parts.create_task(self._prompter.run(), name="prompts")
            await self._decider.run()

    def _adopt(self, rules: Rulebook) -> None:
        self._rules = rules
        self._assessor.grounds = rules.grounds
        self._decider.change(rules.build)
