"""Finds frames with a header, a length and a checksum in a stream of bytes, whatever else is in it.

It works in a time that is linear in the input: each header found costs one look at the checksum,
and nothing is looked at twice but the last few bytes of a call and a header that still waits for
the rest of its frame.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor

from drivers.counters import Counters


@dataclass(frozen=True, slots=True)
class Layout:
    """What a family's frames look like."""

    header: re.Pattern[bytes]
    """Matches a whole header. In a run of its first byte it must begin with the last that fits."""
    header_bytes: int
    """How many bytes it always has."""
    size: Callable[[bytes], int]
    """From a header to the bytes of its whole frame; 0 if this frame is not one to read."""
    intact: Callable[[bytes, int, int], bool]
    """Whether the checksum of the frame in ``buffer[start:end]`` is right."""


def xor_of(data: bytes) -> int:
    """All bytes, exclusive-or."""
    return reduce(xor, data, 0)


def ends_with_xor(buffer: bytes, start: int, end: int) -> bool:
    """Whether the last byte is the exclusive-or of all before it."""
    return xor_of(buffer[start:end]) == 0


def ends_with_sum8(buffer: bytes, start: int, end: int) -> bool:
    """Whether the last byte is the low 8 bits of the sum of all before it."""
    return sum(buffer[start : end - 1]) & 0xFF == buffer[end - 1]


class FrameFinder:
    """Keeps less than one frame from call to call."""

    def __init__(self, layout: Layout, counters: Counters) -> None:
        self._layout = layout
        self._counters = counters
        self._buffer = b""
        self._in_step = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the frames that are now complete, each with its header."""
        layout, buffer = self._layout, self._buffer + data
        frames: list[bytes] = []
        at = 0
        while header := layout.header.search(buffer, at):
            at = self._skip(at, header.start())
            size = layout.size(header[0])
            end = at + size
            if not size:
                self._counters.unknown += 1
            elif end > len(buffer):
                break
            elif layout.intact(buffer, at, end):
                frames.append(buffer[at:end])
                self._in_step = True
                at = end
                continue
            else:
                self._counters.bad_checksum += 1
            at = self._skip(at, at + 1)
        else:
            at = self._skip(at, max(at, len(buffer) - (layout.header_bytes - 1)))
        self._buffer = buffer[at:]
        return frames

    def _skip(self, at: int, to: int) -> int:
        if to > at and self._in_step:
            self._counters.resync += 1
            self._in_step = False
        return to
