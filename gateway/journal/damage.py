"""What counts as damage to the file, as against trouble with the disk; and how to look at it."""

import sqlite3
from pathlib import Path

from gateway.errors import JournalError


class DamageError(JournalError):
    """The file has lost or altered something; it cannot go on being the journal."""


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` means that the file is damaged; else the disk or the program is at fault."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def look_into(path: Path) -> sqlite3.Connection:
    """A connection that only reads the file `path`, with text as bytes; for one thread at a time.

    Beside a process that writes it never changes the database or its log.
    """
    # Even a reader would leave -wal and -shm files behind; without a WAL there is no need to.
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.text_factory = bytes  # rotten text need not be UTF-8, and would fail the whole read
    return connection
