"""Time at another speed: the same for all processes that are told the same three numbers."""

import asyncio
import selectors
import time
from typing import Final

from msgspec import Struct


class Anchor(Struct, frozen=True):
    """From the moment `real_s` on, by the monotonic clock, that is `at_s`, time goes `speed` times
    as fast."""

    real_s: float
    at_s: float
    speed: float


class Pace:
    """How late it is, in seconds after the simulated midnight."""

    def __init__(self, anchor: Anchor) -> None:
        self._anchor = anchor

    @property
    def speed(self) -> float:
        """Simulated seconds in a real one."""
        return self._anchor.speed

    def now(self) -> float:
        """Seconds after midnight."""
        anchor = self._anchor
        return anchor.at_s + (time.monotonic() - anchor.real_s) * anchor.speed

    def change(self, speed: float) -> Anchor:
        """Go on at another speed from here."""
        self._anchor = Anchor(time.monotonic(), self.now(), speed)
        return self._anchor

    async def really(self, seconds: float) -> None:
        """Wait in real time, as far as the speed stays what it is."""
        await asyncio.sleep(seconds * self.speed)

    def follow(self, anchor: Anchor) -> None:
        """Go on as another process does."""
        self._anchor = anchor


_TICK_S: Final = 0.001
"""epoll counts in these."""


class _Selector(selectors.DefaultSelector):
    """Waits for the real time that a simulated one takes."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            timeout = max(_TICK_S, timeout / self._pace.speed)
        return super().select(timeout)


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the simulated one: every pause and time-out follows it."""

    def __init__(self, pace: Pace) -> None:
        super().__init__(_Selector(pace))
        self._pace = pace

    def time(self) -> float:
        """Seconds after the simulated midnight."""
        return self._pace.now()
