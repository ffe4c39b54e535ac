"""Cuts frames with a header and a checksum out of a stream of bytes, whatever else is in it."""

import re
from collections.abc import Callable
from functools import reduce
from operator import xor

from drivers.counters import Counters


class Frames:
    """Finds a header, waits for the whole frame, verifies it, else goes on one byte further.

    ``header`` matches as much of a frame as is needed to know its length; ``header_bytes`` is how
    much that is. ``length`` gets the bytes and where the frame begins. The work for each byte is
    bounded by the longest frame, and so is what is kept from call to call.
    """

    def __init__(
        self,
        header: re.Pattern[bytes],
        header_bytes: int,
        length: Callable[[bytes, int], int],
        is_sound: Callable[[bytes], bool],
        counters: Counters,
    ) -> None:
        self._header = header
        self._header_bytes = header_bytes
        self._length = length
        self._is_sound = is_sound
        self._counters = counters
        self._buffer = b""
        self._in_step = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the frames that are now complete."""
        buffer = self._buffer + data
        frames: list[bytes] = []
        at = 0
        while header := self._header.search(buffer, at):
            at = self._skip(at, header.start())
            end = at + self._length(buffer, at)
            if end > len(buffer):
                break
            frame = buffer[at:end]
            if self._is_sound(frame):
                frames.append(frame)
                self._in_step = True
                at = end
            else:
                self._counters.bad_checksum += 1
                at = self._skip(at, at + 1)
        else:
            at = self._skip(at, max(at, len(buffer) - (self._header_bytes - 1)))
        self._buffer = buffer[at:]
        return frames

    def _skip(self, at: int, to: int) -> int:
        if to > at and self._in_step:
            self._counters.resync += 1
            self._in_step = False
        return to


def xor_of(data: bytes) -> int:
    """All bytes, exclusive-or."""
    return reduce(xor, data, 0)


def ends_in_xor(frame: bytes) -> bool:
    """Whether the last byte is the exclusive-or of those before it."""
    return reduce(xor, frame) == 0


def ends_in_sum(frame: bytes) -> bool:
    """Whether the last byte is the low 8 bits of the sum of those before it."""
    return sum(frame[:-1]) & 0xFF == frame[-1]
