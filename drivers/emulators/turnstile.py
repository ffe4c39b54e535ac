"""A tripod turnstile on a cable, written from its maker's manual; it never says a word."""

from pathlib import Path
from typing import Self

from drivers.emulators.party import PartyLine, connected

_WAYS = {0x40: "left", 0x41: "right"}


class Turnstile:
    """The turnstile; use it as an asynchronous context manager, plugged in from the start.

    ``freed`` keeps which ways it was told to free, ``others`` every other command.
    """

    def __init__(self, link: Path | PartyLine, *, address: int = 1) -> None:
        self.freed: list[str] = []
        self.others: list[int] = []
        self._address = address
        self._cable = connected(link, self._received)

    async def __aenter__(self) -> Self:
        self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Pull the cable."""
        self._cable.unplug()

    def replug(self) -> None:
        """Plug it in again."""
        self._cable.plug()

    def _received(self, data: bytes) -> None:
        if len(data) != 5 or data[0] != 0xEB or data[1] != self._address:
            return
        if data[0] ^ data[1] ^ data[2] ^ data[3] != data[4]:
            return
        if data[2] in _WAYS:
            self.freed.append(_WAYS[data[2]])
        else:
            self.others.append(data[2])
