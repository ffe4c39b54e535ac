"""Lock-control boards of three makes on a cable, with locks to be opened and doors to be pulled.

Written from the frames that people have published, by way of none of our codecs. ``xor5`` boards
also say by themselves that a lock has changed.
"""

import asyncio
from pathlib import Path
from typing import Literal, Self

from drivers.emulators.party import PartyLine, connected

_IMPULSE_S = 0.2

Make = Literal["xor5", "wkly", "kerong"]


class LockBoard:
    """The board; use it as an asynchronous context manager, plugged in from the start.

    ``contacts`` are the locks' feedback contacts by number from 1. A lock that opens inverts its
    contact until somebody shuts its door. ``driven`` are the locks that have current just now,
    ``opened`` keeps which were opened. A board that is ``terse`` does not answer an opening.
    """

    def __init__(
        self, link: Path | PartyLine, make: Make, *, board: int = 1, terse: bool = False
    ) -> None:
        self.contacts = dict.fromkeys(range(1, 17), True)
        self.driven: set[int] = set()
        self.opened: list[int] = []
        self._make = make
        self._board = board
        self._terse = terse
        received = getattr(self, f"_received_{make}")
        self._cable = connected(link, received)
        self._impulses: list[asyncio.TimerHandle] = []

    async def __aenter__(self) -> Self:
        self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()
        for impulse in self._impulses:
            impulse.cancel()

    def unplug(self) -> None:
        """Pull the cable; the locks do not notice."""
        self._cable.unplug()

    def replug(self) -> None:
        """Plug it in again."""
        self._cable.plug()

    def set_contact(self, lock: int, *, active: bool) -> None:
        """Somebody moves the bolt."""
        self.contacts[lock] = active
        if self._make == "xor5":
            self._say(bytes((0x81, self._board, lock, self._state(lock))), "xor")

    def _received_xor5(self, data: bytes) -> None:
        if (
            len(data) != 5
            or data[1] != self._board
            or data[0] ^ data[1] ^ data[2] ^ data[3] != data[4]
        ):
            return
        lock = data[2]
        if data[0] == 0x8A and data[3] == 0x11:
            self._open(lock)
            if self._terse:
                return
        elif data[0] != 0x80 or data[3] != 0x33:
            return
        self._say(bytes((data[0], self._board, lock, self._state(lock))), "xor")

    def _received_wkly(self, data: bytes) -> None:
        if len(data) != 9 or data[:4].hex() != "574b4c59" or data[5] != self._board:
            return
        command, lock = data[6], data[7]
        if command == 0x82:
            self._open(lock)
            if self._terse:
                return
        answer = bytes.fromhex("574b4c590b") + bytes((self._board, command, 0, lock))
        self._say(answer + bytes((int(self.contacts[lock]),)), "xor")

    def _received_kerong(self, data: bytes) -> None:
        if len(data) != 5 or data[1] // 16 != self._board or sum(data[:4]) % 256 != data[4]:
            return
        if data[2] == 0x31:
            self._open(data[1] % 16 + 1)
        elif data[2] == 0x30:
            low = sum(2 ** (lock - 1) for lock in range(1, 9) if self.contacts[lock])
            high = sum(2 ** (lock - 9) for lock in range(9, 17) if self.contacts[lock])
            self._say(bytes((2, data[1], 0x35, low, high, 0, 0, 3)), "sum")

    def _open(self, lock: int) -> None:
        self.opened.append(lock)
        self.driven.add(lock)
        loop = asyncio.get_running_loop()
        self._impulses.append(loop.call_later(_IMPULSE_S, self.driven.discard, lock))
        self.contacts[lock] = not self.contacts[lock]

    def _state(self, lock: int) -> int:
        return 0x11 if self.contacts[lock] else 0x00

    def _say(self, body: bytes, check: Literal["xor", "sum"]) -> None:
        total = 0
        for byte in body:
            total = total ^ byte if check == "xor" else (total + byte) % 256
        self._cable.send(body + bytes((total,)))
