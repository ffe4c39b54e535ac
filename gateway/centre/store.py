"""The centre's database: every event once, and which numbers have come."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import from_json, to_json

from gateway.centre.book import declared_by
from gateway.centre.rules import Event, Gateway, Known, Life
from gateway.errors import GatewayError
from gateway.journal.damage import look_into
from gateway.journal.store import Connection
from gateway.ranges import Range

_APPLICATION_ID = 0x63677263  # "cgrc": the file is a centre's, not a journal
_PORTION = 500

# `held` says in a few rows which keys `event` has, `declared` which a gap has given up: a start,
# and `show`, read nothing else.
_SCHEMA = f"""
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE event (
    source TEXT, epoch TEXT, seq INTEGER, received_ms INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (source, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE held (
    source TEXT, epoch TEXT, first INTEGER, last INTEGER NOT NULL,
    PRIMARY KEY (source, epoch, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE declared (
    source TEXT, epoch TEXT, first INTEGER, last INTEGER NOT NULL,
    PRIMARY KEY (source, epoch, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE gateway (
    source TEXT PRIMARY KEY, ack_topic TEXT NOT NULL, state TEXT
) STRICT, WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION_ID};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Received:
    """A new event, and when it came: wall time in ms since 1970."""

    event: Event
    at_ms: int


class Store:
    """The writing hold on a database; made by `open`."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self._path = path
        self._connection = connection
        self._written: dict[str, Gateway] = {}

    @classmethod
    async def open(cls, path: Path) -> "Store":
        """Open or create the database `path`.

        Raises:
            GatewayError: it cannot be opened, or is something else.
        """
        try:
            path.open("ab").close()  # aiosqlite leaves a thread behind when it cannot
        except OSError as error:
            raise GatewayError(f"{path} cannot be opened: {error.strerror}") from error
        connection = Connection(
            lambda: sqlite3.connect(path, isolation_level=None), iter_chunk_size=64
        )
        await connection
        try:
            with _explained(path):
                await connection.run(_prepare)
        except GatewayError:
            await connection.close()
            raise
        return cls(path, connection)

    async def known(self) -> Known:
        """All that has come; reads no event.

        Raises:
            GatewayError: it cannot be read.
        """
        with _explained(self._path):
            found = await self._connection.run(_known)
        self._written = dict(found.gateways)
        return found

    async def commit(self, new: Sequence[Received], gateways: Mapping[str, Gateway]) -> None:
        """Write what is new and what the gateways have said since; durable when this returns.

        One hop to the connection's thread: cancelled, it is still done as a whole.

        Raises:
            GatewayError: it is not durable, and the memory is ahead of the disk.
        """
        said = {
            source: each
            for source, each in gateways.items()
            if self._written.get(source) is not each
        }
        if not new and not said:
            return
        self._written |= said
        with _explained(self._path):
            await self._connection.run(lambda connection: _write(connection, new, said))

    async def close(self) -> None:
        """Let go of the file."""
        await self._connection.close()


def known(path: Path) -> Known:
    """All that has come by the database `path`, beside a running centre or without one.

    Raises:
        GatewayError: it cannot be read.
    """
    with _looking_into(path) as connection:
        return _known(connection)


def bodies(path: Path) -> Iterator[bytes]:
    """Every event, by source, epoch and number.

    Raises:
        GatewayError: the file cannot be read on.
    """
    query = (
        "SELECT source, epoch, seq, body FROM event WHERE (source, epoch, seq) > (?, ?, ?)"
        " ORDER BY source, epoch, seq LIMIT ?"
    )
    after = ("", "", 0)
    with _looking_into(path) as connection:
        # Portion by portion: an open read would keep the centre's log from being reused.
        while found := connection.execute(query, (*after, _PORTION)).fetchall():
            after = found[-1][:3]
            for *_, body in found:
                yield body.encode()


def _prepare(connection: sqlite3.Connection) -> None:
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if tables:
        _recognise(connection)
    else:
        connection.executescript(_SCHEMA)
    connection.execute("PRAGMA synchronous = FULL")


def _recognise(connection: sqlite3.Connection) -> None:
    ((number,),) = connection.execute("PRAGMA application_id").fetchall()
    if number != _APPLICATION_ID:
        raise sqlite3.DatabaseError("it is the database of something else")


def _known(connection: sqlite3.Connection) -> Known:
    gateways = {
        source: Gateway(ack_topic, None if state is None else from_json(state))
        for source, ack_topic, state in connection.execute("SELECT * FROM gateway")
    }
    return Known(gateways, _spans(connection, "held"), _spans(connection, "declared"))


def _spans(connection: sqlite3.Connection, table: str) -> dict[Life, list[Range]]:
    found: dict[Life, list[Range]] = {}
    for source, epoch, first, last in connection.execute(f"SELECT * FROM {table}"):
        found.setdefault((source, epoch), []).append((first, last))
    return found


def _write(
    connection: sqlite3.Connection, new: Sequence[Received], said: Mapping[str, Gateway]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for each in new:
            _enter(connection, each)
        connection.executemany(
            "INSERT OR REPLACE INTO gateway VALUES (?, ?, ?)",
            [
                (source, each.ack_topic, None if each.state is None else _text(each.state))
                for source, each in said.items()
            ],
        )
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _enter(connection: sqlite3.Connection, new: Received) -> None:
    event = new.event
    connection.execute(
        "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?)",
        (event.source, event.epoch, event.seq, new.at_ms, _text(event.content)),
    )
    _widen(connection, "held", (event.source, event.epoch), (event.seq, event.seq))
    if declared := declared_by(event.content):
        _widen(connection, "declared", (event.source, declared[0]), declared[1])


def _widen(connection: sqlite3.Connection, table: str, life: Life, new: Range) -> None:
    """Put the numbers `new` into a `table` of ranges, and join those that they touch."""
    touching = (*life, new[1] + 1, new[0] - 1)
    ends = connection.execute(
        f"DELETE FROM {table} WHERE source = ? AND epoch = ? AND first <= ? AND last >= ?"
        " RETURNING first, last",
        touching,
    ).fetchall()
    firsts, lasts = zip(new, *ends, strict=True)
    connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", (*life, min(firsts), max(lasts)))


def _text(document: object) -> str:
    return to_json(document).decode()


@contextmanager
def _looking_into(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise GatewayError(f"there is no file {path}")
    with _explained(path):
        connection = look_into(path)
        connection.text_factory = str
        try:
            _recognise(connection)
            yield connection
        finally:
            connection.close()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise GatewayError(f"{path} cannot be used as the centre's database: {error}") from error
