"""Lock boards that speak frames of five bytes ("8A 01 01 11 9B").

::

    8A board lock 11 xor     open                    80 board lock 33 xor   query
    8A board lock d  xor     answer to open          80 board lock d  xor   answer to query
    81 board lock d  xor     a change, unasked; may come between question and answer

``d`` is the feedback contact, 00 or 11; ``xor`` is over the four bytes before it. An answer to open
looks like the command itself, so an adapter that hears itself must be said to.

Source: sellers' protocol sheet of the "锁控板", as retold at CSDN.
"""

import re
from typing import Final

from drivers.counters import Counters
from drivers.lock_board.family import Family, LockReport
from drivers.wire.framing import FrameFinder, Layout, ends_with_xor, xor_of

_OPEN: Final = 0x8A
_QUERY: Final = 0x80
_ACTIVE: Final = 0x11

_LAYOUT: Final = Layout(
    header=re.compile(rb"[\x80\x81\x8a]..[\x00\x11]", re.DOTALL),
    header_bytes=4,
    size=lambda header: 5,
    intact=ends_with_xor,
)


class Codec:
    """Answers and changes."""

    def __init__(self, counters: Counters) -> None:
        self._finder = FrameFinder(_LAYOUT, counters)

    def feed(self, data: bytes) -> list[LockReport]:
        """See :class:`drivers.lock_board.family.Codec`."""
        return [
            LockReport(board, lock, state == _ACTIVE, True if kind == _OPEN else None)
            for kind, board, lock, state, _ in self._finder.feed(data)
        ]


def _framed(*body: int) -> bytes:
    return bytes((*body, xor_of(bytes(body))))


def _open(board: int, lock: int) -> bytes:
    return _framed(_OPEN, board, lock, 0x11)


def _query(board: int, lock: int) -> bytes:
    return _framed(_QUERY, board, lock, 0x33)


FAMILY: Final = Family(
    baud=9600, boards=range(1, 64), locks=range(1, 65), open=_open, query=_query, codec=Codec
)
