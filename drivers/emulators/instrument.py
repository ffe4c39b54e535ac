"""What every emulated thermometer is: a sensor on a cable, before which people can be put."""

import asyncio
import random
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from drivers.emulators.cable import Cable

_APPROACH = (0.25, 0.6, 0.9)
"""How much of a person's warmth the sensor sees in the readings while they step up."""
_NOISE_CELSIUS = 0.05


class Instrument(ABC):
    """Use it as an asynchronous context manager, plugged in from the start.

    ``object_celsius`` and ``ambient_celsius`` may be set at any time; ``person`` plays somebody
    being measured. ``baud`` is its own speed: at another, both ends hear noise.
    """

    def __init__(self, link: Path, *, baud: int, rate_hz: float = 10.0, seed: int = 1) -> None:
        self.object_celsius = 22.6
        self.ambient_celsius = 22.0
        self.baud = baud
        self.cable = Cable(link, self._hear)
        self.period_s = 1 / rate_hz
        self._random = random.Random(seed)

    @abstractmethod
    def power_up(self) -> None:
        """Begin with what is stored; the rest is forgotten."""

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Take what the other end sends."""

    async def __aenter__(self) -> Self:
        self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Pull the cable, and with it the power."""
        self.cable.unplug()

    def replug(self) -> None:
        """Plug it in again."""
        self.power_up()
        self.cable.plug()

    async def person(self, celsius: float, *, stays_s: float = 3.0) -> None:
        """Somebody with this skin temperature steps up, stays before the sensor, and leaves."""
        background = self.object_celsius
        for share in _APPROACH:
            self.object_celsius = background + share * (celsius - background)
            await asyncio.sleep(self.period_s)
        self.object_celsius = celsius
        try:
            await asyncio.sleep(stays_s)
        finally:
            self.object_celsius = background

    def seen_celsius(self) -> float:
        """The object as the sensor sees it this time."""
        return self.object_celsius + self._random.uniform(-_NOISE_CELSIUS, _NOISE_CELSIUS)

    def send(self, frame: bytes) -> None:
        """Send a frame; as noise where the speeds differ."""
        self.cable.send(frame if self._speeds_agree() else self._random.randbytes(len(frame)))

    def _hear(self, data: bytes) -> None:
        if self._speeds_agree():
            self.received(data)

    def _speeds_agree(self) -> bool:
        return self.cable.baud == self.baud


class Talkative(Instrument):
    """One that sends by itself, if it has been told to."""

    _task: asyncio.Task[None] | None = None

    @abstractmethod
    def tick(self) -> None:
        """Called every ``period_s``, whether it is to send or not."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._talk(), name="emulated thermometer")
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _talk(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self.period_s)
