"""Lock boards that speak "WKLY" (57 4B 4C 59).

::

    57 4B 4C 59 LEN board 82 lock xor                   open
    57 4B 4C 59 LEN board 83 lock xor                   query
    57 4B 4C 59 LEN board 82|83 status lock state xor   answers

    LEN      of the whole frame
    status   00 done, FF failed
    state    01 closed and locked, 00 open
    xor      over everything before it, the header included

Some boards begin with 53 in place of 57; one that is in use never answers 82, so the state is asked
for after it. The boards' other commands, one of which holds a lock open, are not used.

Source: drivers that people with such boards have published; eight frames of theirs agree.
"""

import re
from typing import Final

from drivers.counters import Counters
from drivers.lock_board.family import Family, LockReport
from drivers.wire.framing import FrameFinder, Layout, ends_with_xor, xor_of

_HEADER: Final = b"WKLY"
_OPEN: Final = 0x82
_QUERY: Final = 0x83
_DONE: Final = 0x00
_ANSWER_BYTES: Final = 11
_LEN: Final = 4

_LAYOUT: Final = Layout(
    # A frame of another length than the two that are known is passed over whole, but not for long.
    header=re.compile(rb"[WS]KLY[\x08-\x20]"),
    header_bytes=_LEN + 1,
    size=lambda header: header[_LEN],
    intact=ends_with_xor,
)


class Codec:
    """Answers to 82 and 83; whatever else a board says is passed over."""

    def __init__(self, counters: Counters) -> None:
        self._finder = FrameFinder(_LAYOUT, counters)

    def feed(self, data: bytes) -> list[LockReport]:
        """See :class:`drivers.lock_board.family.Codec`."""
        return [
            _report(frame)
            for frame in self._finder.feed(data)
            if len(frame) == _ANSWER_BYTES and frame[6] in (_OPEN, _QUERY)
        ]


def _report(frame: bytes) -> LockReport:
    board, command, status, lock, state = frame[5:10]
    done = status == _DONE
    return LockReport(
        board,
        lock,
        active=state == 1 if done and state in (0, 1) else None,
        opening=done if command == _OPEN else None,
    )


def _framed(*body: int) -> bytes:
    frame = _HEADER + bytes((_LEN + 1 + len(body) + 1, *body))
    return frame + bytes((xor_of(frame),))


def _open(board: int, lock: int) -> bytes:
    return _framed(board, _OPEN, lock)


def _query(board: int, lock: int) -> bytes:
    return _framed(board, _QUERY, lock)


FAMILY: Final = Family(
    baud=9600, boards=range(256), locks=range(1, 65), open=_open, query=_query, codec=Codec
)
