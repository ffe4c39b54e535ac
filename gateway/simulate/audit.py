"""Holds what a gate has recorded against what a day has to make of it."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from gateway.events import Class, Decision, PassageData
from gateway.simulate.day import Day
from gateway.simulate.scenes import Expected


class Outcome(Struct, frozen=True):
    """A passage as anybody can see it; who it was is nobody's business but the gate's."""

    lane: str
    decision: Decision
    reason: str | None
    class_: Class | None
    celsius: float | None
    by_guard: bool


class Audit(Struct, frozen=True):
    """What is wrong with the records of a day."""

    decided: int
    missing: Counter[Outcome]
    unexpected: Counter[Outcome]
    taken: tuple[int, int]
    """Seen to go through: how many had to be, and were."""
    turned: tuple[int, int]
    """Seen not to."""

    @property
    def is_clean(self) -> bool:
        """Everything is as it has to be."""
        taken = self.taken[0] == self.taken[1] and self.turned[0] == self.turned[1]
        return taken and not self.missing and not self.unexpected


def audit(day: Day, passages: Iterable[PassageData], *, exact: bool = True) -> Audit:
    """`passages` are all that were recorded on that day, each by both its events. Where real
    thermometers were between, the figure is not `exact`."""
    recorded = [each if exact else replace(each, celsius=None) for each in passages]
    decided = Counter(_recorded(each) for each in recorded if each.taken is None)
    expected = [each if exact else replace(each, celsius=None) for _, each in day.expected]
    due = Counter(map(_due, expected))
    return Audit(
        decided=decided.total(),
        missing=due - decided,
        unexpected=decided - due,
        taken=_count(day, recorded, taken=True),
        turned=_count(day, recorded, taken=False),
    )


def _count(day: Day, recorded: list[PassageData], *, taken: bool) -> tuple[int, int]:
    due = sum(each.taken is taken for _, each in day.expected)
    return due, sum(each.taken is taken for each in recorded)


def _recorded(passage: PassageData) -> Outcome:
    if passage.by != "policy":
        return Outcome(passage.lane, passage.decision, None, None, None, True)
    reason, celsius = passage.reason and str(passage.reason), passage.celsius
    return Outcome(passage.lane, passage.decision, reason, passage.class_, celsius, False)


def _due(expected: Expected) -> Outcome:
    """What a guard answers for is their affair: only that they did it counts."""
    if expected.by_guard:
        return Outcome(expected.lane, expected.decision, None, None, None, True)
    class_ = expected.holder.judged().class_ if expected.holder else None
    return Outcome(
        expected.lane, expected.decision, expected.reason, class_, expected.celsius, False
    )
