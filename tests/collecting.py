"""Stands where the gateway stands: takes a driver's readings and lets a test wait for one."""

import asyncio
from collections.abc import Callable

from drivers.base import Reading

Wanted = type[Reading] | Callable[[Reading], bool]


class Collector:
    """An ``Emit`` that keeps everything, in order."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.ages_s: list[float] = []
        self._arrival = asyncio.Condition()

    async def __call__(self, reading: Reading, *, age_s: float = 0.0) -> None:
        async with self._arrival:
            self.readings.append(reading)
            self.ages_s.append(age_s)
            self._arrival.notify_all()

    def matching(self, wanted: Wanted, *, after: int = 0) -> list[Reading]:
        """The collected readings of a type, or those a predicate takes, from index ``after`` on."""
        if isinstance(wanted, type):
            return [reading for reading in self.readings[after:] if isinstance(reading, wanted)]
        return [reading for reading in self.readings[after:] if wanted(reading)]

    async def wait_for(self, wanted: Wanted, timeout_s: float = 10.0, *, after: int = 0) -> Reading:
        """The first reading from index ``after`` on that matches, come already or yet to come.

        Raises:
            TimeoutError: none came within ``timeout_s``.
        """
        async with asyncio.timeout(timeout_s), self._arrival:
            await self._arrival.wait_for(lambda: self.matching(wanted, after=after))
            return self.matching(wanted, after=after)[0]
