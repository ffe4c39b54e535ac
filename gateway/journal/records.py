"""A recorded event as a row: its columns, its check value, and the statements that touch it."""

import re
import sqlite3
import struct
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import google_crc32c
from msgspec import Struct

from gateway.events import Kind, redated
from gateway.journal.damage import DamageError
from gateway.journal.delivery import Changes, Delivery
from gateway.journal.rows import Recent, Row
from gateway.journal.undated import Undated
from gateway.ranges import Range


class Record(Struct, frozen=True, gc=False):  # as little as a row does
    """A row with what only the journal needs: its boot, and the cursor then."""

    row: Row
    boot: str
    upto: int
    undated: bool
    """Whether its clock was not right."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a read brought: verified rows, and the numbers of those that failed the check."""

    rows: list[Row] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """Of the verified rows."""
        return [row.seq for row in self.rows]


@dataclass(slots=True)
class Ledger:
    """What is known of the journal without asking the file."""

    epoch: str
    first_seq: int
    last_seq: int
    delivery: Delivery
    alarms: list[int]
    """Unconfirmed ones, ascending."""
    damaged: set[int] = field(default_factory=set)
    """Numbers whose rows were met and failed their check; they are never returned."""
    recent: Recent = field(default_factory=Recent)
    followed: int = sys.maxsize
    """How far whoever follows has come; nobody does so far."""
    undated: Undated = field(default_factory=Undated)

    def become(self, other: "Ledger") -> None:
        """Hold what ``other`` holds: a new life has begun, and is to be followed from its start."""
        other.followed = self.followed if self.followed == sys.maxsize else 0
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def settle(self, first: int, last: int) -> int:
        """Count ``first`` to ``last`` as confirmed, alarms among them too; how many are new."""
        new = self.delivery.confirm(first, last)
        if new:
            self.settle_alarms(first, last)
        return new

    def settle_alarms(self, first: int, last: int) -> None:
        """Forget the alarms from ``first`` to ``last``: they are confirmed."""
        del self.alarms[bisect_left(self.alarms, first) : bisect_right(self.alarms, last)]


_EPOCH = re.compile(rb"[a-z2-7]{8}")
_MOST_CONFIRMED = 100_000
"""Ranges; a table of more is damaged."""
_KINDS = {kind.value.encode(): kind for kind in Kind}
_HEAD = struct.Struct("<qqqq?")
_INSERT_ROWS = 100
"""Rows per statement: 4.3 µs a row in a commit of a thousand, one by one 5.0. And the event loop
is held up once per statement, not once per row, by who has the interpreter's lock."""
SELECT = "SELECT seq, kind, alarm, mono_ms, wall_ms, upto, crc, body FROM event "
_FOLLOW = (
    "SELECT seq, kind, alarm, mono_ms, wall_ms, upto, crc, body, boot.name"
    " FROM event JOIN boot ON boot.id = event.boot WHERE seq > ? ORDER BY seq LIMIT ?"
)
Columns = tuple[int, bytes, int, int, int, int, int, bytes]
"""As selected; rot may have changed any of them but the first to another type."""


def _check(
    seq: int, kind: bytes, alarm: int, mono_ms: int, wall_ms: int, upto: int, body: bytes
) -> int:
    """CRC-32C over all that is acted upon: a rotten kind or cursor is as wrong as a rotten body."""
    head = _HEAD.pack(seq, mono_ms, wall_ms, upto, alarm)
    return int(google_crc32c.value(head + kind + body))


def verified(columns: Columns) -> Row | None:
    """The row, if its check value bears out what was read; ``columns`` may hold anything."""
    seq, kind, alarm, mono_ms, wall_ms, upto, crc, body = columns
    try:
        if crc != _check(seq, kind, alarm, mono_ms, wall_ms, upto, body):
            return None
        return Row(seq, _KINDS[kind], bool(alarm), mono_ms, wall_ms, body)
    except (KeyError, TypeError, struct.error):  # an unknown kind, or columns of another type
        return None


def sound(columns: Columns) -> bool:
    """Whether the check value bears out what was read; ``columns`` may hold anything."""
    seq, kind, alarm, mono_ms, wall_ms, upto, crc, body = columns
    try:
        return crc == _check(seq, kind, alarm, mono_ms, wall_ms, upto, body)
    except (TypeError, struct.error):  # columns of another type
        return False


def store(batch: Sequence[Record], changes: Changes, connection: sqlite3.Connection) -> None:
    """Write ``batch`` and what has been confirmed.

    Done twice it is the same as done once: a commit whose outcome is unknown can be repeated, and
    what a failed one may have left under these numbers is replaced.
    """
    keys = {name: _boot_key(connection, name) for name in {record.boot for record in batch}}
    for start in range(0, len(batch), _INSERT_ROWS):
        rows = batch[start : start + _INSERT_ROWS]
        values = [value for record in rows for value in _columns(record, keys[record.boot])]
        connection.execute(_insert(len(rows)), values)
    if changes and not (batch and changes.only_cursor):  # the rows carry the cursor
        connection.executemany("INSERT OR REPLACE INTO confirmed VALUES (?, ?)", changes.stored)
        connection.executemany(
            "DELETE FROM confirmed WHERE first = ?", ((first,) for first in changes.dropped)
        )


