"""An HTTP server that answers every request by a script, well behaved or not."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Self

from tests.ports import free_port

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def part(jpeg: bytes) -> bytes:
    """One picture of a stream."""
    return b"--frame\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)


class ScriptedServer:
    """Plays ``script`` to each client; use it as an asynchronous context manager.

    A script that has nothing more to say waits for ``over`` to keep the connection open.
    """

    def __init__(self, script: "Script") -> None:
        self.requests: list[bytes] = []
        self.over = asyncio.Event()
        self._script = script
        self._sessions: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = free_port()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over.set()
        if self._server:
            self._server.close()
        if self._sessions:
            await asyncio.wait(self._sessions)

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The address of the stream."""
        return f"http://{self.place}/live?channel=1"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.create_task(self._answer(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await self._script(self, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.close()


Script = Callable[[ScriptedServer, asyncio.StreamWriter], Awaitable[None]]


def sends(*chunks: bytes, then_ends: bool = False) -> Script:
    """A script: these bytes, and then nothing, or the end."""

    async def script(server: ScriptedServer, writer: asyncio.StreamWriter) -> None:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        if not then_ends:
            await server.over.wait()

    return script


def repeats(first: bytes, *then: bytes, every_s: float) -> Script:
    """A script: ``first``, and then the others by turns, over and over."""

    async def script(server: ScriptedServer, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for chunk in itertools.cycle(then):
            if server.over.is_set():
                return
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(every_s)

    return script


def in_turn(*scripts: Script) -> Script:
    """A script: the first for the first client, and so on; the last for all that follow."""

    async def script(server: ScriptedServer, writer: asyncio.StreamWriter) -> None:
        turn = min(len(server.requests), len(scripts)) - 1
        await scripts[turn](server, writer)

    return script
