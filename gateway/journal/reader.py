"""Brings verified rows out of the journal; what it finds damaged is reported, never returned."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from sqlite3 import Connection
from typing import Protocol, TypeVar

from gateway.errors import JournalError
from gateway.journal import records
from gateway.journal.batch import Batch, gather
from gateway.journal.damage import DamageError
from gateway.journal.records import Ledger
from gateway.journal.rows import Row
from gateway.journal.store import Store
from gateway.ranges import Range, Ranges

T = TypeVar("T")


class _Found(Protocol):
    """What was read."""

    @property
    def numbers(self) -> Sequence[int]:
        """Of the sound rows, ascending."""

    @property
    def damaged(self) -> Sequence[int]:
        """Numbers of the rows that failed their check."""


F = TypeVar("F", bound=_Found)


class Reader:
    """Reads what is unconfirmed of the present life."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        rows_damaged: Callable[[], None],
        rows_missing: Callable[[], None],
        file_damaged: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._rows_damaged = rows_damaged
        self._rows_missing = rows_missing
        self._file_damaged = file_damaged

    async def read(self, after: int, upto: int, max_rows: int, max_bytes: int) -> list[Row]:
        """See ``Journal.read``."""
        # Each span holds at least one number, so this many are enough unless rows are damaged.
        while spans := list(islice(self._ledger.delivery.gaps(after, upto), max_rows)):
            if self._ledger.recent.has(spans[0][0]):
                return self._recent(spans, max_rows, max_bytes)
            found = await self._fetch(spans, partial(records.fetch, spans, max_rows, max_bytes))
            if found is None or found.rows:
                return found.rows if found else []
            after = spans[-1][1]
        return []

    async def alarms(self, max_rows: int, max_bytes: int) -> list[Row]:
        """See ``Journal.alarms``."""
        damaged = self._ledger.damaged
        spans = [(seq, seq) for seq in self._ledger.alarms if seq not in damaged]
        if not spans:
            return []
        found = await self._fetch(spans, partial(records.fetch, spans, max_rows, max_bytes))
        return found.rows if found else []

    async def gather(
        self, spans: Sequence[Range], *, max_bytes: int, make: Callable[[Batch], T]
    ) -> T | None:
        """What ``make`` makes, in the reading thread, of the rows within ``spans``.

        The bodies have ``max_bytes`` at most, with one more between any two of them, unless a
        single one is larger. None if there is no row, or none that is sound.

        Raises:
            JournalError: the file cannot be read there.
        """
        if not spans:
            return None
        if self._ledger.recent.has(spans[0][0]):
            rows = self._recent(spans, None, max_bytes, between=1)
            batch = Batch([row.seq for row in rows], [row.body for row in rows])
            return await self._store.read(lambda _: make(batch)) if rows else None
        found = await self._fetch(spans, partial(gather, spans, max_bytes, make))
        return found.made if found else None

    async def follow(self, after: int, max_rows: int) -> tuple[list[tuple[str, Row]], int]:
        """Sound rows after ``after`` out of the file, delivered or not; see ``records.follow``.

        Raises:
            JournalError: the file cannot be read there; if it is damaged, a new life begins.
        """
        epoch = self._ledger.epoch
        try:
            return await self._store.read(partial(records.follow, after, max_rows))
        except DamageError as damage:
            self._file_damaged(epoch, str(damage))
            raise

    def _recent(
        self, spans: Sequence[Range], max_rows: int | None, max_bytes: int, *, between: int = 0
    ) -> list[Row]:
        rows: list[Row] = []
        room = max_bytes + between
        for row in islice(self._ledger.recent.within(spans), max_rows):
            room -= len(row.body) + between
            if rows and room < 0:
                break
            rows.append(row)
        return rows

    async def _fetch(self, spans: Sequence[Range], work: Callable[[Connection], F]) -> F | None:
        """What ``work`` finds of ``spans``; None if a new life has begun meanwhile.

        Raises:
            JournalError: the file cannot be read there; if it is damaged, a new life begins.
        """
        epoch = self._ledger.epoch
        try:
            found = await self._store.read(work)
        except DamageError as damage:
            self._file_damaged(epoch, str(damage))
            raise  # nobody must take the rows for damaged: its disk may only be away
        if epoch != self._ledger.epoch:  # they are carried over, and will come from there
            return None
        if found.damaged:
            self._ledger.damaged.update(found.damaged)
            self._rows_damaged()
        self._refuse_holes(spans, found)
        return found

    def _refuse_holes(self, spans: Sequence[Range], found: _Found) -> None:
        """See that of ``spans``, up to the last row found, all were found that are unconfirmed.

        Out of a disk that is failing SQLite may read an older state, and say nothing.

        Raises:
            JournalError: there is a hole, which somebody will look into.
        """
        seen = min(found.numbers[-1] if found.numbers else spans[-1][1], self._ledger.last_seq)
        wanted = [(first, min(last, seen)) for first, last in spans if first <= seen]
        expected = sum([last - first + 1 for first, last in wanted])
        if expected == len(found.numbers) + len(found.damaged):
            return
        there = Ranges.of((seq, seq) for seq in [*found.damaged, *found.numbers])
        for first, last in wanted:
            for start, end in self._ledger.delivery.gaps(first - 1, last):  # even now
                if hole := next(there.gaps(start - 1, end), None):
                    self._rows_missing()
                    raise JournalError(f"The journal's row {hole[0]} cannot be found.")
