"""An Optris CS or CT on a cable; written from the makers' list of binary commands."""

from pathlib import Path

from drivers.emulators.instrument import Instrument

_PREFIX = 0xB0


class Optris(Instrument):
    """The sensor; ``hs`` for a high-resolution model, ``address`` for one on an RS-485 bus."""

    def __init__(
        self,
        link: Path,
        *,
        baud: int = 9600,
        hs: bool = False,
        address: int | None = None,
        emissivity: float = 0.97,
        rate_hz: float = 10.0,
    ) -> None:
        super().__init__(link, baud=baud, rate_hz=rate_hz)
        self._hs = hs
        self._address = address
        self._emissivity = emissivity
        self._is_for_us = address is None

    def power_up(self) -> None:
        """See :meth:`Instrument.power_up`."""
        self._is_for_us = self._address is None

    def received(self, data: bytes) -> None:
        """See :meth:`Instrument.received`."""
        for byte in data:
            if self._address is not None and byte & 0xF0 == _PREFIX:
                self._is_for_us = byte - _PREFIX == self._address
            elif self._is_for_us:
                self._obey(byte)
                self._is_for_us = self._address is None

    def _obey(self, command: int) -> None:
        match command:
            case 0x01 | 0x03:
                self._send_word(self._scaled(self.seen_celsius()))
            case 0x02:
                self._send_word(self._scaled(self.ambient_celsius))
            case 0x04:
                self._send_word(round(self._emissivity * 1000))

    def _scaled(self, celsius: float) -> int:
        return round(celsius * 100) + 10000 if self._hs else round(celsius * 10) + 1000

    def _send_word(self, value: int) -> None:
        self.send(value.to_bytes(2, "big"))
