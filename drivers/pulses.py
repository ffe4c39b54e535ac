"""Keeps in mind which outputs are on for a while, and when each has to go off."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

AGAIN_S: Final = 0.2
"""An output that was switched off is switched off once more after this: a lost command must not
leave a strike energised."""


@dataclass(slots=True)
class _Pulse:
    ends: float
    ours: bool
    off_s: float  # when to switch it off next
    times: int = 0  # that it has been switched off


class Pulses:
    """The pulses of one device; outputs are numbers."""

    def __init__(self) -> None:
        self._pulses: dict[int, _Pulse] = {}
        self._news = asyncio.Event()

    @property
    def ours(self) -> set[int]:
        """The outputs that nobody else will switch off, and that were not yet twice."""
        return {output for output, pulse in self._pulses.items() if pulse.ours}

    def begin(self, output: int, seconds: float, *, ours: bool) -> None:
        """``output`` is on from now, in place of a pulse that was still running.

        ``ours``: the board cannot time it.
        """
        end = asyncio.get_running_loop().time() + seconds
        self._pulses[output] = _Pulse(end, ours, end)
        self.wake()

    def forget(self, output: int) -> None:
        """``output`` was switched in another way."""
        self._pulses.pop(output, None)
        self.wake()

    def is_on(self, output: int) -> bool:
        """Whether its time is not over."""
        pulse = self._pulses.get(output)
        return pulse is not None and asyncio.get_running_loop().time() < pulse.ends

    def due(self) -> list[int]:
        """The outputs that have to be switched off now, for the first or the second time."""
        now = asyncio.get_running_loop().time()
        return [output for output, pulse in self._pulses.items() if pulse.off_s <= now]

    def done(self, output: int) -> None:
        """``output`` has been switched off; after the second time it is forgotten."""
        pulse = self._pulses.get(output)
        if pulse is None or asyncio.get_running_loop().time() < pulse.off_s:
            return  # it began anew meanwhile
        pulse.times += 1
        pulse.off_s += AGAIN_S
        if pulse.times == 2 or not pulse.ours:
            del self._pulses[output]

    def wake(self) -> None:
        """End a ``wait``."""
        self._news.set()

    async def wait(self, seconds: float) -> None:
        """Wait at most ``seconds``, less if something is due or begins before, or it is woken."""
        now = asyncio.get_running_loop().time()
        nearest = min((pulse.off_s - now for pulse in self._pulses.values()), default=seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(seconds, nearest))):
                await self._news.wait()
        self._news.clear()
