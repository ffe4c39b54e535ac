"""Whatever can still be read of a journal that was set aside; its files are only read.

First through SQLite, which knows what is current; then, if something is still missing, page by
page. Every row proves itself by its check value and by the id in its body.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from gateway.events import identify
from gateway.journal import records
from gateway.journal.damage import DamageError, look_into
from gateway.journal.pages import PageReader, Record
from gateway.journal.records import Columns
from gateway.journal.witness import claim_of
from gateway.ranges import Range, Ranges

_PORTION_ROWS = 250
_EVENT_COLUMNS = 9


@dataclass(frozen=True, slots=True)
class Saved:
    """A row with the name that it has for ever."""

    epoch: str
    seq: int
    body: bytes


@dataclass(slots=True)
class _Life:
    """What is known of one epoch."""

    last: int = 0
    upto: int = 0
    confirmed: Ranges = field(default_factory=Ranges)
    """Beyond `upto`."""
    saved: Ranges = field(default_factory=Ranges)

    def wants(self, seq: int) -> bool:
        """Whether it has not been delivered."""
        return seq > self.upto and seq not in self.confirmed


class Salvage:
    """One reading of the journal file `path`; with `delivered`, of what has been delivered too."""

    def __init__(self, path: Path, *, delivered: bool = False) -> None:
        self._path = path
        self._delivered = delivered
        self._lives: dict[str, _Life] = {}
        self._witnessed: str | None = None
        self.saved = 0
        """Rows brought out so far."""

    def portions(self) -> Iterator[list[Saved]]:
        """Its rows, each once.

        A portion is some milliseconds of work, and may be empty.
        """
        claim = claim_of(self._path)
        if claim:
            self._witnessed = claim.epoch
            self._lives[claim.epoch] = _Life(last=claim.seq)
        whole = False
        try:
            with closing(look_into(self._path)) as connection:
                yield from self._through_sqlite(connection)
                whole = not self.lost()
        except (sqlite3.DatabaseError, DamageError):
            pass  # what is missing tells
        if not whole:
            yield from self._through_pages()

    @property
    def epoch(self) -> str | None:
        """The life that the journal was in; None if nothing tells."""
        longest = max(self._lives, key=lambda epoch: self._lives[epoch].last, default=None)
        return self._witnessed or longest

    def upto(self, epoch: str) -> int:
        """Everything up to this had been delivered; known for certain only at the end."""
        return self._lives[epoch].upto if epoch in self._lives else 0

    @property
    def epochs(self) -> list[str]:
        """Of all rows that have been met."""
        return list(self._lives)

    def lost(self) -> list[Range]:
        """What of `epoch` was neither delivered nor could be read."""
        life = self._lives.get(self.epoch or "")
        if life is None:
            return []
        return list(Ranges.of([*life.saved, *life.confirmed]).gaps(life.upto, life.last))

    def _through_sqlite(self, connection: sqlite3.Connection) -> Iterator[list[Saved]]:
        life = self._life(records.epoch_of(connection))
        if life is None:
            return
        try:
            newest = records.newest_of(connection)
        except DamageError:
            newest = None
        life.last = max(life.last, newest[0] if newest else 0)
        for first, last in records.confirmed_of(connection, life.last):
            life.confirmed.add(first, last)
        life.upto = max(life.upto, life.confirmed.upto, newest[5] if newest else 0)
        after = 0 if self._delivered else life.upto
        query = f"{records.SELECT} WHERE seq > ? ORDER BY seq LIMIT ?"
        while found := connection.execute(query, (after, _PORTION_ROWS)).fetchall():
            after = found[-1][0]
            yield self._take(found)

    def _through_pages(self) -> Iterator[list[Saved]]:
        with ExitStack() as opened:
            log = self._path.with_name(f"{self._path.name}-wal")
            reader = PageReader(_file(self._path, opened), _file(log, opened), _EVENT_COLUMNS)
            for found in reader.portions():
                yield self._take(map(_columns, found))

    def _take(self, found: Iterable[Columns]) -> list[Saved]:
        """Those that are sound, wanted, and not yet taken."""
        taken: list[Saved] = []
        for columns in found:
            row = records.verified(columns)
            name = identify(row.body) if row else None
            if row is None or name is None or name[1] != row.seq:
                continue
            life = self._life(name[0])
            if life is None:  # of a foreign log
                continue
            life.last = max(life.last, row.seq)
            if columns[5] > life.upto:
                life.upto = columns[5]
            if row.seq not in life.saved and (self._delivered or life.wants(row.seq)):
                life.saved.add(row.seq, row.seq)
                taken.append(Saved(name[0], row.seq, row.body))
        self.saved += len(taken)
        return taken

    def _life(self, epoch: str) -> _Life | None:
        if self._witnessed and epoch != self._witnessed:
            return None
        return self._lives.setdefault(epoch, _Life())


def _file(path: Path, opened: ExitStack) -> int | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    opened.callback(os.close, file)
    return file


def _columns(record: Record) -> Columns:
    """As if SQLite had selected them; the first, NULL, stands for the rowid."""
    seq, (_, kind, alarm, _, mono_ms, wall_ms, upto, crc, body) = record
    return cast(Columns, (seq, kind, alarm, mono_ms, wall_ms, upto, crc, body))
