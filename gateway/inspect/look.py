"""A journal seen from outside: through short reads that hold up nobody."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError
from gateway.journal import records
from gateway.journal.aside import asides
from gateway.journal.damage import DamageError, look_into
from gateway.journal.exports import Exports
from gateway.journal.following import Followed
from gateway.journal.records import Columns, Ledger
from gateway.journal.rows import Row
from gateway.journal.witness import claim_of
from gateway.ranges import Ranges, total

_PORTION = 500


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a journal; times are milliseconds since 1970 by the gateway's clock."""

    file: str
    file_bytes: int
    log_bytes: int
    format: int
    epoch: str
    first_seq: int | None
    last_seq: int | None
    first_wall_ms: int | None
    last_wall_ms: int | None
    confirmed: int
    waiting: int
    alarms_waiting: int
    exported: int
    """Of those that wait, how many have been taken out by stick."""
    carried: dict[str, int]
    """Rows of damaged journals that still wait, by their epoch."""
    damaged_journals: dict[str, str | None]
    """File name, and the report once everything saved from it has been delivered."""
    witness: int | None
    """How far the journal had got by its witness; None if that says nothing."""


@contextmanager
def looking_into(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads; what SQLite has to complain of ends in a sentence."""
    if not path.is_file():
        raise GatewayError(f"there is no journal {path}")
    connection = look_into(path)
    try:
        yield connection
    except (sqlite3.Error, DamageError) as error:
        raise GatewayError(
            f"{path} cannot be read as a journal: {error}; journal salvage may help"
        ) from error
    finally:
        connection.close()


def stats(path: Path) -> Stats:
    """The figures of the journal `path`; reads a handful of pages.

    Raises:
        GatewayError: it cannot be read.
    """
    log = path.with_name(f"{path.name}-wal")
    with looking_into(path) as connection:
        connection.execute("BEGIN")  # one moment for all of it
        ledger = records.load(connection)
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        times = [_wall_ms(connection, order) for order in ("ASC", "DESC")]
        carried = _carried(connection) if version > 1 else {}
    claim = claim_of(path)
    found = asides(path)
    return Stats(
        file=str(path),
        file_bytes=path.stat().st_size,
        log_bytes=log.stat().st_size if log.exists() else 0,
        format=version,
        epoch=ledger.epoch,
        first_seq=ledger.first_seq if ledger.last_seq else None,
        last_seq=ledger.last_seq or None,
        first_wall_ms=times[0],
        last_wall_ms=times[1],
        confirmed=ledger.delivery.count,
        waiting=ledger.last_seq - ledger.delivery.count,
        alarms_waiting=len(ledger.alarms),
        exported=_exported(path, ledger),
        carried=carried,
        damaged_journals={
            each.path.name: each.report.read_text().strip() if each.report.exists() else None
            for each in found
        },
        witness=claim.seq if claim and claim.epoch == ledger.epoch else None,
    )


def _exported(path: Path, ledger: Ledger) -> int:
    out = Exports(path).of(ledger.epoch)
    waiting = ledger.delivery.gaps(0, ledger.last_seq)
    return sum(last - first + 1 - total(out.gaps(first - 1, last)) for first, last in waiting)


def rows(path: Path, first: int = 1, last: int | None = None) -> Iterator[Row | int]:
    """The rows from `first` to `last`, ascending; of a damaged one only its number.

    Raises:
        GatewayError: the file cannot be read on.
    """
    after = first - 1
    query = f"{records.SELECT} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    with looking_into(path) as connection:
        end = (1 << 63) - 1 if last is None else last
        # Portion by portion: an open read would keep the gateway's log from being reused.
        while found := connection.execute(query, (after, end, _PORTION)).fetchall():
            after = found[-1][0]
            for columns in found:
                yield _verified(columns)


def followed(path: Path) -> Iterator[Followed]:
    """All sound rows, ascending, each with its boot.

    Raises:
        GatewayError: the file cannot be read on.
    """
    after = 0
    with looking_into(path) as connection:
        while True:
            found, last = records.follow(after, _PORTION, connection)
            if last == after:
                return
            after = last
            for boot, row in found:
                yield Followed(boot, row)


def latest(path: Path, count: int) -> int:
    """The number after which there are `count` rows at most."""
    query = "SELECT min(seq) FROM (SELECT seq FROM event ORDER BY seq DESC LIMIT ?)"
    with looking_into(path) as connection:
        ((first,),) = connection.execute(query, (count,)).fetchall()
    return (first or 1) - 1


def span(path: Path) -> tuple[int, int]:
    """The lowest and the highest number there is; (1, 0) if there is none."""
    with looking_into(path) as connection:
        ((first, last),) = connection.execute("SELECT min(seq), max(seq) FROM event").fetchall()
    return (first, last) if first is not None else (1, 0)


def structure(path: Path) -> str:
    """SQLite's own verdict: `ok`, or what is wrong first."""
    with looking_into(path) as connection:
        ((verdict,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    return str(verdict.decode("utf-8", "replace"))


def missing(path: Path, sound: Ranges) -> list[tuple[int, int]]:
    """Unconfirmed numbers that are not `sound`."""
    with looking_into(path) as connection:
        ledger = records.load(connection)
    return [
        hole
        for first, last in ledger.delivery.gaps(0, min(ledger.last_seq, sound.last))
        for hole in sound.gaps(first - 1, last)
    ]


def _verified(columns: Columns) -> Row | int:
    return records.verified(columns) or columns[0]


def _wall_ms(connection: sqlite3.Connection, order: str) -> int | None:
    found = connection.execute(f"{records.SELECT} ORDER BY seq {order} LIMIT 1").fetchone()
    row = records.verified(found) if found else None
    return row.wall_ms if row else None


def _carried(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT epoch, count(*) FROM carried GROUP BY epoch"
    return {epoch.decode("ascii", "replace"): count for epoch, count in connection.execute(query)}
