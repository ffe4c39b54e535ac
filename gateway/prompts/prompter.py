"""The way of a prompt to the devices: never waited for, and never later than it makes sense."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, tzinfo
from typing import Final, NoReturn

from drivers.base import Announce
from gateway.checkpoint.machine import Say
from gateway.clock import Clock, TimeQuality
from gateway.prompts.wording import urgency, worded

_log = logging.getLogger(__name__)

Present = Callable[[Announce], Awaitable[Mapping[str, str]]]
"""Has it presented by whatever can do that; what went wrong, by device. Returns in bounded time."""

STALE_S: Final = 5.0
"""Whom it was for is gone."""


class Prompter:
    """Takes what is to be said, and gives it to the devices of its lane.

    While they are busy with what came before, one thing waits for each lane: the newest of the
    most urgent. A device that hangs holds up nothing but its own lane.
    """

    def __init__(self, present: Present, clock: Clock, zone: tzinfo) -> None:
        self._present = present
        self._clock = clock
        self._zone = zone
        self._waiting: dict[str | None, Say] = {}
        self._busy: set[str | None] = set()
        self._news = asyncio.Event()

    def say(self, say: Say) -> None:
        """Have it presented, if nothing comes that matters more; returns at once."""
        before = self._waiting.get(say.lane)
        if before is None or self._stale(before) or urgency(say.prompt) >= urgency(before.prompt):
            self._waiting[say.lane] = say
            self._news.set()

    async def run(self) -> NoReturn:
        """Hand over until cancelled."""
        async with asyncio.TaskGroup() as lanes:
            while True:
                await self._news.wait()
                self._news.clear()
                for lane in self._waiting.keys() - self._busy:
                    self._busy.add(lane)
                    lanes.create_task(self._serve(lane), name=f"prompts of {lane or 'the gate'}")

    async def _serve(self, lane: str | None) -> None:
        while say := self._waiting.pop(lane, None):
            if self._stale(say):
                _log.debug("%s at %s came too late", say.prompt, lane or "the gate")
                continue
            for device, complaint in (await self._present(self._announcement(say))).items():
                _log.warning("%s does not present %s: %s", device, say.prompt, complaint)
        self._busy.discard(lane)

    def _stale(self, say: Say) -> bool:
        now = self._clock.now()
        return now.boot != say.at.boot or now.mono_ns - say.at.mono_ns > STALE_S * 1e9

    def _announcement(self, say: Say) -> Announce:
        now = self._clock.now()
        known = now.quality is not TimeQuality.UNSYNC
        local = datetime.fromtimestamp(now.wall_ms / 1000, self._zone).time() if known else None
        return Announce(
            say.prompt, worded(say.prompt, say.values), say.lane, urgency(say.prompt), local
        )
