"""The worst input of each scanner-side codec: what a broken line or a hostile code can cost."""

from collections.abc import Callable
from typing import Protocol

from drivers import multipart, scanlines
from drivers.scanlines import MOST_BYTES


class Fed(Protocol):
    """A codec, as far as it matters here."""

    def feed(self, data: bytes) -> object: ...


def _awaiting() -> Fed:
    codec = scanlines.Codec("line", "gm65")
    codec.answer_awaited = True
    return codec


def _multipart() -> Fed:
    return multipart.Codec(b"MIME_boundary")


WORST: list[tuple[str, Callable[[], Fed], bytes]] = [
    ("scanlines, shortest codes", scanlines.Codec, b"a\r"),
    ("scanlines, no end", scanlines.Codec, bytes(MOST_BYTES)),
    ("scanlines, half ends", lambda: scanlines.Codec("crlf"), b"\r"),
    ("scanlines, begun answers", _awaiting, b"\x02\r"),
    ("multipart, boundaries", _multipart, b"--MIME_boundary"),
    ("multipart, empty parts", _multipart, b"--MIME_boundary\r\n\r\n"),
    (
        "multipart, impossible lengths",
        _multipart,
        b"--MIME_boundary\r\nContent-Length: 262145\r\n\r\n",
    ),
    ("multipart, no boundary", _multipart, b"-"),
]
"""Name, codec, and the bytes to be repeated to a few megabytes and fed in pieces of 4 KiB."""
