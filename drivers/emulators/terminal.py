"""A Hikvision door terminal on the network, written from the ISAPI documents.

Speaks HTTP/1.1 with chunks, asks for Digest (RFC 2617, MD5), and has one door. ``slow`` breaks its
stream into chunks of a few bytes. Like the real ones it repeats its last events to who connects.
"""

import asyncio
import hashlib
import json
import re
import secrets
from typing import Any

from drivers.emulators.networked import Networked


class Terminal(Networked):
    """The terminal; use it as an asynchronous context manager, on the network from the start."""

    def __init__(self, *, user: str = "gate", password: str = "secret", slow: bool = False) -> None:
        super().__init__()
        self.contact = 0
        self.released: list[str] = []
        self.wrong_passwords = 0
        self.refuses_release = False
        self._login = _Login(user, password)
        self._slow = slow
        self._serial = 0
        self._memory: list[bytes] = []
        self._streams: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.place}"

    @property
    def watchers(self) -> int:
        """How many follow its events."""
        return len(self._streams)

    def event(self, minor: int, *, major: int = 5, **more: Any) -> None:
        """Something happens at the door."""
        self._serial += 1
        event = {"deviceName": "door", "majorEventType": major, "subEventType": minor, "doorNo": 1}
        event |= {"serialNo": self._serial, "currentEvent": True, **more}
        self._memory.append(_alert(self._serial, event | {"currentEvent": False}))
        self.send(_alert(self._serial, event))

    def send(self, data: bytes, *, chunked: bool = True) -> None:
        """Put bytes on every open stream; as what is no chunk they break it."""
        for stream in self._streams:
            if not chunked:
                stream.write(data)
                continue
            _send(stream, data, 3 if self._slow else len(data))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See :meth:`drivers.emulators.networked.Networked.serve`."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                method, path = head.split()[:2]
                await self._answer(writer, method, path, head, body.decode())
        finally:
            self._streams.discard(writer)

    async def _answer(
        self, writer: asyncio.StreamWriter, method: str, path: str, head: str, body: str
    ) -> None:
        if not self._login.is_answered(method, head):
            self.wrong_passwords += "Authorization: " in head
            _reply(writer, "401 Unauthorized", b"", self._login.question)
        elif path == "/ISAPI/Event/notification/alertStream":
            writer.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Type: multipart/mixed; boundary=MIME_boundary\r\n\r\n"
            )
            for memory in self._memory:
                _send(writer, memory, 3 if self._slow else len(memory))
            self._streams.add(writer)
        elif path == "/ISAPI/AccessControl/AcsWorkStatus?format=json":
            status = {"AcsWorkStatus": {"doorLockStatus": [0], "magneticStatus": [self.contact]}}
            told = json.dumps(status).encode()
            size = 3 if self._slow else len(told)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told))
            for at in range(0, len(told), size):
                writer.write(told[at : at + size])
                await asyncio.sleep(0.002)
        elif (method, path) == ("PUT", "/ISAPI/AccessControl/RemoteControl/door/1"):
            self.released += [] if self.refuses_release else [body]
            _reply(writer, "403 Forbidden" if self.refuses_release else "200 OK", b"<a/>")
        else:
            _reply(writer, "404 Not Found", b"")
        await writer.drain()


class _Login:
    """Asks who somebody is, and knows one user."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._nonce = secrets.token_hex(16)

    @property
    def question(self) -> str:
        """The header that asks."""
        digest = f'Digest qop="auth", realm="DS-K1T", nonce="{self._nonce}", stale="FALSE"'
        return f"WWW-Authenticate: {digest}\r\n"

    def is_answered(self, method: str, head: str) -> bool:
        """Whether a request's head has the right answer."""
        answer = head.partition("Authorization: Digest ")[2]
        said: dict[str, str] = dict(re.findall(r'(\w+)="?([^",\r]+)', answer))
        if said.get("username") != self._user or said.get("nonce") != self._nonce:
            return False
        ha1 = _md5(f"{self._user}:DS-K1T:{self._password}")
        ha2 = _md5(f"{method}:{said['uri']}")
        middle = ":".join(said[each] for each in ("nonce", "nc", "cnonce", "qop"))
        return said["response"] == _md5(f"{ha1}:{middle}:{ha2}")


def _alert(serial: int, event: dict[str, Any]) -> bytes:
    kind = "AccessControllerEvent"
    at = f"2026-03-17T22:{serial // 60 % 60:02}:{serial % 60:02}+08:00"
    alert = {"ipAddress": "192.168.1.64", "dateTime": at, "eventType": kind, kind: event}
    return _part("application/json", json.dumps(alert).encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _part(kind: str, body: bytes) -> bytes:
    head = f'--MIME_boundary\r\nContent-Type: {kind}; charset="UTF-8"\r\n'
    return head.encode() + b"Content-Length: %d\r\n\r\n%b\r\n" % (len(body), body)


def _reply(writer: asyncio.StreamWriter, status: str, body: bytes, more: str = "") -> None:
    head = f"HTTP/1.1 {status}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def _send(stream: asyncio.StreamWriter, data: bytes, size: int) -> None:
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        stream.write(b"%x\r\n%b\r\n" % (len(piece), piece))


HEARTBEAT = _part(
    "application/xml",
    b"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<eventType>videoloss</eventType>
<eventState>inactive</eventState>
</EventNotificationAlert>
""",
)
"""Its sign of life, in XML as some of them have it."""