@lru_cache(maxsize=_INSERT_ROWS)
def _insert(rows: int) -> str:
    return "INSERT OR REPLACE INTO event VALUES " + ", ".join(
        ["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * rows
    )


def _columns(record: Record, boot: int) -> tuple[int | str | bytes, ...]:
    row, mono_ms, upto = record.row, record.row.mono_ms, record.upto
    kind = row.kind.value
    crc = _check(row.seq, kind.encode(), row.alarm, mono_ms, row.wall_ms, upto, row.body)
    return row.seq, kind, row.alarm, boot, mono_ms, row.wall_ms, upto, crc, row.body


def redate(columns: Columns, zero_ms: int) -> tuple[int, int, bytes, int] | None:
    """The row with its true time, its boot having begun at `zero_ms`: wall time, check value, body
    and number. None if its time is not known to be wrong, or the row is damaged."""
    seq, kind, alarm, mono_ms, former_ms, upto, _, body = columns
    wall_ms = zero_ms + mono_ms
    right = redated(body, former_ms, wall_ms) if sound(columns) else None
    if right is None:
        return None
    return wall_ms, _check(seq, kind, alarm, mono_ms, wall_ms, upto, right), right, seq


def _boot_key(connection: sqlite3.Connection, name: str) -> int:
    known = connection.execute("SELECT id FROM boot WHERE name = ?", (name,)).fetchone()
    if known:
        return int(known[0])
    return connection.execute("INSERT INTO boot (name) VALUES (?)", (name,)).lastrowid or 0


def fetch(
    spans: Iterable[Range], max_rows: int, max_bytes: int, connection: sqlite3.Connection
) -> Found:
    """Rows within ``spans``, in order, up to the limits; the first one whatever its size."""
    found = Found()
    room = max_bytes
    for span in spans:
        query = connection.execute(f"{SELECT} WHERE seq BETWEEN ? AND ? ORDER BY seq", span)
        with closing(query):  # an open read would keep the WAL from being reused
            for columns in query:
                row = verified(columns)
                if row is None:
                    found.damaged.append(columns[0])
                    continue
                room -= len(row.body)
                if found.rows and room < 0:
                    return found
                found.rows.append(row)
                if len(found.rows) >= max_rows:
                    return found
    return found


def follow(
    after: int, max_rows: int, connection: sqlite3.Connection
) -> tuple[list[tuple[str, Row]], int]:
    """The sound rows with ``seq > after``, in order, each with the name of its boot; and the number
    of the last row that was looked at, sound or not."""
    query = connection.execute(_FOLLOW, (after, max_rows))
    with closing(query):  # an open read would keep the WAL from being reused
        found = query.fetchall()
    rows = [
        (str(boot, errors="replace"), row)
        for *columns, boot in found
        if (row := verified(cast(Columns, tuple(columns))))
    ]
    return rows, found[-1][0] if found else after


def epoch_of(connection: sqlite3.Connection) -> str:
    """The name of the journal's life.

    Raises:
        DamageError: it is gone.
    """
    found = connection.execute("SELECT epoch FROM journal").fetchall()
    epoch = found[0][0] if len(found) == 1 else b""
    if not isinstance(epoch, bytes) or not _EPOCH.fullmatch(epoch):
        raise DamageError("its epoch is gone")
    return epoch.decode()


def newest_of(connection: sqlite3.Connection) -> Columns | None:
    """The row from which numbers are counted on; None if there is none.

    Raises:
        DamageError: it fails its check.
    """
    newest: Columns | None = connection.execute(f"{SELECT} ORDER BY seq DESC LIMIT 1").fetchone()
    if newest and not verified(newest):
        raise DamageError("its newest row is damaged")
    return newest


def confirmed_of(connection: sqlite3.Connection, last_seq: int) -> Iterator[Range]:
    """The stored confirmed ranges, as far as they can be true."""
    query = "SELECT first, last FROM confirmed ORDER BY first LIMIT ?"
    for first, last in connection.execute(query, (_MOST_CONFIRMED,)).fetchall():
        if isinstance(first, int) and isinstance(last, int) and 1 <= first <= last <= last_seq:
            yield first, last


def load(connection: sqlite3.Connection) -> Ledger:
    """The ledger as the file has it; touches a handful of pages, however long the journal is.

    Raises:
        DamageError: numbers cannot be counted on from here.
    """
    newest = newest_of(connection)
    last_seq = newest[0] if newest else 0
    delivery = Delivery()
    for first, last in confirmed_of(connection, last_seq):
        delivery.confirm(first, last)
    if newest and newest[5]:
        delivery.confirm(1, newest[5])
    delivery.take_changes()
    oldest = connection.execute("SELECT min(seq) FROM event").fetchone()[0]
    alarms = connection.execute("SELECT seq FROM event WHERE alarm AND seq > ?", (delivery.upto,))
    return Ledger(
        epoch=epoch_of(connection),
        first_seq=oldest or last_seq + 1,
        last_seq=last_seq,
        delivery=delivery,
        alarms=sorted(seq for (seq,) in alarms if not delivery.is_confirmed(seq)),
    )


def forget(after: int, connection: sqlite3.Connection) -> None:
    """Delete the rows with numbers above ``after``."""
    connection.execute("DELETE FROM event WHERE seq > ?", (after,))


def next_session(connection: sqlite3.Connection) -> int:
    """One more than ever before."""
    query = "UPDATE journal SET sessions = sessions + 1 RETURNING sessions"
    return int(connection.execute(query).fetchall()[0][0])


def sessions(connection: sqlite3.Connection) -> int:
    """The last number that `next_session` has given."""
    return int(connection.execute("SELECT sessions FROM journal").fetchone()[0])
