"""An RTSP camera on loopback: Motion JPEG in RTP, interleaved with RTSP on one TCP connection.

RTSP 1.0 (RFC 2326) with OPTIONS, DESCRIBE, SETUP, PLAY and TEARDOWN; RTP (RFC 3550) with JPEGs as
RFC 2435 has them: their tables travel in front of the first piece, the rest of their head does
not. Framing on TCP: ``$``, channel, two bytes of length.
"""

import asyncio
import struct
from typing import Final, Self

_PAYLOAD: Final = 26  # JPEG/90000 in RFC 3551
_HERTZ: Final = 90_000
_PIECE: Final = 1400
_SOURCE: Final = 0x636731  # SSRC: any number
_DQT, _SOF0, _SOS = 0xDB, 0xC0, 0xDA


class RtspCamera:
    """Shows JPEGs to whoever plays it; use it as an asynchronous context manager.

    The JPEGs are baseline, in colours at 4:2:0, as OpenCV writes them, with multiples of 16 as
    their sides. ``stalls`` set, it sends nothing more; ``garbage`` is sent once instead.
    """

    def __init__(self, pictures: list[bytes], *, fps: float = 15.0) -> None:
        self.pictures = pictures
        self.stalls = False
        self.garbage = b""
        self._period_s = 1 / fps
        self._port = 0
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address of the stream; it stays the same while the camera is stopped."""
        return f"rtsp://127.0.0.1:{self._port}/live"

    async def start(self) -> None:
        """Let players in."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Throw every player out and let nobody in."""
        if self._server:
            self._server.close()
        for session in self._sessions:
            session.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.create_task(self._serve(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                method, url, _ = request.decode("latin-1").split(" ", 2)
                writer.write(_reply(method, url, request))
                if method == "PLAY":
                    await self._play(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the player has left
        finally:
            writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        sequence = turn = 0
        while not writer.is_closing():
            if self.garbage:
                writer.write(self.garbage)
                self.garbage = b""
            elif not self.stalls:
                picture = self.pictures[turn % len(self.pictures)]
                for piece in rtp(picture, sequence, round(turn * self._period_s * _HERTZ)):
                    writer.write(b"$\0" + len(piece).to_bytes(2) + piece)
                    sequence += 1
                turn += 1
            await writer.drain()
            await asyncio.sleep(self._period_s)


def _reply(method: str, url: str, request: bytes) -> bytes:
    cseq = request.lower().partition(b"cseq:")[2].partition(b"\r\n")[0].strip().decode()
    lines = ["RTSP/1.0 200 OK", f"CSeq: {cseq}", "Session: 1"]
    body = ""
    match method:
        case "OPTIONS":
            lines.append("Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
        case "DESCRIBE":
            body = (
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=gate\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                f"m=video 0 RTP/AVP {_PAYLOAD}\r\na=control:track1\r\n"
            )
            lines += [f"Content-Base: {url}/", "Content-Type: application/sdp"]
        case "SETUP":
            lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
    lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def rtp(jpeg: bytes, sequence: int, timestamp: int) -> list[bytes]:
    """The packets of one picture."""
    tables, width, height, scan = _dissected(jpeg)
    pieces = [scan[at : at + _PIECE] for at in range(0, len(scan), _PIECE)]
    packets = []
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        head = struct.pack(
            ">BBHII", 0x80, (0x80 if last else 0) | _PAYLOAD, (sequence + number) & 0xFFFF,
            timestamp & 0xFFFF_FFFF, _SOURCE,
        )  # fmt: skip
        # Type 1 is 4:2:0, quality 255 says that the tables follow.
        place = struct.pack(">IBBBB", number * _PIECE, 1, 255, width // 8, height // 8)
        quantisation = struct.pack(">BBH", 0, 0, len(tables)) + tables if number == 0 else b""
        packets.append(head + place + quantisation + piece)
    return packets


def _dissected(jpeg: bytes) -> tuple[bytes, int, int, bytes]:
    """The quantisation tables, width, height, and what follows the head, without the end mark."""
    tables, width, height, at = b"", 0, 0, 2
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        segment = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _DQT:
            for start in range(0, len(segment), 65):  # a byte with its number before each
                tables += segment[start + 1 : start + 65]
        elif marker == _SOF0:
            height, width = struct.unpack(">HH", segment[1:5])
        elif marker == _SOS:
            return tables, width, height, jpeg[at:-2]
