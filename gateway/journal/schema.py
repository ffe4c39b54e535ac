"""The tables of the journal, and how each version of them became the next."""

import secrets
import sqlite3

APPLICATION_ID = 0x63676A31
"""`cgj1`, in the header of every journal, so that another program's file is not taken for one."""

_VERSION_1 = (
    "CREATE TABLE journal (epoch TEXT NOT NULL, sessions INTEGER NOT NULL) STRICT",
    "CREATE TABLE boot (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    # upto is the delivery cursor at the time of the commit: here it costs eight bytes, in a table
    # of its own another page per commit. The newest row must therefore never be purged.
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, alarm INTEGER NOT NULL,
        boot INTEGER NOT NULL, mono_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
        upto INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL) STRICT""",
    "CREATE INDEX alarm ON event (seq) WHERE alarm",  # only alarms pay for it
    "CREATE TABLE confirmed (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT",
    f"PRAGMA application_id = {APPLICATION_ID}",
)

_VERSION_2 = (
    # Rows of journals that were set aside, until they are delivered; crc is over name and body.
    """CREATE TABLE carried (
        key INTEGER PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
        crc INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (epoch, seq)) STRICT""",
    # Those journals from which everything has been carried over, by their number.
    "CREATE TABLE salvaged (number INTEGER PRIMARY KEY, report TEXT NOT NULL) STRICT",
)

_VERSION_3 = (
    # From `first` on rows of the boot may have been recorded with a wrong clock; a row at most.
    "CREATE TABLE undated (first INTEGER NOT NULL, boot TEXT NOT NULL) STRICT",
    # Those of them whose time must stay as it is: they may have been sent.
    "CREATE TABLE sealed (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT",
    # How far the journal had got at a moment: once an hour, to know how old a row is at least.
    """CREATE TABLE mark (
        seq INTEGER PRIMARY KEY, boot TEXT NOT NULL, mono_ms INTEGER NOT NULL,
        wall_ms INTEGER) STRICT""",
)

MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3)
"""What leads from each version (`user_version`) to the next."""

TABLES = (
    frozenset[str](),
    frozenset({"journal", "boot", "event", "confirmed"}),
    frozenset({"journal", "boot", "event", "confirmed", "carried", "salvaged"}),
    frozenset(
        {
            *("journal", "boot", "event", "confirmed", "carried", "salvaged"),
            *("undated", "sealed", "mark"),
        }
    ),
)
"""What a file of each version must have."""


def migrate(version: int, connection: sqlite3.Connection) -> None:
    """Lead from `version` to the next, within a transaction."""
    for statement in MIGRATIONS[version]:
        connection.execute(statement)
    if version == 0:
        connection.execute("INSERT INTO journal VALUES (?, 0)", (new_epoch(),))
    connection.execute(f"PRAGMA user_version = {version + 1}")


def new_epoch() -> str:
    """A random name for a journal's life: 8 characters, `a-z2-7`."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(8))
