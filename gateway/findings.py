"""What was looked at, what was found, and what to do about it: for a technician, and as JSON."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic_core import to_json


class Level(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    NOTE = "note"
    """To be known; nothing has to be done."""
    BAD = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in words."""

    subject: str
    """What was looked at: `clock`, `thermometer`, …"""
    level: Level
    text: str
    todo: str | None = None
    """What puts it right."""

    def lines(self) -> Iterator[str]:
        """For a screen."""
        yield f"{self.level:>6}  {self.subject}: {self.text}"
        if self.todo:
            yield f"        → {self.todo}"


def good(subject: str, text: str) -> Finding:
    """As it should be."""
    return Finding(subject, Level.GOOD, text)


def note(subject: str, text: str, todo: str | None = None) -> Finding:
    """Not as it could be, and no hindrance."""
    return Finding(subject, Level.NOTE, text, todo)


def bad(subject: str, text: str, todo: str) -> Finding:
    """To be put right, by doing `todo`."""
    return Finding(subject, Level.BAD, text, todo)


@dataclass(slots=True)
class Report:
    """All that was found; `measured` holds figures by name."""

    findings: list[Finding] = field(default_factory=list)
    measured: dict[str, float | bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing has to be put right."""
        return all(each.level is not Level.BAD for each in self.findings)

    def as_json(self) -> str:
        """As one line of JSON: `passed`, `findings`, `measured`."""
        whole = {"passed": self.passed, "findings": self.findings, "measured": self.measured}
        return to_json(whole).decode()

    def __str__(self) -> str:
        last = "everything works" if self.passed else "what is marked FAIL must be put right"
        lines = [line for each in self.findings for line in each.lines()]
        return "\n".join([*lines, f"        {last}"])
