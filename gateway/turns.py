"""The rounds of a task's loop, for whoever must know that it still comes round."""

import asyncio
import math
from collections.abc import Callable


class Turns:
    """One loop's rounds: it says `taken` in each, and `waits` before it waits for others.

    Whoever asks for the `next` round wakes the loop by `wake`, so that one with nothing to do
    answers as well; a loop that never sleeps for long needs none.
    """

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self.wake = wake
        self._waits_until = -math.inf
        self._taken = asyncio.Event()

    @property
    def excused(self) -> bool:
        """Whether it said that it waits for others at present, who still have time."""
        return asyncio.get_running_loop().time() < self._waits_until

    def taken(self) -> None:
        """The loop has come round."""
        self._waits_until = -math.inf
        self._taken.set()
        self._taken = asyncio.Event()

    def waits(self, most_s: float) -> None:
        """It now waits for others, and will have given up after `most_s` seconds."""
        self._waits_until = asyncio.get_running_loop().time() + most_s

    async def next(self) -> None:
        """Return when the loop has come round."""
        taken = self._taken
        if self.wake:
            self.wake()
        await taken.wait()
