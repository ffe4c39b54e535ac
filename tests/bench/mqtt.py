"""As little MQTT 3.1.1 as can be: what a client costs at least, on a blocking socket.

https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Self

PUBLISH = 0x32
"""With QoS 1."""
PUBACK = 0x40
_KIND_AND_QOS = 0xF6
_RECEIVE_BYTES = 1 << 18
_TOGETHER = 64
"""Small messages in one write; more bring nothing."""


def packet(kind: int, body: bytes) -> bytes:
    """A control packet."""
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | 0x80 if rest else low])
        if not rest:
            return bytes([kind]) + length + body


def publish(topic: str, payload: bytes, mid: int) -> bytes:
    """A PUBLISH with QoS 1; `mid` is 1 to 65,535."""
    return packet(PUBLISH, _text(topic) + struct.pack(">H", mid) + payload)


def packets(buffer: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind with its QoS, where the body begins and where it ends, of every whole packet."""
    at = 0
    while at + 2 <= len(buffer):
        length, place = 0, at + 1
        while True:
            if place == len(buffer):
                return
            low = buffer[place]
            length |= (low & 0x7F) << 7 * (place - at - 1)
            place += 1
            if low < 0x80:
                break
        if place + length > len(buffer):
            return
        yield buffer[at] & _KIND_AND_QOS, place, place + length
        at = place + length


class Client:
    """One connection; a context manager."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._name = name
        self._buffer = b""

    def __enter__(self) -> Self:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = _text("MQTT") + b"\x04\x02" + struct.pack(">H", 0) + _text(self._name)
        self.send(packet(0x10, hello))
        self.receive()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Hand over `data`."""
        self._socket.sendall(data)

    def subscribe(self, topic_filter: str) -> None:
        """Ask for messages with QoS 1."""
        self.send(packet(0x82, struct.pack(">H", 1) + _text(topic_filter) + b"\x01"))
        self.receive()

    def receive(self) -> tuple[bytes, list[tuple[int, int, int]]]:
        """Bytes, and where in them the next whole packets are; at least one."""
        while True:
            data = self._socket.recv(_RECEIVE_BYTES)
            if not data:
                raise ConnectionResetError
            buffer = self._buffer + data
            if found := list(packets(buffer)):
                self._buffer = buffer[found[-1][2] :]
                return buffer, found
            self._buffer = buffer

    def flood(self, topic: str, payloads: Sequence[bytes], *, window: int) -> None:
        """Publish everything with `window` messages in flight; return when all is acknowledged."""
        together = min(_TOGETHER, max(1, window // 2))
        sent = acknowledged = 0
        while acknowledged < len(payloads):
            while sent < len(payloads) and sent - acknowledged + together <= window:
                some = payloads[sent : sent + together]
                self.send(
                    b"".join(
                        publish(topic, payload, (sent + place) % 65535 + 1)
                        for place, payload in enumerate(some)
                    )
                )
                sent += len(some)
            _, answers = self.receive()
            acknowledged += sum(kind == PUBACK for kind, _, _ in answers)


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()
