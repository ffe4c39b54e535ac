"""Which rows were recorded while the clock was not right, and can still get their true time.

The time of an event never changes once it may have been sent. So what is about to be sent is
sealed first, durably; a row that is not sealed when the clock becomes right is put right. While
the clock is right there is nothing of this, in memory or in the file.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Protocol

from gateway.ranges import Range, Ranges

AHEAD = 32
"""Numbers not yet given away that are sealed along with the newest row: without them each event
sent live would cost a commit more. Where the link is lost, so many keep their wrong time."""
BATCHES_AHEAD = 8
"""And so many batches like the one that is about to be sent."""
_UNDATED = attrgetter("undated")
_MOST_SEALED = 100_000
"""Ranges; a table of more is damaged."""


class _Recorded(Protocol):
    @property
    def undated(self) -> bool:
        """Whether the clock was not right."""


class Undated:
    """Of one life of the journal, and of one boot of the box."""

    def __init__(self, first: int | None = None, sealed: Iterable[Range] = ()) -> None:
        self.revision = 0
        """Grows whenever rows have been put right: what was read of them before is stale."""
        self._first = first
        self._sealed = Ranges.of(sealed)

    @property
    def first(self) -> int | None:
        """From here on rows may be undated; None while there are none."""
        return self._first

    def begins(self, records: Sequence[_Recorded]) -> bool:
        """Whether with `records`, about to be written, there will be some."""
        return self._first is None and any(map(_UNDATED, records))

    def begin(self, first: int) -> None:
        """There are some from `first` on."""
        self._first, self._sealed = first, Ranges()

    def open(self, after: int, upto: int) -> Iterator[Range]:
        """The rows `after < seq <= upto` that may yet be put right."""
        if self._first is None:
            return iter(())
        return self._sealed.gaps(max(after, self._first - 1), upto)

    def to_seal(self, spans: Iterable[Range], last_seq: int) -> list[Range]:
        """What has to be sealed for `spans` to be sent."""
        if self._first is None:
            return []
        found = [each for first, last in spans for each in self.open(first - 1, last)]
        if found:
            first, last = found[-1]
            count = sum(end - start + 1 for start, end in found)
            newest = AHEAD if last == last_seq else 0
            found[-1] = first, last + max(newest, BATCHES_AHEAD * count if count > 1 else 0)
        return found

    def seal(self, spans: Iterable[Range]) -> None:
        """The times of these stay as they are."""
        for each in spans:
            self._sealed.add(*each)

    def dated(self, upto: int | None) -> None:
        """Everything up to this is dealt with; with None, everything there is."""
        self._first = None if upto is None else upto + 1
        self.revision += 1

    def abandon(self) -> None:
        """Put nothing more right: what has been sent could not be sealed."""
        self._first = None


def load(boot: str, connection: sqlite3.Connection) -> Undated:
    """As the file has it for `boot`. Between two boots nothing relates their monotonic clocks."""
    found = connection.execute("SELECT first, boot FROM undated").fetchall()
    if len(found) != 1 or found[0][1] not in (boot, boot.encode()):
        return Undated()
    query = "SELECT first, last FROM sealed LIMIT ?"
    sealed = connection.execute(query, (_MOST_SEALED + 1,)).fetchall()
    sound = len(sealed) <= _MOST_SEALED and all(1 <= first <= last for first, last in sealed)
    return Undated(found[0][0], sealed) if sound else Undated()


def begin(first: int, boot: str, connection: sqlite3.Connection) -> None:
    """From `first` on rows of `boot` are undated."""
    end(connection)
    connection.execute("INSERT INTO undated VALUES (?, ?)", (first, boot))


def move(first: int, connection: sqlite3.Connection) -> None:
    """What comes before `first` is dealt with."""
    connection.execute("UPDATE undated SET first = ?", (first,))


def end(connection: sqlite3.Connection) -> None:
    """There are none any more."""
    connection.execute("DELETE FROM undated")
    connection.execute("DELETE FROM sealed")


def seal(spans: Iterable[Range], connection: sqlite3.Connection) -> None:
    """The times of these stay as they are."""
    for first, last in spans:
        query = "UPDATE sealed SET last = ? WHERE last = ?"  # nearly always one goes on
        if not connection.execute(query, (last, first - 1)).rowcount:
            connection.execute("INSERT INTO sealed VALUES (?, ?)", (first, last))
