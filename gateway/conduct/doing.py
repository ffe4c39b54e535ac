"""Has done what was decided: releases doors, says prompts, asks; nobody waits for any of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from drivers.base import CommandError
from gateway.checkpoint.machine import Act, Ask, Deeds, Say
from gateway.clock import Clock
from gateway.events import CommandData, Draft, Kind

_log = logging.getLogger(__name__)

_FAILED = 500


class Doing:
    """Does each thing once, at once, beside all others.

    ``release`` raises ``CommandError`` where a door was not released; that is recorded.
    """

    def __init__(
        self,
        release: Callable[[str], Awaitable[None]],
        say: Callable[[Say], None],
        ask: Callable[[Ask], None],
        note: Callable[[Draft], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._release = release
        self._say = say
        self._ask = ask
        self._note = note
        self._clock = clock
        self._acts: asyncio.Queue[Act] = asyncio.Queue()

    def do(self, outcome: Deeds) -> None:
        """Have it done; returns at once."""
        match outcome:
            case Say():
                self._say(outcome)
            case Ask():
                self._ask(outcome)
            case Act():
                self._acts.put_nowait(outcome)

    async def run(self) -> NoReturn:
        """Do what comes until cancelled."""
        async with asyncio.TaskGroup() as acts:
            while True:
                act = await self._acts.get()
                acts.create_task(self._carry_out(act), name=f"{act.deed} {act.door}")

    async def _carry_out(self, act: Act) -> None:
        try:
            await self._release(act.door)
        except CommandError as error:
            _log.warning("%s of %s failed: %s", act.deed, act.door, error)
            failed = CommandData(
                id=act.cause,
                command=act.deed,
                target=f"door/{act.door}",
                by="policy",
                status=_FAILED,
                text=str(error),
            )
            await self._note(
                Draft(Kind.COMMAND, f"door/{act.door}", self._clock.now(), failed, False, act.cause)
            )
