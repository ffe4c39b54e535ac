"""A network camera on loopback: Motion JPEG over HTTP, with people who hold up codes before it.

It keeps account of what it has shown, so that what a gateway records can be compared with it.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final, Self, cast

import cv2

from drivers.emulators.scene import Picture, Scene

_HEAD: Final = (
    b"HTTP/1.0 200 OK\r\n"
    b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n"
    b"Cache-Control: no-store\r\n\r\n"
)
_PHOTOS: Final = frozenset({".jpeg", ".jpg", ".png"})
_QUALITY: Final = 80  # of the JPEGs, as cameras have it
_REQUEST_MOST: Final = 8192


@dataclass(frozen=True, slots=True)
class Shown:
    """One person's time before the camera, in the event loop's time."""

    payload: bytes | None = field(repr=False)
    """What the code carried; ``None`` for a photo, of which nobody has said."""
    from_s: float
    until_s: float


class Camera:
    """The camera; use it as an asynchronous context manager, streaming from the start.

    Nobody is in the picture until ``person`` or ``come_and_go`` brings somebody. With ``photos``,
    a folder, each person is the next photo in it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        fps: float = 12.0,
        photos: Path | None = None,
        seed: int = 1,
    ) -> None:
        self.shown: list[Shown] = []
        """Everybody who has been in the picture to the end, in order."""
        self._host = host
        self._port = port
        self._period_s = 1 / fps
        self._album = cycle(_album(photos)) if photos else None
        self._random = random.Random(seed)
        self._scene = Scene(seed=seed)
        self._view: Callable[[], Picture] = self._scene.empty
        self._viewers: set[_Viewer] = set()
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start_stream()
        self._task = asyncio.create_task(self._film(), name="emulated camera")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self.stop_stream()

    @property
    def url(self) -> str:
        """Where the stream is; it stays the same while the stream is stopped."""
        return f"http://{self._host}:{self._port}/stream.mjpg"

    async def start_stream(self) -> None:
        """Let viewers in."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Viewer(self._viewers), self._host, self._port
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop_stream(self) -> None:
        """Throw every viewer out and let nobody in."""
        if self._server:
            self._server.close()
            for viewer in tuple(self._viewers):
                await viewer.throw_out()
            self._server = None

    async def person(self, payload: bytes | None = None, *, stays_s: float = 2.5) -> None:
        """Somebody walks up, holds up a code and walks on; one at a time.

        Without ``payload`` a code is made up.
        """
        loop = asyncio.get_running_loop()
        from_s = loop.time()
        if self._album:
            payload, photo = None, self._scene.photo(next(self._album))
            self._view = lambda: photo
        else:
            payload = payload or self._made_up()
            visitor = self._scene.visitor(payload)
            self._view = lambda: self._scene.frame(visitor, loop.time() - from_s, stays_s)
        try:
            await asyncio.sleep(stays_s)
        finally:
            self._view = self._scene.empty
        self.shown.append(Shown(payload, from_s, loop.time()))

    async def come_and_go(self, *, stays_s: float = 2.5, pause_s: float = 1.5) -> None:
        """One person after the other, until cancelled."""
        while True:
            await self.person(stays_s=stays_s * self._random.uniform(0.8, 1.2))
            await asyncio.sleep(pause_s * self._random.uniform(0.8, 1.2))

    def _made_up(self) -> bytes:
        return b"https://pass.example.org/p/%032x" % self._random.getrandbits(128)

    async def _film(self) -> None:
        while True:
            if any(viewer.waits for viewer in self._viewers):
                _, jpeg = cv2.imencode(".jpg", self._view(), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
                for viewer in self._viewers:
                    viewer.show(jpeg.tobytes())
            await asyncio.sleep(self._period_s)


class _Viewer(asyncio.Protocol):
    """One client. Who is too slow for a frame does not get it."""

    def __init__(self, viewers: "set[_Viewer]") -> None:
        self._viewers = viewers
        self._request = b""
        self._transport: asyncio.Transport | None = None
        self._gone = asyncio.Event()

    @property
    def waits(self) -> bool:
        """Whether it has asked for the stream and taken all that was sent."""
        asked = b"\r\n\r\n" in self._request
        return asked and self._transport is not None and not self._transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._viewers.add(self)

    def data_received(self, data: bytes) -> None:
        asked = b"\r\n\r\n" in self._request
        self._request = (self._request + data)[-_REQUEST_MOST:]
        if self._transport and not asked and b"\r\n\r\n" in self._request:
            self._transport.write(_HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        self._viewers.discard(self)
        self._gone.set()

    def show(self, jpeg: bytes) -> None:
        """Send a frame."""
        if self._transport and self.waits:
            head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % len(jpeg) + jpeg + b"\r\n")

    async def throw_out(self) -> None:
        """End the connection and wait until it is gone."""
        if self._transport:
            self._transport.abort()
            await self._gone.wait()


def _album(folder: Path) -> list[Picture]:
    """The photos in ``folder``, by name; unreadable ones are passed over.

    Raises:
        FileNotFoundError: there is none.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _PHOTOS]
    photos = [
        cast(Picture, photo) for path in paths if (photo := cv2.imread(str(path))) is not None
    ]
    if not photos:
        raise FileNotFoundError(f"{folder} holds no .jpg or .png that can be read")
    return photos
