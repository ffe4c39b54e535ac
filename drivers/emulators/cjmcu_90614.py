"""A CJMCU-90614 on a cable; written from the sellers' page and the one published frame."""

from pathlib import Path

from drivers.emulators.instrument import Talkative

_BAUDS = {0x11: 9600, 0x12: 57600, 0x13: 115200}


class Cjmcu90614(Talkative):
    """The module; with ``sums_all`` its check byte covers the header, too, which is not known."""

    def __init__(
        self, link: Path, *, baud: int = 115200, sums_all: bool = False, rate_hz: float = 10.0
    ) -> None:
        super().__init__(link, baud=baud, rate_hz=rate_hz)
        self._stored_baud = baud
        self._sums_all = sums_all
        self._mode = 2
        self._pending = b""

    def power_up(self) -> None:
        """See :meth:`Instrument.power_up`."""
        self.baud, self._mode, self._pending = self._stored_baud, 2, b""

    def tick(self) -> None:
        """See :meth:`Talkative.tick`."""
        if self._mode != 1:
            return
        head = bytes((0x66, 0x66, self._mode, 4))
        both = (self.seen_celsius(), self.ambient_celsius)
        data = b"".join(round(each * 100).to_bytes(2, "big", signed=True) for each in both)
        check = sum(head + data if self._sums_all else data) % 256
        self.send(head + data + bytes((check,)))

    def received(self, data: bytes) -> None:
        """See :meth:`Instrument.received`."""
        self._pending += data
        while len(self._pending) >= 4:
            one, two, command, end = self._pending[:4]
            if (one, two, end) != (0x66, 0x66, 0x56):
                self._pending = self._pending[1:]
                continue
            self._pending = self._pending[4:]
            if command in _BAUDS:
                self._stored_baud = _BAUDS[command]
            else:
                self._mode = command
