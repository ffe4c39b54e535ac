"""A GY-MCU90614 on a cable; written from the sellers' data sheet.

Obeys the documented commands (``A5 cmd sum``): 45 continuous, 15 one reading, AE and AF speed,
51 and 52 output at power-up; the last four count from the next power-up.
"""

from pathlib import Path

from drivers.emulators.instrument import Talkative


class Thermometer(Talkative):
    """The module; ``baud`` and ``talks_at_power_up`` are its stored settings."""

    def __init__(
        self,
        link: Path,
        *,
        baud: int = 9600,
        talks_at_power_up: bool = False,
        rate_hz: float = 10.0,
        seed: int = 1,
    ) -> None:
        super().__init__(link, baud=baud, rate_hz=rate_hz, seed=seed)
        self._stored_baud = baud
        self._stored_talks = self._talks = talks_at_power_up
        self._pending = b""

    def power_up(self) -> None:
        """See :meth:`Instrument.power_up`."""
        self.baud, self._talks, self._pending = self._stored_baud, self._stored_talks, b""

    def tick(self) -> None:
        """See :meth:`Talkative.tick`."""
        if self._talks:
            self._send_reading()

    def _send_reading(self) -> None:
        frame = bytearray(b"\x5a\x5a\x45\x04")
        for celsius in (self.seen_celsius(), self.ambient_celsius):
            frame += round(celsius * 100).to_bytes(2, "big", signed=True)
        frame.append(sum(frame) % 256)
        self.send(bytes(frame))

    def received(self, data: bytes) -> None:
        """See :meth:`Instrument.received`."""
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
