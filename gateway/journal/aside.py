"""Damaged journals that were set aside: their names, how they get there, what became of them.

They are numbered, not dated: the clock may say 1970. One file with its log and its witness is
`journal.db.damaged-3`, `…-3-wal`, `…-3-witness`. Once everything in it that had not been
delivered has been, `…-3.report` says so, and only then it may be deleted to make room: the report
stays, and with it the number.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PARTS = ("", "-wal", "-shm", "-witness")
"""The database first: without it nobody mistakes the rest for a journal in use."""
_REPORT = ".report"
_NUMBER = re.compile(r"\.damaged-([0-9]{1,9})(-wal|-shm|-witness|\.report)?")


@dataclass(frozen=True, slots=True, order=True)
class Aside:
    """A journal that was set aside as `path`, of which some parts may be missing."""

    number: int
    path: Path

    @property
    def report(self) -> Path:
        """Written when nothing in it waits any more."""
        return self.path.with_name(f"{self.path.name}{_REPORT}")

    def close_case(self, report: str) -> None:
        """Say that everything that could be saved of it has been delivered."""
        half = self.report.with_name(f"{self.report.name}.new")
        half.write_text(report)
        half.replace(self.report)


def asides(journal: Path) -> list[Aside]:
    """What was set aside of `journal`, oldest first."""
    found = {number for number, part in _parts_beside(journal) if part != _REPORT}
    return [_aside(journal, number) for number in sorted(found)]


def closed_bytes(journal: Path) -> int:
    """The room that those take of which nothing waits any more."""
    return sum(part.stat().st_size for each in _closed(journal) for part in _files(each))


def drop_oldest(journal: Path) -> Aside | None:
    """Delete the oldest of which nothing waits any more; None if there is no such."""
    closed = _closed(journal)
    for part in _files(closed[0]) if closed else []:
        part.unlink()
    return closed[0] if closed else None


def set_aside(journal: Path) -> Aside:
    """Move the file `journal`, its log and its witness out of the way; nobody may have it open.

    Raises:
        OSError: what was not moved is found by `complete`.
    """
    former = max((number for number, _ in _parts_beside(journal)), default=0)
    aside = _aside(journal, former + 1)
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


def _parts_beside(journal: Path) -> Iterator[tuple[int, str]]:
    """Number and part of each file that was set aside, and of each report."""
    for name in os.listdir(journal.parent):
        match = name.startswith(journal.name) and _NUMBER.fullmatch(name, pos=len(journal.name))
        if match:
            yield int(match[1]), match[2] or ""


def _closed(journal: Path) -> list[Aside]:
    return [each for each in asides(journal) if each.report.exists()]


def _files(aside: Aside) -> list[Path]:
    return [part for name in _PARTS if (part := _part(aside.path, name)).exists()]


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
