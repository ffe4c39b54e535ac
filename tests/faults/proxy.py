"""A TCP proxy that is a bad network: slow, silent in one direction, cut, or flipping bits."""

import asyncio
import math
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time at all: what waits is thrown away and the other end gets an RST."""


@dataclass
class Conditions:
    """How the network is; may be changed at any time."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = math.inf
    piece: int = 1 << 16
    """Bytes that are passed on at once."""
    swallow_up: bool = False
    """A black hole for what goes to the broker; the connection stays."""
    swallow_down: bool = False
    flip_share: float = 0.0
    """The share of pieces in which one bit is flipped, in both directions."""
    cut_every: int | None = None
    """Bytes to the broker after which the connection is reset, wherever that is in a packet."""


class FaultProxy:
    """Passes connections to its port on to `target`, as well as `conditions` allow."""

    def __init__(self, target: int, rng: random.Random) -> None:
        self.port = 0
        self.conditions = Conditions()
        self.connections = 0
        self.faults = 0
        """Pieces that were flipped, and connections that were reset."""
        self._target = target
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self, sock: socket.socket | None = None) -> None:
        """Take connections; on the same port as before, or those to `sock`."""
        if sock is not None:
            self._server = await asyncio.start_server(self._carry, sock=sock)
        else:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Let nobody in any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def reset(self) -> None:
        """End every connection with an RST; what is under way is lost."""
        for writer in self._writers:
            _abort(writer)

    async def close(self) -> None:
        """Refuse, reset, and wait until all of it is gone."""
        self.refuse()
        self.reset()
        while self._writers:
            await asyncio.sleep(0.001)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        ends = {writer}
        self._writers |= ends
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            ends.add(far_writer)
            self._writers |= ends
            async with asyncio.TaskGroup() as pipes:
                pipes.create_task(_Pipe(self, self._rng, up=True).run(reader, far_writer))
                pipes.create_task(_Pipe(self, self._rng, up=False).run(far_reader, writer))
        except* OSError:
            pass  # one end is gone: so is the other, now
        finally:
            self._writers -= ends
            for end in ends:
                _abort(end)


class _Pipe:
    """One direction of one connection."""

    def __init__(self, proxy: FaultProxy, rng: random.Random, *, up: bool) -> None:
        self._proxy = proxy
        self._rng = rng
        self._up = up
        self._passed = 0
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry until one end closes.

        Raises:
            OSError: always, at the end.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take(reader))
            tasks.create_task(self._give(writer))

    async def _take(self, reader: asyncio.StreamReader) -> None:
        loop, due = asyncio.get_running_loop(), 0.0
        while data := await reader.read(1 << 16):
            now = self._proxy.conditions
            if now.swallow_up if self._up else now.swallow_down:
                continue
            # Never before what came first: it is TCP.
            due = max(due, loop.time() + now.delay_s + self._rng.uniform(0, now.jitter_s))
            self._queue.put_nowait((due, data))
        raise ConnectionResetError

    async def _give(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            while data:
                now = self._proxy.conditions
                piece, data = data[: now.piece], data[now.piece :]
                self._passed += len(piece)
                if self._up and now.cut_every and self._passed >= now.cut_every:
                    writer.write(piece[: len(piece) // 2])
                    self._proxy.faults += 1
                    raise ConnectionResetError
                if self._rng.random() < now.flip_share:
                    piece = _flipped(piece, self._rng)
                    self._proxy.faults += 1
                writer.write(piece)
                await writer.drain()
                if now.bytes_per_s < math.inf:
                    await asyncio.sleep(len(piece) / now.bytes_per_s)


def _flipped(piece: bytes, rng: random.Random) -> bytes:
    altered = bytearray(piece)
    altered[rng.randrange(len(piece))] ^= 1 << rng.randrange(8)
    return bytes(altered)


def _abort(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def fault_proxy(
    target: int, *, seed: int = 1, sock: socket.socket | None = None
) -> AsyncIterator[FaultProxy]:
    """A running proxy before the port `target` of the loopback interface.

    It is at a port of its own, or at the end of `sock`, which may be in another network.
    """
    proxy = FaultProxy(target, random.Random(seed))
    await proxy.open(sock)
    try:
        yield proxy
    finally:
        await proxy.close()
