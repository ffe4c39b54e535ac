"""Motion JPEG over HTTP: JPEGs as the parts of an endless multipart/x-mixed-replace answer.

::

    HTTP/1.0 200 OK
    Content-Type: multipart/x-mixed-replace; boundary=frame

    --frame
    Content-Type: image/jpeg
    Content-Length: 31337          often missing, sometimes wrong

    FF D8 ... FF D9
    --frame
    ...

Some cameras name the boundary with its two dashes, some add more, some end lines with LF alone;
all of these are understood. Sources: RFC 2046 5.1 (multipart); for ``x-mixed-replace`` there is
only Netscape's "An Exploration of Dynamic Documents" (1995) and what cameras do.
"""

import re
from typing import Final

_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = re.compile(rb"(?i)\ncontent-length:[ \t]*(\d{1,9})")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
_BOUNDARY: Final = re.compile(
    rb"(?i)\ncontent-type:[ \t]*multipart/[^\r\n]*?boundary=\"?([^\"\r\n;]+)"
)
_SOI: Final = b"\xff\xd8"
_EOI: Final = b"\xff\xd9"

HEAD_MOST: Final = 8192
"""Bytes an answer's head or a part's head may have."""


class NotMjpegError(ValueError):
    """The server answered, but not with such a stream."""


def boundary(head: bytes) -> bytes:
    """The boundary that the head of an HTTP answer names.

    Raises:
        NotMjpegError: the head tells something else; the text goes on from "the server ...".
    """
    status = _STATUS.match(head)
    if status is None:
        raise NotMjpegError("does not speak HTTP/1")
    if status[1] == b"401":
        raise NotMjpegError("asks for a user name and a password, or refuses them (HTTP 401)")
    if status[1] != b"200":
        raise NotMjpegError(f"answers HTTP {status[1].decode('ascii')}")
    named = _BOUNDARY.search(head)
    if named is None:
        raise NotMjpegError("does not answer with multipart/x-mixed-replace")
    return named[1].strip()


class MjpegCodec:
    """Finds the JPEGs in the body of the answer; keeps at most ``most`` bytes from call to call.

    A part that holds no whole JPEG is dropped and counted. A 4K camera's JPEGs have 1 to 4 MB, and
    8 at the quality at which a pixel takes a byte; 16 MB leave room beside that.
    """

    def __init__(self, boundary: bytes, *, most: int = 16 << 20) -> None:
        self.dropped = 0
        self._delimiter = b"--" + boundary.lstrip(b"-")
        self._most = most
        self._buffer = bytearray()  # begins behind a delimiter, except at the very start
        self._searched = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the JPEGs that are now complete."""
        self._buffer += data
        jpegs = []
        while (part := self._next_part()) is not None:
            if jpeg := _jpeg(part):
                jpegs.append(jpeg)
            elif part.strip(b"-\r\n"):
                self.dropped += 1
        if len(self._buffer) > self._most:
            self.dropped += 1
            del self._buffer[: -len(self._delimiter)]
            self._searched = 0
        return jpegs

    def _next_part(self) -> bytes | None:
        end = self._told_end()
        after = end
        if end is None:
            end = self._buffer.find(self._delimiter, self._searched)
            after = end + len(self._delimiter)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(self._delimiter) + 1)
            return None
        part = bytes(self._buffer[:end])
        del self._buffer[:after]
        self._searched = 0
        return part

    def _told_end(self) -> int | None:
        """Where the part ends by its own Content-Length, if a JPEG really ends there.

        Waiting for the next delimiter instead would make every picture one period late.
        """
        head = _BLANK_LINE.search(self._buffer, 0, HEAD_MOST)
        if head is None or not (told := _LENGTH.search(self._buffer, 0, head.end())):
            return None
        end = head.end() + int(told[1])
        whole = len(self._buffer) >= end and self._buffer[end - len(_EOI) : end] == _EOI
        return end if whole and self._buffer.startswith(_SOI, head.end()) else None


def _jpeg(part: bytes) -> bytes | None:
    """The JPEG behind the part's head, without what some cameras pad it with."""
    head = _BLANK_LINE.search(part, 0, HEAD_MOST)
    if head is None or not part.startswith(_SOI, head.end()):
        return None
    end = part.rfind(_EOI, head.end())
    return part[head.end() : end + len(_EOI)] if end >= 0 else None
