"""The gate's conduct: rules, decisions and deeds together, and how other rules come into force."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from gateway.checkpoint.alarms import Alarms
from gateway.checkpoint.machine import Say
from gateway.checkpoint.prompts import Prompt
from gateway.clock import Clock
from gateway.conduct.assessor import Assessor
from gateway.conduct.decider import Decider
from gateway.conduct.doing import Doing
from gateway.conduct.lists import Notice
from gateway.conduct.questions import Questions
from gateway.conduct.rulebook import UNDERSTAND, Rulebook
from gateway.config import Config
from gateway.documents import Force
from gateway.events import Draft
from gateway.fleet import Fleet
from gateway.journal import Journal
from gateway.prompts import Prompter
from gateway.pseudonyms import Keyring

Note = Callable[[Draft], Awaitable[None]]
"""Records an event of the gateway itself; waits while there is no room."""

_MEMORY = "decisions.json"


class Conduct:
    """What one gate does about what it records."""

    def __init__(
        self,
        rules: Rulebook,
        keyring: Keyring,
        assessor: Assessor,
        decider: Decider,
        doing: Doing,
        prompter: Prompter,
        questions: Questions,
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._keyring = keyring
        self._assessor = assessor
        self._decider = decider
        self._doing = doing
        self._prompter = prompter
        self._questions = questions
        self._clock = clock

    @classmethod
    def of(
        cls,
        config: Config,
        keyring: Keyring,
        assessor: Assessor,
        journal: Journal,
        clock: Clock,
        fleet: Fleet,
        note: Note,
        force: Force,
    ) -> "Conduct":
        """That of a gate with this `config`; a document that comes into `force` changes it.

        Raises:
            GatewayError: a file that the configuration names cannot be used.
        """
        place = config.gateway
        documents = {name: found[1] for name in UNDERSTAND if (found := force.body(name))}
        rules = Rulebook.of(config, keyring.token, documents)
        assessor.grounds = rules.grounds
        prompter = Prompter(fleet.present, clock, ZoneInfo(place.timezone))
        questions = Questions(config.passes.resolver, note, clock)
        assessor.unjudged = questions.hold
        doing = Doing(fleet.release, prompter.say, questions.ask, note, clock)
        decider = Decider(journal, clock, place.state_dir / _MEMORY, rules.build, doing.do)
        conduct = cls(rules, keyring, assessor, decider, doing, prompter, questions, clock)
        for name in UNDERSTAND:
            force.follow(name, partial(conduct.have, name))
        return conduct

    def check(self, config: Config) -> Rulebook:
        """The rules by another configuration.

        Raises:
            GatewayError: a file that it names cannot be used.
        """
        return self._rules.by(config)

    def adopt(self, rules: Rulebook) -> None:
        """Go on by other rules; what is known stays known."""
        self._rules = rules
        self._assessor.grounds = rules.grounds
        self._questions.change(rules.config.passes.resolver)
        self._decider.change(rules.build)

    def adopted(self, rules: Rulebook) -> str:
        """The same, and what has changed by it, in words; empty if it is not the policy."""
        former = self._rules.policy.version
        self.adopt(rules)
        version = rules.policy.version
        return f"policy {version} is in force" if version != former else ""

    async def refreshed(self) -> str:
        """Read the files again that the configuration names; what has changed by that, in words.

        Raises:
            GatewayError: one of them cannot be used.
        """
        rules = await asyncio.to_thread(self.check, self._rules.config)
        return self.adopted(rules) or "no device and no connection is concerned"

    def is_standing(self, correlation: str) -> bool:
        """Whether an alarm of this correlation stands, so that it can be acknowledged."""
        alarms = self._decider.checkpoint.machine(Alarms)
        return alarms is not None and alarms.known(correlation)

    async def run(self) -> NoReturn:
        """Decide and do until cancelled."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self._doing.run(), name="doing")
            parts.create_task(self._prompter.run(), name="prompts")
            parts.create_task(self._questions.run(), name="questions")
            parts.create_task(self._change_keys(), name="pseudonyms")
            await self._decider.run()

    def have(self, name: str, _: str, document: Any) -> None:
        """Go on by another version of a document; `ValueError` if it does not fit to this gate."""
        if isinstance(document, Notice):
            words = {"text": document.text}
            self._prompter.say(Say(Prompt.ANNOUNCEMENT, self._clock.now(), document.lane, words))
        self.adopt(self._rules.having(name, document))

    async def _change_keys(self) -> NoReturn:
        """Whoever is named in a rota has another pseudonym with every key."""
        await self._keyring.keep(
            self._clock,
            lambda: self._rules.config.passes.pseudonym_days,
            ZoneInfo(self._rules.config.gateway.timezone),
            lambda: self.adopt(self._rules.renamed()),
        )
