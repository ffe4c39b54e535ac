"""A network camera that can be given every trouble a network camera has."""

import asyncio
from collections.abc import Callable
from typing import Final

from drivers.emulators.networked import Networked
from tests.drivers import codes
from tests.drivers.streams import HEAD, part

_KINDS: Final = 4
"""Pictures of one scene: with a grain of its own each, or the picture would be frozen."""


class TroubledCamera(Networked):
    """Streams pictures of a code; what is set here counts from the next picture on."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = 0
        self.shown = 0
        self.head = HEAD
        """What a request is answered with."""
        self.spoil: Callable[[bytes], bytes] = bytes
        """What becomes of each part of the stream."""
        self.period_s = 0.05
        self.most: int | None = None
        """Pictures for one connection; then it is closed."""
        self._parts: list[bytes] = []
        self.show_next()

    @property
    def url(self) -> str:
        """The address of the stream."""
        return f"http://{self.place}/live"

    def show_next(self) -> None:
        """From now on somebody else holds up a code, one that has never been seen."""
        self.shown += 1
        scene = codes.held_up(codes.raw(b"person-%d" % self.shown), 240, 320)
        self._parts = [part(codes.jpeg(codes.grainy(scene, 2, seed=n))) for n in range(_KINDS)]

    def heal(self) -> None:
        """All is well again."""
        self.head, self.spoil, self.period_s, self.most = HEAD, bytes, 0.05, None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See :meth:`drivers.emulators.networked.Networked.serve`."""
        await reader.readuntil(b"\r\n\r\n")
        self.connections += 1
        writer.write(self.head)
        turn = 0
        while not writer.is_closing() and turn != self.most:
            writer.write(self.spoil(self._parts[turn % _KINDS]))
            await writer.drain()
            await asyncio.sleep(self.period_s)
            turn += 1
