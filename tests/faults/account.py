"""What the fault laboratory has done in one run, as a table with a line per fault.

Every number is what tests of this run have counted; a fault of which a test has failed says so
in the place of what was lost, and a mutant is named only if its test has found it out.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

PROPERTY = "faults"
"""The name under which a test's report carries its part."""


@dataclass
class Entry:
    """One fault: how often it was brought about, and what came of it."""

    fault: str
    count: int = 0
    recorded: int = 0
    lost: int = 0
    duplicates: int | None = None
    """Times an event came again; None where nothing is delivered."""
    recovery_s: float | None = None
    """The longest time until the gate worked again."""
    caught: list[str] = field(default_factory=list)
    """The mutants that were found out."""
    failed: int = 0
    """Tests; what they would have counted is missing."""

    def recovered(self, seconds: float) -> None:
        """Note one recovery; the longest one counts."""
        self.recovery_s = max(seconds, self.recovery_s or 0.0)

    def add(self, other: "Entry") -> None:
        """The same fault in another test."""
        self.count += other.count
        self.recorded += other.recorded
        self.lost += other.lost
        if other.duplicates is not None:
            self.duplicates = (self.duplicates or 0) + other.duplicates
        if other.recovery_s is not None:
            self.recovered(other.recovery_s)
        self.caught += other.caught
        self.failed += other.failed


class Account:
    """The entries of a test or of a run, in the order of their first mention."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def of(self, fault: str) -> Entry:
        """The entry for `fault`."""
        return self._entries.setdefault(fault, Entry(fault))

    def as_json(self) -> str:
        """The entries in a form that a test's report can carry from one process to another."""
        return json.dumps([asdict(entry) for entry in self._entries.values()])

    def add(self, entries: str, *, failed: bool = False) -> None:
        """Another test's, made by `as_json`; whether it has failed."""
        for each in json.loads(entries):
            self.of(each["fault"]).add(Entry(**each))
            self.of(each["fault"]).failed += failed

    def table(self) -> Iterator[str]:
        """Header and lines; nothing if nothing was done."""
        if not self._entries:
            return
        rows = [_HEADS, *map(_cells, self._entries.values())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
        for row in rows:
            aligned = [
                cell.ljust(width) if column in _IN_WORDS else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            yield "  ".join(aligned).rstrip()

    def markdown(self) -> Iterator[str]:
        """The same table as documents have it."""
        rules = ["---" if column in _IN_WORDS else "--:" for column in range(len(_HEADS))]
        for row in (_HEADS, rules, *map(_cells, self._entries.values())):
            yield f"| {' | '.join(row)} |"


_HEADS = ("fault", "count", "recorded", "lost", "dupl.", "recovery", "mutants caught")
_IN_WORDS = (0, len(_HEADS) - 1)


def _cells(entry: Entry) -> tuple[str, ...]:
    return (
        entry.fault,
        f"{entry.count:,}",
        f"{entry.recorded:,}",
        "FAILED" if entry.failed else f"{entry.lost:,}",
        "–" if entry.duplicates is None else f"{entry.duplicates:,}",
        "–" if entry.recovery_s is None else f"{entry.recovery_s:.2f} s",
        ", ".join(dict.fromkeys(entry.caught)) or "–",
    )
