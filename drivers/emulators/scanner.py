"""Code readers on a cable, before which codes can be held; written from their makers' manuals.

The GM65 obeys ``7E 00 type len addr(2) data CRC(2)``: 7 reads its zones, 8 writes and 9 saves
them, and AB CD in place of the CRC is taken, too; anything else it does not answer. Zone 0, bits 1
and 0: told by command (1), looks all the time (2); zone 2, bit 0: look once.
"""

import asyncio
from pathlib import Path
from typing import Self

from drivers.emulators.cable import Cable

_NO_CHECK = b"\xab\xcd"
_LOOKS_S = 5.0
"""How long it looks for a code when told to, unless set otherwise."""


class Scanner:
    """Any reader that sends lines; use it as an asynchronous context manager, plugged in.

    Looks all the time, unless ``by_command``: then it sends one code for each time that it was
    told to look, by the Honeywell command.
    """

    def __init__(self, link: Path, *, tail: bytes = b"\r", by_command: bool = False) -> None:
        self.by_command = by_command
        self._cable = Cable(link, self.received)
        self._tail = tail
        self._pending = b""
        self._looks_until = 0.0

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
        self._pending = b""
        self._cable.plug()

    def hold_up(self, code: bytes) -> None:
        """Hold a code before it once; it is sent if the scanner is looking."""
        if self.by_command:
            if asyncio.get_running_loop().time() > self._looks_until:
                return
            self._looks_until = 0.0
        self.send(code + self._tail)

    def send(self, data: bytes) -> None:
        """Put bytes on the line, whatever they are."""
        self._cable.send(data)

    def received(self, data: bytes) -> None:
        """Obey what comes from the other end."""
        self._pending += data
        if b"\x16T\r" in self._pending:
            self._pending = b""
            self.look()

    def look(self) -> None:
        """Look for one code from now on."""
        self._looks_until = asyncio.get_running_loop().time() + _LOOKS_S


class NewlandScanner(Scanner):
    """Obeys ``~ SOH 0000 # tag ; ETX``, of which it knows SCNTRG1, and says how it went."""

    def received(self, data: bytes) -> None:
        """See :meth:`Scanner.received`."""
        self._pending += data
        while b";\x03" in self._pending:
            message, _, self._pending = self._pending.partition(b";\x03")
            _, begun, told = message.rpartition(b"~\x01")
            if not begun:
                continue
            known = told == b"0000#SCNTRG1"
            self.send(b"\x02\x01" + told + (b"\x06" if known else b"\x05") + b";\x03")
            if known:
                self.look()


class Gm65(Scanner):
    """A GM65; ``zones`` are its settings, of which 0 is the mode."""

    def __init__(self, link: Path, *, tail: bytes = b"\r", by_command: bool = False) -> None:
        super().__init__(link, tail=tail, by_command=by_command)
        self.zones = {0: 0xD1 if by_command else 0xD2}

    def received(self, data: bytes) -> None:
        """See :meth:`Scanner.received`."""
        self._pending += data
        while len(self._pending) >= 4:
            size = 8 + max(1, self._pending[3] if self._pending[2] == 8 else 1)
            if self._pending[:2] != b"\x7e\x00":
                self._pending = self._pending[1:]
            elif len(self._pending) < size:
                return
            else:
                self._obey(self._pending[2 : size - 2], self._pending[size - 2 : size])
                self._pending = self._pending[size:]

    def _obey(self, command: bytes, check: bytes) -> None:
        if check not in (_NO_CHECK, _crc(command)):
            return
        zone = int.from_bytes(command[2:4], "big")
        if command[0] == 7:
            self._answer(bytes(self.zones.get(zone + n, 0) for n in range(command[4])))
        elif command[0] == 9:
            self._answer(b"\x00")
        elif command[0] == 8:
            self.zones[zone] = command[4]
            self._answer(b"\x00")
            if zone == 2 and command[4] & 1:
                self.look()

    def _answer(self, data: bytes) -> None:
        body = bytes((0, len(data))) + data
        self.send(b"\x02\x00" + body + _crc(body))


def _crc(data: bytes) -> bytes:
    """CRC-16/XMODEM, bit by bit as the manual prints it."""
    crc = 0
    for byte in data:
        for bit in range(7, -1, -1):
            high = crc >> 15 ^ byte >> bit & 1
            crc = crc << 1 & 0xFFFF ^ (0x1021 if high else 0)
    return crc.to_bytes(2, "big")
