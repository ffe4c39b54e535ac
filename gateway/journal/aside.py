"""Damaged journals that were set aside: their names, how they get there, what became of them.

They are numbered, not dated: the clock may say 1970. One file with its log and its witness is
`journal.db.damaged-3`, `…-3-wal`, `…-3-witness`. Once everything in it that had not been
delivered has been, `…-3.report` says so. The program never deletes any of them.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PARTS = ("", "-wal", "-shm", "-witness")
"""The database first: without it nobody mistakes the rest for a journal in use."""
_NUMBER = re.compile(r"\.damaged-([0-9]{1,9})(-wal|-shm|-witness)?")


@dataclass(frozen=True, slots=True, order=True)
class Aside:
    """A journal that was set aside as `path`, of which some parts may be missing."""

    number: int
    path: Path

    @property
    def report(self) -> Path:
        """Written when nothing in it waits any more."""
        return self.path.with_name(f"{self.path.name}.report")

    def close_case(self, report: str) -> None:
        """Say that everything that could be saved of it has been delivered."""
        half = self.report.with_name(f"{self.report.name}.new")
        half.write_text(report)
        half.replace(self.report)


def asides(journal: Path) -> list[Aside]:
    """What was set aside of `journal`, oldest first."""
    numbers = {
        int(match[1])
        for name in os.listdir(journal.parent)
        if name.startswith(journal.name)
        and (match := _NUMBER.fullmatch(name, pos=len(journal.name)))
    }
    return [_aside(journal, number) for number in sorted(numbers)]


def set_aside(journal: Path) -> Aside:
    """Move the file `journal`, its log and its witness out of the way; nobody may have it open.

    Raises:
        OSError: what was not moved is found by `complete`.
    """
    former = asides(journal)
    aside = _aside(journal, former[-1].number + 1 if former else 1)
    _move(journal, aside)
    return aside


def complete(journal: Path) -> Aside | None:
    """Finish a `set_aside` that a crash has cut short, or set aside what somebody left over.

    Raises:
        OSError: the files cannot be moved.
    """
    left = [part for part in _PARTS if _part(journal, part).exists()]
    if not left or "" in left:
        return None
    former = asides(journal)
    if former and not any(_part(former[-1].path, part).exists() for part in left):
        _move(journal, former[-1])
        return former[-1]
    return set_aside(journal)


def _move(journal: Path, aside: Aside) -> None:
    for part in _PARTS:
        if _part(journal, part).exists():
            _part(journal, part).rename(_part(aside.path, part))
    directory = os.open(journal.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _aside(journal: Path, number: int) -> Aside:
    return Aside(number, journal.with_name(f"{journal.name}.damaged-{number}"))


def _part(path: Path, part: str) -> Path:
    return path.with_name(path.name + part)
