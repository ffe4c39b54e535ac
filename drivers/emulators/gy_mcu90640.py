"""A GY-MCU90640 thermal array on a cable; written from the maker's manual.

Somebody before it is a warm spot of nine pixels in a field at the air's temperature.
"""

import struct
from pathlib import Path

from drivers.emulators.instrument import Talkative

_COLUMNS, _ROWS = 32, 24
_SPOT = (10, 12)
_SPEEDS = {1: 9600, 2: 115200, 3: 460800}
_PERIODS_S = (2.0, 1.0, 0.5, 0.25, 0.125)


class GyMcu90640(Talkative):
    """The module; ``hurry`` divides the period between two images, for tests in a hurry."""

    def __init__(self, link: Path, *, baud: int = 115200, hurry: float = 1.0) -> None:
        super().__init__(link, baud=baud, rate_hz=4.0 * hurry)
        self._stored_baud = baud
        self._hurry = hurry
        self._talks = True
        self.emissivity = 95
        self._pending = b""

    def power_up(self) -> None:
        """See :meth:`Instrument.power_up`."""
        self.baud, self._talks, self._pending = self._stored_baud, True, b""
        self.emissivity = 95

    def tick(self) -> None:
        """See :meth:`Talkative.tick`."""
        if self._talks:
            self._send_image()

    def received(self, data: bytes) -> None:
        """See :meth:`Instrument.received`."""
        self._pending += data
        while len(self._pending) >= 4:
            start, command, value, check = self._pending[:4]
            if start == 0xA5 and check == (start + command + value) % 256:
                self._obey(command, value)
                self._pending = self._pending[4:]
            else:
                self._pending = self._pending[1:]

    def _obey(self, command: int, value: int) -> None:
        match command:
            case 0x15:
                self._stored_baud = _SPEEDS[value]
            case 0x25:
                self.period_s = _PERIODS_S[value] / self._hurry
            case 0x35:
                self._talks = value == 2
            case 0x45:
                self.emissivity = value
            case 0x55:
                self.send(bytes((0x5A, 0x5A, self.emissivity, (0xB4 + self.emissivity) % 256)))

    def _send_image(self) -> None:
        column, row = _SPOT
        pixels = [round(self.ambient_celsius * 100)] * (_COLUMNS * _ROWS)
        for y in range(row, row + 3):
            for x in range(column, column + 3):
                pixels[y * _COLUMNS + x] = round(self.seen_celsius() * 100)
        body = struct.pack("<769h", *pixels, round(self.ambient_celsius * 100))
        frame = bytes((0x5A, 0x5A, 0x02, 0x06)) + body
        total = sum(word for (word,) in struct.iter_unpack("<H", frame))
        self.send(frame + struct.pack("<H", total & 0xFFFF))
