"""A GY-MCU90614 on a cable, before which people can be put; written from the sellers' data sheet.

Obeys the documented commands (``A5 cmd sum``): 45 continuous, 15 one reading, AE and AF speed,
51 and 52 output at power-up; the last four count from the next power-up. Where the other end's
speed is not its own, both hear noise.
"""

import asyncio
import random
from pathlib import Path
from typing import Self

from drivers.emulators.cable import Cable

_APPROACH = (0.25, 0.6, 0.9)
"""How much of a person's warmth the sensor sees in the readings while they step up."""
_NOISE_CELSIUS = 0.05


class Thermometer:
    """The module; use it as an asynchronous context manager, plugged in from the start.

    ``baud`` and ``talks_at_power_up`` are its stored settings. ``object_celsius`` and
    ``ambient_celsius`` may be set at any time; ``person`` plays somebody being measured.
    """

    def __init__(
        self,
        link: Path,
        *,
        baud: int = 9600,
        talks_at_power_up: bool = False,
        rate_hz: float = 10.0,
        seed: int = 1,
    ) -> None:
        self.object_celsius = 22.6
        self.ambient_celsius = 22.0
        self._cable = Cable(link, self._received)
        self._stored_baud = self._baud = baud
        self._stored_talks = self._talks = talks_at_power_up
        self._period_s = 1 / rate_hz
        self._random = random.Random(seed)
        self._pending = b""
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.replug()
        self._task = asyncio.create_task(self._talk(), name="emulated thermometer")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def unplug(self) -> None:
        """Pull the cable, and with it the power."""
        self._cable.unplug()

    def replug(self) -> None:
        """Plug it in again; what was not stored is forgotten."""
        self._baud, self._talks, self._pending = self._stored_baud, self._stored_talks, b""
        self._cable.plug()

    async def person(self, celsius: float, *, stays_s: float = 3.0) -> None:
        """Somebody with this skin temperature steps up, stays before the sensor, and leaves."""
        background = self.object_celsius
        for share in _APPROACH:
            self.object_celsius = background + share * (celsius - background)
            await asyncio.sleep(self._period_s)
        self.object_celsius = celsius
        try:
            await asyncio.sleep(stays_s)
        finally:
            self.object_celsius = background

    async def _talk(self) -> None:
        while True:
            if self._talks:
                self._send_reading()
            await asyncio.sleep(self._period_s)

    def _send_reading(self) -> None:
        seen = self.object_celsius + self._random.uniform(-_NOISE_CELSIUS, _NOISE_CELSIUS)
        frame = bytearray(b"\x5a\x5a\x45\x04")
        for celsius in (seen, self.ambient_celsius):
            frame += round(celsius * 100).to_bytes(2, "big", signed=True)
        frame.append(sum(frame) % 256)
        self._cable.send(bytes(frame) if self._speeds_agree() else self._random.randbytes(9))

    def _received(self, data: bytes) -> None:
        if not self._speeds_agree():
            return
        self._pending += data
        while len(self._pending) >= 3:
            start, command, check = self._pending[:3]
            if start == 0xA5 and check == (start + command) % 256:
                self._obey(command)
                self._pending = self._pending[3:]
            else:
                self._pending = self._pending[1:]

    def _obey(self, command: int) -> None:
        match command:
            case 0x45:
                self._talks = True
            case 0x15:
                self._talks = False
                self._send_reading()
            case 0xAE:
                self._stored_baud = 9600
            case 0xAF:
                self._stored_baud = 115200
            case 0x51:
                self._stored_talks = True
            case 0x52:
                self._stored_talks = False

    def _speeds_agree(self) -> bool:
        return self._cable.baud == self._baud
