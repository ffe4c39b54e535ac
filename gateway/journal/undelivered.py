"""What of a journal has not been delivered, read from outside in portions that hold up nobody."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import partial

from gateway.journal import records
from gateway.journal.batch import Batch, Gathered, gather
from gateway.journal.carried import sound_body
from gateway.ranges import Range, Ranges

_FIRST_WITH_CARRIED = 2
"""Version of the file."""


def lives(connection: sqlite3.Connection) -> dict[str, Ranges]:
    """The numbers that wait, by the life that they belong to; the present one is the last.

    What has been confirmed in the last half minute may be among them.

    Raises:
        DamageError: the journal is damaged.
    """
    ledger = records.load(connection)
    found: dict[str, Ranges] = {}
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if version >= _FIRST_WITH_CARRIED:
        for epoch, seq in connection.execute("SELECT epoch, seq FROM carried ORDER BY epoch, seq"):
            found.setdefault(epoch.decode("ascii", "replace"), Ranges()).add(seq, seq)
    found[ledger.epoch] = Ranges.of(ledger.delivery.gaps(0, ledger.last_seq))
    return found


def portion(
    epoch: str, spans: Sequence[Range], most_bytes: int, connection: sqlite3.Connection
) -> Gathered[Batch]:
    """The events of a life within `spans`, up to `most_bytes` with one more after each of them.

    Raises:
        DamageError: the journal is damaged.
    """
    # It cannot change in between: what is set aside stays the file of this connection.
    if epoch == records.epoch_of(connection):
        return gather(spans, most_bytes - 1, lambda batch: batch, connection)
    return _carried(epoch, spans, most_bytes, connection)


def _carried(
    epoch: str, spans: Iterable[Range], most_bytes: int, connection: sqlite3.Connection
) -> Gathered[Batch]:
    numbers: list[int] = []
    bodies: list[bytes] = []
    damaged: list[int] = []
    query = (
        "SELECT seq, crc, body FROM carried WHERE epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq"
    )
    done = partial(Gathered, damaged=damaged, numbers=numbers)
    for span in spans:
        with closing(connection.execute(query, (epoch, *span))) as rows:
            for seq, crc, body in rows:
                if not sound_body(epoch, seq, crc, body):
                    damaged.append(seq)
                    continue
                most_bytes -= len(body) + 1
                if numbers and most_bytes < 0:
                    return done(made=Batch(numbers, bodies))
                numbers.append(seq)
                bodies.append(body)
    return done(made=Batch(numbers, bodies) if numbers else None)
