"""When confirmations become durable: with an append if there is one in time, else on their own."""

import asyncio
import math
from collections.abc import Callable

FLUSH_AFTER_S = 30.0
"""Confirmations wait this long for a commit to ride in: on their own each costs a page, and at one
event per second a flush per second doubles what is written to the card."""
FLUSH_ROWS = 20
"""This many confirmations do not wait: what is lost of them is sent twice after a crash."""
FLUSH_EVERY_S = 0.2
"""But not more often than this: in a drain at full speed each acknowledged batch would make a
commit, 400 a second. A crash sends the batches in flight twice in any case; once there has been
quiet for so long, it sends fewer than `FLUSH_ROWS` events twice."""


class Flush:
    """Counts confirmations that are not durable yet, and calls `wake` when they are to be."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting = 0
        self._done_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def due(self) -> bool:
        """Whether the next commit is to take them, whatever they add to it."""
        return self._waiting >= FLUSH_ROWS

    def soon(self, confirmed: int) -> None:
        """So many more: with the next commit, or before long."""
        self._waiting += confirmed
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = max(now, self._done_at + FLUSH_EVERY_S) if self.due else now + FLUSH_AFTER_S
        if self._timer is None or at < self._timer.when():  # never later than promised before
            self.stop()
            self._timer = loop.call_at(at, self._now)

    def done(self) -> None:
        """The commit that takes all of them begins."""
        self._waiting = 0
        self._done_at = asyncio.get_running_loop().time()
        self.stop()

    def stop(self) -> None:
        """Call nobody any more, until there are more of them."""
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def _now(self) -> None:
        self._waiting = max(self._waiting, FLUSH_ROWS)
        self._wake()
