"""A line to the broker that counts what passes, and may be as thin as a bad mobile network."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PIECE = 1 << 16
_MODEM_BYTES = 1 << 16
"""What a thin line takes in advance: two seconds' worth at 256 kbit/s."""


class Line:
    """Passes connections on to a port of the loopback interface."""

    def __init__(self, target: int, bytes_per_s: float | None) -> None:
        self.port = 0
        self.up = 0
        """Bytes to the broker."""
        self.down = 0
        self._target = target
        self._bytes_per_s = bytes_per_s

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until one of its ends is gone."""
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(reader, broker_writer, up=True))
                ways.create_task(self._pass(broker_reader, writer, up=False))
        except* OSError:
            pass
        finally:
            for end in (writer, broker_writer):
                end.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        most = int(self._bytes_per_s / 20) if self._bytes_per_s else _PIECE
        while data := await reader.read(most):
            if up:
                self.up += len(data)
            else:
                self.down += len(data)
            if self._bytes_per_s:
                await asyncio.sleep(len(data) / self._bytes_per_s)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def line(target: int, *, bytes_per_s: float | None = None) -> AsyncIterator[Line]:
    """A line to the port `target`; `bytes_per_s` hold each way."""
    made = Line(target, bytes_per_s)
    listener = socket.create_server(("127.0.0.1", 0))
    if bytes_per_s:  # inherited by the connections, so that the kernel does not hide the line
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MODEM_BYTES // 2)
    server = await asyncio.start_server(made.carry, sock=listener, limit=_MODEM_BYTES // 4)
    made.port = listener.getsockname()[1]
    try:
        yield made
    finally:
        server.close()
