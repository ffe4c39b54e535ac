"""An RTSP camera on loopback: Motion JPEG or H.264 in RTP, all on one TCP connection.

RTSP 1.0 (RFC 2326) with OPTIONS, DESCRIBE, SETUP, PLAY and TEARDOWN, and between its messages the
packets of RTP, each behind ``$``, channel, two bytes of length.
"""

import asyncio

from drivers.emulators.networked import Networked
from drivers.emulators.rtp import HERTZ, JPEG, Format, packets


class RtspCamera(Networked):
    """Shows pictures to whoever plays it; use it as an asynchronous context manager.

    ``stalls`` set, it sends nothing more; ``garbage`` is sent once instead.
    """

    def __init__(self, pictures: list[bytes], packed: Format = JPEG, *, fps: float = 15.0) -> None:
        super().__init__()
        self.pictures = pictures
        self.stalls = False
        self.garbage = b""
        self._packed = packed
        self._period_s = 1 / fps

    @property
    def url(self) -> str:
        """The address of the stream; it stays the same while the camera is stopped."""
        return f"rtsp://{self.place}/live"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See :meth:`drivers.emulators.networked.Networked.serve`."""
        while request := await reader.readuntil(b"\r\n\r\n"):
            method, url, _ = request.decode("latin-1").split(" ", 2)
            writer.write(self._reply(method, url, request))
            if method == "PLAY":
                await self._play(writer)

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        sequence = turn = 0
        while not writer.is_closing():
            if self.garbage:
                writer.write(self.garbage)
                self.garbage = b""
            elif not self.stalls:
                picture = self.pictures[turn % len(self.pictures)]
                at = round(turn * self._period_s * HERTZ)
                for packet in packets(self._packed, picture, sequence, at):
                    writer.write(b"$\0" + len(packet).to_bytes(2) + packet)
                    sequence += 1
                turn += 1
            await writer.drain()
            await asyncio.sleep(self._period_s)

    def _reply(self, method: str, url: str, request: bytes) -> bytes:
        cseq = request.lower().partition(b"cseq:")[2].partition(b"\r\n")[0].strip().decode()
        lines = ["RTSP/1.0 200 OK", f"CSeq: {cseq}", "Session: 1"]
        body = ""
        match method:
            case "OPTIONS":
                lines.append("Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
            case "DESCRIBE":
                body = (
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=gate\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                    f"m=video 0 RTP/AVP {self._packed.number}\r\n{self._packed.described}"
                    "a=control:track1\r\n"
                )
                lines += [f"Content-Base: {url}/", "Content-Type: application/sdp"]
            case "SETUP":
                lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
