"""HTTP's endless multipart streams (RFC 2046): finds the parts, whatever the pieces they come in.

::

    --BOUNDARY CRLF  Content-Type: … CRLF  Content-Length: … CRLF  CRLF  body CRLF

Without a length a body ends where the next part begins. Devices add two dashes to the boundary that
they announce, or do not; they leave out the CRLF behind a body; pictures come among the texts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from drivers.counters import Counters

MOST_BYTES: Final = 1 << 18
"""Of a part that is kept; a status report with everything in it has some kilobytes."""

_HEAD_MOST: Final = 4096
_SKIP_MOST: Final = 1 << 24  # a length beyond that is no picture's, but damage
_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$")
_TYPE: Final = re.compile(rb"(?im)^content-type:[ \t]*([\w/+.-]+)")
_BOUNDARY: Final = re.compile(r"""(?i)\bboundary\s*=\s*("[^"]+"|[^;\s]+)""")


def boundary(content_type: str) -> bytes | None:
    """The boundary that a ``Content-Type`` announces, without dashes before it."""
    found = _BOUNDARY.search(content_type)
    return found[1].strip('"').lstrip("-").encode() or None if found else None


@dataclass(frozen=True, slots=True)
class Part:
    """One part; its type in small letters, empty if it has none."""

    content_type: str
    body: bytes = field(repr=False)


class Codec:
    """Takes the stream's bytes; keeps one part at most and passes over pictures as they come."""

    def __init__(self, boundary: bytes, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self._delimiter = b"--" + boundary
        self._buffer = bytearray()
        self._searched = 0
        self._skip = 0

    def feed(self, data: bytes) -> list[Part]:
        """Take the next bytes and return the parts that are now complete."""
        self._buffer += data
        return list(self._parts())

    def _parts(self) -> Iterator[Part]:
        while self._at_delimiter():
            end = self._buffer.find(b"\r\n\r\n", 0, _HEAD_MOST)
            if end < 0:
                if len(self._buffer) < _HEAD_MOST:
                    return
                self._give_up()
                continue
            # The end of the whole, "--BOUNDARY--", has no head: the next part's is found behind it.
            start = self._buffer.rfind(self._delimiter, 0, end)
            head = bytes(self._buffer[start:end])
            length = _LENGTH.search(head)
            kind = _TYPE.search(head)
            if kind is not None and kind[1].lower().startswith(b"image/") and length is not None:
                self._pass_over(end + 4, int(length[1]))
                continue
            body = self._body(end + 4, int(length[1]) if length else None)
            if body is None:
                return
            if body:
                yield Part(kind[1].decode().lower() if kind else "", body)

    def _at_delimiter(self) -> bool:
        """Drop what stands before the next part, as far as it has come."""
        passed = min(self._skip, len(self._buffer))
        self._skip -= passed
        at = self._buffer.find(self._delimiter, passed)
        found = at >= 0
        if not found:
            at = max(passed, len(self._buffer) - len(self._delimiter) + 1)
        del self._buffer[:at]
        self._searched = max(0, self._searched - at)
        return found

    def _body(self, start: int, length: int | None) -> bytes | None:
        """The body from ``start``, taken out with its head; None if it has not all come, and
        nothing if there is none that could be used."""
        if length is None:
            # A few bytes back: the delimiter may have come in two pieces.
            at = max(start, self._searched - len(self._delimiter))
            end = self._buffer.find(self._delimiter, at)
            self._searched = len(self._buffer)
            too_long = (end if end >= 0 else len(self._buffer)) - start > MOST_BYTES
        else:
            end = start + length if start + length <= len(self._buffer) else -1
            too_long = length > MOST_BYTES
        if too_long:
            self._give_up()
            return b""
        if end < 0:
            return None
        body = bytes(self._buffer[start:end])
        del self._buffer[:end]
        self._searched = 0
        return body if length is not None else body.rstrip(b"\r\n")

    def _pass_over(self, start: int, length: int) -> None:
        if length > _SKIP_MOST:
            self._give_up()
            return
        self.counters.unknown += 1
        del self._buffer[:start]
        self._searched = 0
        self._skip = length

    def _give_up(self) -> None:
        """Look for the next part behind this one's delimiter."""
        self.counters.damaged += 1
        del self._buffer[: len(self._delimiter)]
        self._searched = 0
