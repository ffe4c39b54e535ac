"""The orders that were taken up, each once: durable before anything is done about it.

A database of its own beside the journal's. It is opened for a moment at a time: orders are rare.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from gateway.errors import GatewayError

_log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS taken (
    id TEXT PRIMARY KEY,
    until_ms INTEGER NOT NULL,
    said BLOB NOT NULL,
    settled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS born (at_ms INTEGER NOT NULL) STRICT;
"""
_MOST = 50_000
"""Orders; one every minute for 30 days, 20 MB."""
_BUSY_S = 5.0


class LedgerError(GatewayError):
    """It cannot be used at present: nothing must be done that it does not know of."""


class Taken(msgspec.Struct, frozen=True):
    """An order that was taken up, and what became of it; its members are those of the event."""

    id: str
    command: str
    target: str | None
    by: str
    reason: str | None
    status: int
    text: str


class Ledger:
    """In the file `path`, which is made with the first order. Every method waits for the disk.

    Raises (all of them):
        LedgerError: it cannot be read or written.
    """

    KEPT_MS = 30 * 24 * 3600 * 1000

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, now_ms: int) -> int:
        """Make it if there is none, or none that can be read; since when it remembers."""
        try:
            with self._connected() as connection:
                return _born(connection, now_ms)
        except LedgerError as error:
            if not isinstance(error.__cause__, sqlite3.DatabaseError) or isinstance(
                error.__cause__, sqlite3.OperationalError
            ):
                raise
            aside = self._path.with_suffix(".damaged")
            _log.error("%s; it goes to %s, and older orders are refused", error, aside.name)
            try:
                self._path.replace(aside)
                for rest in ("-wal", "-shm"):
                    self._path.with_name(self._path.name + rest).unlink(missing_ok=True)
            except OSError as trouble:
                raise LedgerError(f"{self._path} cannot be set aside: {trouble}") from trouble
            with self._connected() as connection:
                return _born(connection, now_ms)

    def find(self, name: str) -> Taken | None:
        """What became of the order with this id; None if it was never taken up."""
        with self._connected() as connection:
            query = "SELECT said FROM taken WHERE id = ?"
            found = connection.execute(query, (name,)).fetchone()
            return _read(found[0]) if found else None

    def take(self, order: Taken, until_ms: int) -> bool:
        """Write `order` down, which has expired for certain after `until_ms`; False if its id
        was taken up before, or there is no room for more."""
        with self._connected() as connection, connection:
            if connection.execute("SELECT count(*) FROM taken").fetchone()[0] >= _MOST:
                raise LedgerError("too many orders within 30 days")
            query = "INSERT OR IGNORE INTO taken VALUES (?, ?, ?, 0)"
            values = (order.id, until_ms, msgspec.msgpack.encode(order))
            return connection.execute(query, values).rowcount == 1

    def settle(self, order: Taken) -> None:
        """Write down what became of it."""
        with self._connected() as connection, connection:
            query = "UPDATE taken SET said = ?, settled = 1 WHERE id = ?"
            connection.execute(query, (msgspec.msgpack.encode(order), order.id))

    def unsettled(self) -> list[Taken]:
        """Those of which nobody knows what became."""
        with self._connected() as connection:
            found = connection.execute("SELECT said FROM taken WHERE NOT settled").fetchall()
            return [_read(said) for (said,) in found]

    def forget(self, now_ms: int) -> None:
        """Drop what expired 30 days before `now_ms`, which is certain."""
        with self._connected() as connection, connection:
            query = "DELETE FROM taken WHERE settled AND until_ms < ?"
            connection.execute(query, (now_ms - self.KEPT_MS,))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as connection:
                # No WAL: there is one writer at a time, and one file is easier to lose nothing of.
                connection.execute("PRAGMA synchronous = EXTRA")
                connection.executescript(_SCHEMA)
                yield connection
        except sqlite3.Error as error:
            raise LedgerError(f"the orders in {self._path.name} cannot be used: {error}") from error


def _born(connection: sqlite3.Connection, now_ms: int) -> int:
    with connection:
        found = connection.execute("SELECT at_ms FROM born").fetchone()
        if found:
            return int(found[0])
        connection.execute("INSERT INTO born VALUES (?)", (now_ms,))
        return now_ms


def _read(said: bytes) -> Taken:
    return msgspec.msgpack.decode(said, type=Taken)
