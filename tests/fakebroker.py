"""A broker that misbehaves as a test wants: MQTT 3.1.1 and 5 as far as a publisher sees it."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14
V5 = 5


@dataclass(frozen=True)
class Published:
    """A message as it came in; `connection` counts from 1."""

    connection: int
    topic: str
    payload: bytes
    retained: bool = False
    qos: int = 1
    properties: bytes = b""


Answer = Callable[[Published], int | None]
"""The reason code of the PUBACK; None withholds it."""


def varint(number: int) -> bytes:
    """MQTT 5, 1.5.5: seven bits a byte, the eighth says that more follow."""
    encoded = bytearray()
    while True:
        number, digit = divmod(number, 128)
        encoded.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


class FakeBroker:
    """Counts what comes and answers as told."""

    def __init__(self, answer: Answer, connack_properties: bytes) -> None:
        self.port = 0
        self.connections = 0
        self.published: list[Published] = []
        self.answer = answer
        self.drops: Callable[[Published], bool] = lambda _: False
        """Over which messages it ends the connection without a word."""
        self.subscribed: Callable[[str], int | None] = lambda _: 1
        """What the SUBACK says to a filter; None: it ends the connection without a word."""
        self.filters: list[str] = []
        """To which somebody wanted to subscribe."""
        self.welcomes = True
        """Whether it answers a CONNECT at all."""
        self.wills: list[bool] = []
        """Of each CONNECT, whether it had one."""
        self.pings = 0
        self.pings_answered = True
        self.unanswered = 0
        self.most_unanswered = 0
        self._connack_properties = connack_properties
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._talk(reader, writer, self.connections)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def cut(self) -> None:
        """End every connection without a word."""
        for writer in self._writers:
            writer.transport.abort()

    def dismiss(self, code: int) -> None:
        """End every connection (MQTT 5) with a DISCONNECT that says why."""
        for writer in self._writers:
            _send(writer, DISCONNECT, bytes([code, 0]))
            writer.close()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> None:
        version = V5
        while True:
            kind, flags, body = await _packet(reader)
            if kind == CONNECT:
                version = body[6]
                self.wills.append(bool(body[7] & 0x04))
                properties = self._connack_properties if version == V5 else None
                if self.welcomes:
                    _send(writer, CONNACK, b"\0\0", properties)
            elif kind == PUBLISH and not flags & 0b110:
                message = _publish(flags, body, version, connection)[1]
                if self.drops(message):
                    return
                self.published.append(message)
            elif kind == PUBLISH:
                self.unanswered += 1
                self.most_unanswered = max(self.most_unanswered, self.unanswered)
                mid, message = _publish(flags, body, version, connection)
                if self.drops(message):
                    return
                # Not at once, so that a client that keeps no window runs ahead.
                asyncio.get_running_loop().call_later(
                    0.01, self._answer, writer, version, mid, message
                )
            elif kind == SUBSCRIBE:
                self.filters.append(_filter(body, version))
                code = self.subscribed(self.filters[-1])
                if code is None:
                    return
                _send(writer, SUBACK, body[:2] + (b"\0" if version == V5 else b"") + bytes([code]))
            elif kind == PINGREQ:
                self.pings += 1
                if self.pings_answered:
                    _send(writer, PINGRESP, b"")
            elif kind == DISCONNECT:
                return

    def _answer(
        self, writer: asyncio.StreamWriter, version: int, mid: bytes, message: Published
    ) -> None:
        self.published.append(message)
        code = self.answer(message)
        if code is not None and not writer.is_closing():
            self.unanswered -= 1
            _send(writer, PUBACK, mid + (bytes([code, 0]) if version == V5 else b""))


def _send(
    writer: asyncio.StreamWriter, kind: int, body: bytes, properties: bytes | None = None
) -> None:
    if properties is not None:
        body += varint(len(properties)) + properties
    writer.write(bytes([kind << 4]) + varint(len(body)) + body)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return first >> 4, first & 0x0F, await reader.readexactly(length)


def _publish(flags: int, body: bytes, version: int, connection: int) -> tuple[bytes, Published]:
    (size,) = struct.unpack_from(">H", body)
    topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
    qos = flags >> 1 & 0b11
    mid, rest = (rest[:2], rest[2:]) if qos else (b"", rest)
    properties = b""
    if version == V5:  # the gateway's properties are shorter than 128 bytes
        properties, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    return mid, Published(connection, topic, rest, bool(flags & 1), qos, properties)


def _filter(body: bytes, version: int) -> str:
    rest = body[3 + body[2] :] if version == V5 else body[2:]
    (size,) = struct.unpack_from(">H", rest)
    return rest[2 : 2 + size].decode()


@asynccontextmanager
async def fake_broker(
    answer: Answer = lambda _: 0, *, connack_properties: bytes = b""
) -> AsyncIterator[FakeBroker]:
    """A running fake on a free port of the loopback interface."""
    broker = FakeBroker(answer, connack_properties)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        broker.cut()
        await server.wait_closed()
