"""Whether a file can go on being the journal, found out without changing a byte of it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

from gateway.errors import JournalError
from gateway.journal.damage import DamageError, is_damage, look_into
from gateway.journal.pages import PAGE_BYTES
from gateway.journal.records import epoch_of, newest_of
from gateway.journal.schema import APPLICATION_ID, MIGRATIONS, TABLES
from gateway.journal.witness import Claim, claim_of

_LOG_HEADER = 32
_HEADER = b"SQLite format 3\0" + PAGE_BYTES.to_bytes(2, "big") + b"\2\2\0\x40\x20\x20"
"""How every journal begins; https://sqlite.org/fileformat2.html#the_database_header."""


def refuse_unfit(path: Path) -> None:
    """Look at the file `path`, which need not exist; it must not be open in this process.

    Raises:
        DamageError: it was a journal.
        JournalError: another program's database, newer than this program, or out of reach.
    """
    claim = claim_of(path)
    if not path.exists() or not path.stat().st_size:
        log = path.with_name(f"{path.name}-wal")
        if (claim and claim.seq) or (log.exists() and log.stat().st_size > _LOG_HEADER):
            raise DamageError("the file is empty")
        return
    header = _header_of(path)
    try:
        with closing(look_into(path)) as connection:
            if _is_journal(connection, path, claim):
                if header != _HEADER:
                    raise DamageError("its header is damaged")
                _refuse_damaged(connection, claim)
            elif claim and claim.seq:
                raise DamageError("its tables are gone")
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise DamageError(str(error)) from error
        raise JournalError(f"{path} cannot be used as the journal: {error}.") from error


def _is_journal(connection: sqlite3.Connection, path: Path, claim: Claim | None) -> bool:
    """Whether there are tables, and they are ours; with a `claim` there was a journal here."""
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    names = {name.decode("utf-8", "replace") for (name,) in connection.execute(_NAMES)}
    if names and application != APPLICATION_ID and not names & TABLES[1] and not claim:
        raise JournalError(f"{path} is the database of another program, not a journal.")
    if version > len(MIGRATIONS):
        raise JournalError(
            f"The journal {path} was written by a newer version of this program (format {version},"
            f" this one knows {len(MIGRATIONS)}); it has been left untouched."
        )
    if names and (application != APPLICATION_ID or not version or not TABLES[version] <= names):
        raise DamageError("its tables are gone or its header is damaged")
    return bool(names)


_NAMES = "SELECT name FROM sqlite_schema WHERE type = 'table'"


def _refuse_damaged(connection: sqlite3.Connection, claim: Claim | None) -> None:
    epoch, newest = epoch_of(connection), newest_of(connection)
    last_seq = newest[0] if newest else 0
    if claim and claim.epoch != epoch:
        raise DamageError(f"it is of the life {epoch}, its witness of {claim.epoch}")
    if claim and claim.seq > last_seq:
        raise DamageError(f"it ends at {last_seq}, but had got to {claim.seq}")


def _header_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise JournalError(f"{path} cannot be used as the journal: {reason}.") from error


def _number(connection: sqlite3.Connection, query: str) -> int:
    return cast(int, connection.execute(query).fetchone()[0])
