"""Name servers that swallow questions, and then answer them; and a daemon that has no others.

`python -m tests.faults.nameserver RESOLV_CONF [MUTANT] run FILE` is `checkpoint-gateway run FILE`,
or a mutant of it, with that file in the place of /etc/resolv.conf: a mount of its own.
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from gateway import cli
from tests.faults.mutants import Mutant, mutated
from tests.ports import free_port

_CLONE_NEWNS = 0x00020000  # in <linux/sched.h>
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000  # in <linux/mount.h>
_TYPE_A = b"\0\1\0\1"
_LOOPBACK = bytes([127, 0, 0, 1])


class NameServer(asyncio.DatagramProtocol):
    """Every name is this machine's, once it `answers`; asked for IPv6 it knows no address."""

    def __init__(self) -> None:
        self.answers = False
        self.asked = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """RFC 1035, 4.1: a header of 12 bytes, the name, type and class."""
        self.asked += 1
        if not self.answers or self._transport is None:
            return
        question = data[12 : data.index(b"\0", 12) + 5]
        found = question.endswith(_TYPE_A)
        head = data[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c" + _TYPE_A + b"\0\0\0\x05\0\x04" + _LOOPBACK if found else b""
        self._transport.sendto(head + question + record, addr)


@asynccontextmanager
async def name_server(directory: Path) -> AsyncIterator[NameServer]:
    """One on an address of this machine that nobody else uses; `directory`/resolv.conf leads to
    it."""
    number = free_port()
    address = f"127.53.{number >> 8}.{number & 0xFF}"
    (directory / "resolv.conf").write_text(f"nameserver {address}\n")
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, (address, 53))
    try:
        yield server
    finally:
        transport.close()


def replace_resolv_conf(file: str) -> None:
    """For this process and its children, who see the rest of the machine as it is."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.path.realpath("/etc/resolv.conf").encode()
    done = (
        libc.unshare(_CLONE_NEWNS),
        libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None),
        libc.mount(file.encode(), here, None, _MS_BIND, None),
    )
    if any(done):
        raise OSError(ctypes.get_errno(), f"/etc/resolv.conf cannot be replaced by {file}")


if __name__ == "__main__":
    replace_resolv_conf(sys.argv[1])
    mutant = [each for each in Mutant if each == sys.argv[2]]
    with mutated(mutant[0] if mutant else None):
        sys.exit(cli.main(sys.argv[2 + len(mutant) :]))
