"""Rows of journals that were set aside, kept in the new one until they are delivered."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import google_crc32c

from gateway.errors import JournalError
from gateway.events import event_id
from gateway.journal.damage import DamageError, is_damage
from gateway.journal.salvage import Saved
from gateway.journal.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CarriedRow:
    """An event of a former life; `key` is what the new journal knows it by."""

    key: int
    epoch: str
    seq: int
    body: bytes


class Carried:
    """The rows that wait, of all former lives; they go with the backlog."""

    def __init__(
        self, store: Store, emptied: Callable[[], None], damaged: Callable[[DamageError], None]
    ) -> None:
        self._store = store
        self._emptied = emptied
        self._damaged = damaged
        self.epochs: frozenset[str] = frozenset()
        """The lives of which something waits."""
        self.waiting = 0
        """How many rows."""
        self.last_key = 0
        """The highest there was; none is used twice, so that a reader can go on after it."""
        self._news = asyncio.Event()
        self._counting = asyncio.Lock()  # or what is counted anew would be subtracted once more

    async def load(self) -> None:
        """Look what there is.

        Raises:
            JournalError: the file cannot be read.
        """
        async with self._counting:
            counted, last_key = await self._store.read(_count)
            self.epochs, self.waiting = frozenset(counted), sum(counted.values())
            self.last_key = max(self.last_key, last_key)

    async def next(
        self, after: int, *, upto: int | None = None, max_rows: int, max_bytes: int
    ) -> list[CarriedRow]:
        """Rows with keys `after < key <= upto`, ascending; one at least if there is any.

        Raises:
            JournalError: the file cannot be read there.
        """
        try:
            return await self._store.read(partial(_fetch, after, upto, max_rows, max_bytes))
        except DamageError as damage:  # they come again out of the file they were carried from
            self._damaged(damage)
            raise

    async def keys(self, epoch: str, first: int, last: int) -> list[int]:
        """Of the rows that were numbered `first` to `last` in `epoch`.

        Raises:
            JournalError: the file cannot be read there.
        """
        query = "SELECT key FROM carried WHERE epoch = ? AND seq BETWEEN ? AND ?"
        found = await self._store.read(
            lambda connection: connection.execute(query, (epoch, first, last)).fetchall()
        )
        return [key for (key,) in found]

    async def confirm(self, keys: Iterable[int]) -> None:
        """These are delivered: let go of them.

        Raises:
            JournalError: not done, for all that is known.
        """
        await self._delete("key = ?", [(key,) for key in keys])

    async def confirm_range(self, epoch: str, first: int, last: int) -> None:
        """As `confirm`, by the numbers that they had in `epoch`."""
        if epoch in self.epochs:
            await self._delete("epoch = ? AND seq BETWEEN ? AND ?", [(epoch, first, last)])

    async def add(self, rows: Sequence[Saved]) -> None:
        """Take up `rows`; those that are there already stay as they are.

        Raises:
            JournalError: not done, for all that is known.
        """
        async with self._counting:
            new = await _written(self._store, partial(_insert, self.last_key + 1, rows))
            self.epochs |= {row.epoch for row in rows}
            self.waiting += new
            self.last_key += len(rows)
        self._news.set()
        self._news = asyncio.Event()

    async def wait_added(self, after: int) -> None:
        """Return once `last_key` is above `after`."""
        while self.last_key <= after:
            await self._news.wait()

    async def finish(self, number: int, report: str, upto: dict[str, int]) -> None:
        """Note that the journal set aside as `number` is wholly carried over.

        What turned out to have been delivered, by epoch `upto` a number, is dropped.

        Raises:
            JournalError: not done, for all that is known.
        """
        await _written(self._store, partial(_finish, number, report, upto))
        await self.load()

    async def salvaged(self) -> dict[int, str]:
        """Number and report of each journal set aside that is wholly carried over."""
        query = "SELECT number, report FROM salvaged"
        found = await self._store.read(lambda connection: connection.execute(query).fetchall())
        return {number: report.decode("utf-8", "replace") for number, report in found}

    async def _delete(self, where: str, arguments: list[tuple[int | str, ...]]) -> None:
        # Cancelled, it is done all the same, and what goes has to be counted.
        await asyncio.shield(self._delete_and_count(where, arguments))

    async def _delete_and_count(self, where: str, arguments: list[tuple[int | str, ...]]) -> None:
        query = f"DELETE FROM carried WHERE {where}"
        async with self._counting:
            gone = await _written(
                self._store, lambda connection: connection.executemany(query, arguments).rowcount
            )
            self.waiting -= gone
            if gone and not self.waiting:
                self.epochs = frozenset()
                self._emptied()


async def _written(store: Store, work: Callable[[sqlite3.Connection], T]) -> T:
    try:
        return await store.write(work)
    except sqlite3.DatabaseError as error:
        kind = DamageError if is_damage(error) else JournalError
        raise kind(f"The journal cannot be written: {error}.") from error


def _count(connection: sqlite3.Connection) -> tuple[dict[str, int], int]:
    """How many rows of each life, and the highest key."""
    query = "SELECT epoch, count(*), max(key) FROM carried GROUP BY epoch"
    found = connection.execute(query).fetchall()
    counted = {epoch.decode("ascii", "replace"): count for epoch, count, _ in found}
    return counted, max((key for *_, key in found), default=0)


def sound_body(epoch: str, seq: int, crc: int, body: bytes) -> bool:
    """Whether the check value bears out what was read."""
    return crc == _check(epoch, seq, body)


def _check(epoch: str, seq: int, body: bytes) -> int:
    head = google_crc32c.value(event_id(epoch, seq).encode())
    return int(google_crc32c.extend(head, body))


def _insert(first: int, rows: Sequence[Saved], connection: sqlite3.Connection) -> int:
    values = [
        (key, row.epoch, row.seq, _check(row.epoch, row.seq, row.body), row.body)
        for key, row in enumerate(rows, first)
    ]
    query = "INSERT OR IGNORE INTO carried (key, epoch, seq, crc, body) VALUES (?, ?, ?, ?, ?)"
    return connection.executemany(query, values).rowcount


def _fetch(
    after: int, upto: int | None, max_rows: int, max_bytes: int, connection: sqlite3.Connection
) -> list[CarriedRow]:
    found: list[CarriedRow] = []
    query = (
        "SELECT key, epoch, seq, crc, body FROM carried"
        " WHERE key > ? AND key <= coalesce(?, key) ORDER BY key"
    )
    with closing(connection.execute(query, (after, upto))) as rows:
        for key, epoch, seq, crc, body in rows:
            name = epoch.decode("ascii", "replace")
            if not sound_body(name, seq, crc, body):  # its journal is still there, set aside
                continue
            max_bytes -= len(body)
            if found and max_bytes < 0:
                break
            found.append(CarriedRow(key, name, seq, body))
            if len(found) >= max_rows:
                break
    return found


def _finish(number: int, report: str, upto: dict[str, int], connection: sqlite3.Connection) -> None:
    connection.executemany("DELETE FROM carried WHERE epoch = ? AND seq <= ?", upto.items())
    connection.execute("INSERT OR REPLACE INTO salvaged VALUES (?, ?)", (number, report))
