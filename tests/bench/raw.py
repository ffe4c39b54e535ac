"""Plain SQLite on the same disk with the journal's own settings: the limit of every recording."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter

from gateway.journal.store import _PRAGMAS

_INSERT = "INSERT INTO event (body) VALUES (?)"


@contextmanager
def table(path: Path) -> Iterator[sqlite3.Connection]:
    """A table of one column beside the key: less than the journal can do with."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.execute("CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, body BLOB)")
        yield connection


def commit(connection: sqlite3.Connection, bodies: Sequence[bytes]) -> None:
    """Make `bodies` durable together."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, [(body,) for body in bodies])
    connection.execute("COMMIT")


def rate(connection: sqlite3.Connection, bodies: Sequence[bytes], seconds: float) -> float:
    """Rows per second in commits of all `bodies`, one after the other."""
    started, commits = perf_counter(), 0
    while perf_counter() - started < seconds:
        commit(connection, bodies)
        commits += 1
    return commits * len(bodies) / (perf_counter() - started)
