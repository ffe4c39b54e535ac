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
        self._begun = asyncio.Event()

    @property
    def ours(self) -> set[int]:
        """The outputs that nobody else will switch off, and that were not yet twice."""
        return {output for output, pulse in self._pulses.items() if pulse.ours}

    def begin(self, output: int, seconds: float, *, ours: bool) -> None:
        """``output`` is on from now, in place of a pulse that was still running.

        ``ours``: the board cannot time it. What was ours stays so: if the command of a pulse that
        the board would time gets lost, the former one is still on.
        """
        end = asyncio.get_running_loop().time() + seconds
        former = self._pulses.get(output)
        ours = ours or (former is not None and former.ours)
        self._pulses[output] = _Pulse(end, ours, end)
        self._begun.set()

    def forget(self, output: int) -> None:
        """``output`` was switched in another way."""
        self._pulses.pop(output, None)

    def is_on(self, output: int) -> bool:
        """Whether its time is not over."""
        pulse = self._pulses.get(output)
        return pulse is not None and asyncio.get_running_loop().time() < pulse.ends

    async def due(self) -> list[int]:
        """Wait until outputs have to be switched off, for the first or the second time."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if due := [output for output, pulse in self._pulses.items() if pulse.off_s <= now]:
                return due
            self._begun.clear()
            nearest = min((pulse.off_s for pulse in self._pulses.values()), default=None)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(nearest):
                    await self._begun.wait()

    def done(self, output: int) -> None:
        """``output`` has been switched off; after the second time it is forgotten."""
        pulse = self._pulses.get(output)
        if pulse is None or asyncio.get_running_loop().time() < pulse.off_s:
            return  # it began anew meanwhile
        pulse.times += 1
        pulse.off_s += AGAIN_S
        if pulse.times == 2 or not pulse.ours:
            del self._pulses[output]

    def failed(self, output: int) -> None:
        """``output`` could not be switched off: it is due again soon."""
        if pulse := self._pulses.get(output):
            pulse.off_s += AGAIN_S
