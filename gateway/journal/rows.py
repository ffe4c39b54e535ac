"""A recorded event, and the latest of them in memory: what is sent at once is not read back."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from gateway.events import Kind
from gateway.ranges import Range


class Row(Struct, frozen=True, gc=False):  # refers to nothing that could refer to it
    """A recorded event; ``body`` is what will be sent, ``wall_ms`` the time it speaks of, and
    ``mono_ms`` the same moment by the monotonic clock of its boot."""

    seq: int
    kind: Kind
    alarm: bool
    mono_ms: int
    wall_ms: int
    body: bytes


class Recent:
    """The newest rows of one life of the journal, without a hole up to the last one."""

    BYTES = 1 << 20
    """Of bodies: 2,500 events, several batches of the fastest flood."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()
        self._bytes = 0

    def add(self, rows: Sequence[Row], done: int) -> None:
        """These are durable now; everything up to ``done`` need not be kept."""
        self._rows.extend(rows)
        self._bytes += sum([len(row.body) for row in rows])
        while self._rows and (self._bytes > self.BYTES or self._rows[0].seq <= done):
            self._bytes -= len(self._rows.popleft().body)

    def has(self, seq: int) -> bool:
        """Whether ``seq`` and all that follow are here."""
        return bool(self._rows) and seq >= self._rows[0].seq

    def within(self, spans: Iterable[Range]) -> Iterator[Row]:
        """The rows of ``spans``, in order; ``has`` the first of them."""
        for first, last in spans:
            start = self._rows[0].seq
            yield from islice(self._rows, first - start, last + 1 - start)
