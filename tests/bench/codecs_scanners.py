"""The worst input of each scanner-side codec: what a broken line or a hostile code can cost."""

from collections.abc import Callable
from typing import Protocol

from drivers import scanlines
from drivers.scanlines import MOST_BYTES


class Fed(Protocol):
    """A codec, as far as it matters here."""

    def feed(self, data: bytes) -> object: ...


def _awaiting() -> Fed:
    codec = scanlines.Codec("line", "gm65")
    codec.answer_awaited = True
    return codec


WORST: list[tuple[str, Callable[[], Fed], bytes]] = [
    ("scanlines, shortest codes", scanlines.Codec, b"a\r"),
    ("scanlines, no end", scanlines.Codec, bytes(MOST_BYTES)),
    ("scanlines, half ends", lambda: scanlines.Codec("crlf"), b"\r"),
    ("scanlines, begun answers", _awaiting, b"\x02\r"),
]
"""Name, codec, and the bytes to be repeated to a few megabytes and fed in pieces of 4 KiB."""
