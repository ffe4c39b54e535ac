"""An LU90614 on a cable; written from the published commands and answers."""

from pathlib import Path

from drivers.emulators.instrument import Instrument

_BODY_ABOVE_SKIN = 1.5
"""The maker does not tell its formula; this one is made up."""


class Lu90614(Instrument):
    """The module; it forgets its mode without power, and starts with the object's."""

    def __init__(self, link: Path, *, rate_hz: float = 10.0) -> None:
        super().__init__(link, baud=9600, rate_hz=rate_hz)
        self._body = False
        self._pending = b""

    def power_up(self) -> None:
        """See :meth:`Instrument.power_up`."""
        self._body, self._pending = False, b""

    def received(self, data: bytes) -> None:
        """See :meth:`Instrument.received`."""
        self._pending += data
        while len(self._pending) >= 3:
            match self._pending[:3].hex():
                case "fac5bf":
                    self._body = True
                case "fac6c0":
                    self._body = False
                case "facac4":
                    self._answer()
                case _:
                    self._pending = self._pending[1:]
                    continue
            self._pending = self._pending[3:]

    def _answer(self) -> None:
        celsius = self.seen_celsius() + (_BODY_ABOVE_SKIN if self._body else 0)
        whole, hundredths = divmod(max(0, round(celsius * 100)), 100)
        frame = bytes((0xFE, 0xAC if self._body else 0xAA, whole, hundredths, 0, 0, 0, 0))
        self.send(frame + bytes((sum(frame) % 256,)))
