"""How long delivered rows are kept, whatever the wall clock says meanwhile.

The time in a row may be wrong, and the present time, too. So once an hour a mark notes how far the
journal has come. What lies below a mark is older than it, and how old a mark is at least is known
for certain: within a boot from the monotonic clock, since former boots from how long this one has
lasted, and besides from the wall clock where that has been right and has not been set for a while.
"""

import asyncio
import sqlite3
from functools import partial

from gateway.clock import Clock
from gateway.journal.purge import Purger
from gateway.journal.records import Ledger
from gateway.journal.store import Store

_FIRST_MARK_S = 60.0
_MARK_EVERY_S = 3600.0
_STEADY_S = 3600.0
"""A clock that has just been set is not yet believed: deleted is deleted."""


class Retention:
    """Deletes what has been confirmed and is old enough."""

    def __init__(self, store: Store, ledger: Ledger, purger: Purger, clock: Clock) -> None:
        self._store = store
        self._ledger = ledger
        self._purger = purger
        self._clock = clock
        self._mark_at: float | None = None

    async def mark_hourly(self) -> None:
        """Mark a minute after the start, and then every hour."""
        now = asyncio.get_running_loop().time()
        if self._mark_at is None:
            self._mark_at = now + _FIRST_MARK_S
        if now >= self._mark_at and self._ledger.last_seq:
            await self.mark()
            self._mark_at = now + _MARK_EVERY_S

    async def mark(self) -> None:
        """Note how far the journal has come."""
        await self._store.write(partial(_mark, self._ledger.last_seq, *self._moment()))

    async def expire(self, keep_ms: int) -> None:
        """Delete what is older than `keep_ms`."""
        work = partial(_expired, keep_ms, *self._moment())
        if upto := min(await self._store.read(work), self._ledger.last_seq):
            await self._delete(upto)
            await self._store.write(partial(_forget, upto))

    def _moment(self) -> tuple[str, int, int | None]:
        """Boot, milliseconds within it, and when it began, if that is known."""
        now, steady = self._clock.now(), self._clock.steady(_STEADY_S)
        mono_ms = now.mono_ns // 1_000_000
        return now.boot, mono_ms, now.wall_ms - mono_ms if steady else None

    async def _delete(self, upto: int) -> None:
        while spans := [
            (first, min(last, upto)) for first, last in self._purger.confirmed() if first <= upto
        ]:
            rows = await self._purger.oldest(spans)
            if not rows:
                return
            await self._purger.delete([seq for seq, _ in rows])


def _mark(
    seq: int, boot: str, mono_ms: int, zero_ms: int | None, connection: sqlite3.Connection
) -> None:
    """Note that `seq` was the newest; one that nothing has followed stays the older it is."""
    wall_ms = None if zero_ms is None else zero_ms + mono_ms
    connection.execute(
        "INSERT OR IGNORE INTO mark VALUES (?, ?, ?, ?)", (seq, boot, mono_ms, wall_ms)
    )
    if zero_ms is not None:
        query = "UPDATE mark SET wall_ms = ? + mono_ms WHERE boot = ? AND wall_ms IS NULL"
        connection.execute(query, (zero_ms, boot))


def _expired(
    keep_ms: int, boot: str, mono_ms: int, zero_ms: int | None, connection: sqlite3.Connection
) -> int:
    """The highest number below which everything is older than `keep_ms`; 0 if there is none."""
    query = """SELECT max(seq) FROM mark WHERE wall_ms <= ?
        OR CASE WHEN boot = ? THEN mono_ms ELSE 0 END <= ?"""
    wall_ms = None if zero_ms is None else zero_ms + mono_ms - keep_ms
    found = connection.execute(query, (wall_ms, boot, mono_ms - keep_ms)).fetchone()[0]
    return int(found or 0)


def _forget(upto: int, connection: sqlite3.Connection) -> None:
    """The marks up to `upto` have served."""
    connection.execute("DELETE FROM mark WHERE seq <= ?", (upto,))
