"""Finds out, slowly and behind the work, whether the journal is still what was written.

SQLite sees damage to its own structure but hardly any to the rows (of 200 flipped bits
`quick_check` noticed five), so every row is read and verified first. That also brings the file
into memory, in its order; `quick_check` alone, jumping about in a cold 1 GB file, takes six times
as long.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from gateway.errors import JournalError
from gateway.journal import records
from gateway.journal.damage import DamageError, is_damage, look_into
from gateway.journal.store import Connection
from gateway.ranges import Range, Ranges

_SLICE_ROWS = 250
_PAUSE_S = 0.01
"""Between slices of about two milliseconds: the rest of the time belongs to the gate."""
_LOOK_EVERY = 1000
"""Of SQLite's own steps, a few to each row, whether the file is to be let go of."""

LetGo = Callable[[], bool]
"""Whether nobody uses the file any more; called in the checking thread. A disk that was lost can
be neither repaired nor mounted again as long as a file of it is open."""


async def sound_rows(path: Path, upto: int, let_go: LetGo) -> Ranges:
    """The numbers up to `upto` of rows that are there and pass their check.

    Raises:
        DamageError: the file is damaged beyond single rows.
        JournalError: it is to be let go of.
        sqlite3.Error: it cannot be read.
    """
    sound = Ranges()
    after = 0
    async with _looking_into(path, let_go) as connection:
        while found := await connection.run(partial(_verify_slice, after, upto)):
            after, good = found
            for first, last in good:
                sound.add(first, last)
            await asyncio.sleep(_PAUSE_S)
    return sound


async def check_structure(path: Path, let_go: LetGo) -> None:
    """Have SQLite look over its pages.

    Raises:
        DamageError: it finds fault.
        JournalError: the file is to be let go of.
        sqlite3.Error: the file cannot be read.
    """
    async with _looking_into(path, let_go) as connection:
        ((answer,),) = await connection.run(lambda it: it.execute(_QUICK_CHECK).fetchall())
        if answer != b"ok":
            raise DamageError(answer.decode("utf-8", "replace").replace("\n", "; "))


_QUICK_CHECK = "PRAGMA quick_check(1)"


@asynccontextmanager
async def _looking_into(path: Path, let_go: LetGo) -> AsyncIterator[Connection]:
    connection = Connection(lambda: look_into(path), iter_chunk_size=64)
    try:
        async with connection:
            await connection.run(lambda it: it.set_progress_handler(let_go, _LOOK_EVERY))
            try:
                yield connection
            except asyncio.CancelledError:
                await connection.interrupt()
                raise
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise DamageError(str(error)) from error
        if let_go():
            raise JournalError("The check has ended early: the file is not in use now.") from error
        raise


def _verify_slice(
    after: int, upto: int, connection: sqlite3.Connection
) -> tuple[int, list[Range]] | None:
    """Where the slice ended, and the numbers of its sound rows; None at the end."""
    query = f"{records.SELECT} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    found = connection.execute(query, (after, upto, _SLICE_ROWS)).fetchall()
    if not found:
        return None
    good: list[Range] = []
    for columns in found:
        if records.verified(columns):
            seq = columns[0]
            if good and good[-1][1] == seq - 1:
                good[-1] = good[-1][0], seq
            else:
                good.append((seq, seq))
    return found[-1][0], good
