"""The latest time that this box has known for certain, kept over power cuts.

A box without a battery-backed clock starts in 1970. It cannot know the time then, but it can know
that it is later than this.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from gateway.clock import Clock, TimeQuality

_log = logging.getLogger(__name__)

_LATEST_MS = 8_267_875_200_000
"""2232: the kernel sets no clock later, and what a damaged file says has to have a date at all."""


class TimeFloor:
    """A file with one number, milliseconds since 1970 (UTC); losing it costs the knowledge only."""

    EVERY_S = 3600.0
    STEADY_S = 3600.0
    """A clock that has just been set is not believed for ever: a floor that is too high would make
    every right time look wrong."""
    DOUBTS = 24
    """Looks at which the clock was below the floor, by its source's word: then that is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._doubts = 0

    def load(self) -> int:
        """The floor; 0 if none is known."""
        try:
            floor_ms = int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0
        return floor_ms if 0 < floor_ms < _LATEST_MS else 0

    def lift(self, wall_ms: int) -> None:
        """It is `wall_ms` now, for certain."""
        if wall_ms > self.load():
            self._write(wall_ms)

    async def keep(self, clock: Clock) -> NoReturn:
        """Lift it every hour and when cancelled, as long as `clock` is right."""
        try:
            while True:
                self._follow(clock)
                await asyncio.sleep(self.EVERY_S)
        finally:
            self._follow(clock)

    def _follow(self, clock: Clock) -> None:
        now = clock.now()
        if now.quality is TimeQuality.SYNC and clock.steady(self.STEADY_S):
            self.lift(now.wall_ms)
        self._doubts = self._doubts + 1 if clock.contradicts_floor() else 0
        if self._doubts >= self.DOUBTS:
            _log.warning("the time floor was too high; it is lowered to what the time source says")
            clock.floor_ms = now.wall_ms
            self._write(now.wall_ms)

    def _write(self, wall_ms: int) -> None:
        half = self._path.with_name(f"{self._path.name}.new")
        with suppress(OSError):  # a full disk: the former one stays true
            with half.open("w", encoding="ascii") as file:
                file.write(f"{wall_ms}\n")
                file.flush()
                os.fsync(file.fileno())
            half.replace(self._path)
