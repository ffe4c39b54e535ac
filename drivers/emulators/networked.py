"""What emulated devices on the network share: they can be taken off it, and come back."""

import asyncio
from abc import ABC, abstractmethod
from typing import Self


class Networked(ABC):
    """A device that listens on loopback.

    Use it as an asynchronous context manager; it is plugged in from the start.
    """

    def __init__(self) -> None:
        self._port = 0
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client until it leaves."""

    async def __aenter__(self) -> Self:
        await self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.unplug()

    @property
    def place(self) -> str:
        """Host and port; they stay the same while it is unplugged."""
        return f"127.0.0.1:{self._port}"

    async def replug(self) -> None:
        """Let clients in."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Throw every client out and let nobody in."""
        if self._server:
            self._server.close()
        for session in self._sessions:
            session.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.create_task(self._talk(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.close()
