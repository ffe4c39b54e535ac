"""Brings verified rows out of the journal; what it finds damaged is reported, never returned."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from gateway.journal import records
from gateway.journal.damage import DamageError
from gateway.journal.records import Found, Ledger
from gateway.journal.rows import Row
from gateway.journal.store import Store
from gateway.ranges import Range


class Reader:
    """Reads what is unconfirmed of the present life."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        rows_damaged: Callable[[], None],
        file_damaged: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._rows_damaged = rows_damaged
        self._file_damaged = file_damaged

    async def read(self, after: int, upto: int, max_rows: int, max_bytes: int) -> list[Row]:
        """See ``Journal.read``."""
        # Each span holds at least one number, so this many are enough unless rows are damaged.
        while spans := list(islice(self._ledger.delivery.gaps(after, upto), max_rows)):
            if self._ledger.recent.has(spans[0][0]):
                return self._recent(spans, max_rows, max_bytes)
            found = await self._fetch(spans, max_rows, max_bytes)
            if found.rows:
                return found.rows
            after = spans[-1][1]
        return []

    def _recent(self, spans: Sequence[Range], max_rows: int, max_bytes: int) -> list[Row]:
        rows: list[Row] = []
        room = max_bytes
        for row in self._ledger.recent.within(spans):
            room -= len(row.body)
            if rows and (room < 0 or len(rows) >= max_rows):
                break
            rows.append(row)
        return rows

    async def alarms(self, max_rows: int, max_bytes: int) -> list[Row]:
        """See ``Journal.alarms``."""
        damaged = self._ledger.damaged
        spans = [(seq, seq) for seq in self._ledger.alarms if seq not in damaged]
        return (await self._fetch(spans, max_rows, max_bytes)).rows if spans else []

    async def _fetch(self, spans: Sequence[Range], max_rows: int, max_bytes: int) -> Found:
        """Verified rows of ``spans``; none if the file is found damaged: a new life begins."""
        epoch = self._ledger.epoch
        try:
            found = await self._store.read(partial(records.fetch, spans, max_rows, max_bytes))
        except DamageError as damage:
            self._file_damaged(epoch, str(damage))
            return Found()
        if epoch != self._ledger.epoch:  # they are carried over, and will come from there
            return Found()
        if found.damaged:
            self._ledger.damaged.update(found.damaged)
            self._rows_damaged()
        return found
