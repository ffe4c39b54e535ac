"""KERONG CU16 and its kin (02 … 03).

::

    02 al 31 03 sum                 open; a the board, l the lock, both counted from 0
    02 a0 30 03 sum                 query all locks
    02 a? ?? b8 b16 ?? ?? 03 sum    answer: locks 1 to 8 and 9 to 16, the lowest bit first

``sum`` is the low 8 bits of the sum of everything before it. Opening is not answered.

Source: drivers that people with such boards have published (CU16, 19200 baud).
"""

import re
from typing import Final

from drivers.counters import Counters
from drivers.lock_board.family import Family, LockReport
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8

_STX: Final = 0x02
_ETX: Final = 0x03
_QUERY: Final = 0x30
_OPEN: Final = 0x31
_LOCKS: Final = 16

_LAYOUT: Final = Layout(
    header=re.compile(rb"\x02.{6}\x03", re.DOTALL),
    header_bytes=8,
    size=lambda header: 9,
    intact=ends_with_sum8,
)


class Codec:
    """Answers to a query; each tells of all sixteen locks."""

    def __init__(self, counters: Counters) -> None:
        self._finder = FrameFinder(_LAYOUT, counters)

    def feed(self, data: bytes) -> list[LockReport]:
        """See :class:`drivers.lock_board.family.Codec`."""
        return [report for frame in self._finder.feed(data) for report in _reports(frame)]


def _reports(frame: bytes) -> list[LockReport]:
    states = int.from_bytes(frame[3:5], "little")
    return [LockReport(frame[1] >> 4, lock + 1, bool(states >> lock & 1)) for lock in range(_LOCKS)]


def _framed(address: int, command: int) -> bytes:
    body = bytes((_STX, address, command, _ETX))
    return body + bytes((sum(body) & 0xFF,))


def _open(board: int, lock: int) -> bytes:
    return _framed(board << 4 | lock - 1, _OPEN)


def _query(board: int, _lock: int) -> bytes:
    return _framed(board << 4, _QUERY)


FAMILY: Final = Family(
    baud=19200, boards=range(16), locks=range(1, 17), open=_open, query=_query, codec=Codec
)
