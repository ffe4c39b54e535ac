"""A recorded day, decided anew by another policy: which passages would differ."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.checkpoint.lanes import Lanes
from gateway.checkpoint.machine import Outcome, Recorded
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import Policy
from gateway.clock import Stamp
from gateway.events import (
    Check,
    Decision,
    Draft,
    Kind,
    PassageData,
    ScanData,
    TemperatureData,
)


class Told(Struct, frozen=True, omit_defaults=True):
    """A decision, as far as it is compared."""

    decision: str
    reason: str | None
    checks: dict[str, Check]
    by: str = "policy"


class Difference(Struct, frozen=True):
    """A passage that would be decided otherwise; on one side there may be none at all."""

    at_ms: int
    lane: str
    token: str | None
    before: Told | None
    after: Told | None

    @property
    def why(self) -> str:
        """Which conditions make the difference."""
        before = self.before.checks if self.before else {}
        after = self.after.checks if self.after else {}
        return ", ".join(
            f"{name}: {before.get(name, '–')} → {after.get(name, '–')}"
            for name in dict.fromkeys((*before, *after))
            if before.get(name) != after.get(name)
        )


class Comparison(Struct, frozen=True):
    """A day by what was recorded, and by another policy."""

    day: str
    policy: str
    before: dict[str, int]
    """How often each decision was made; of refusals, how often for each reason."""
    after: dict[str, int]
    differences: list[Difference] = field(default_factory=list)


class Trial:
    """Goes through recorded events in order; what was before the day is only remembered."""

    def __init__(
        self, policy: Policy, lanes: Mapping[str, LaneSettings], zone: tzinfo, day: date
    ) -> None:
        # Nobody can say which door would have opened: whoever may pass is taken to go through.
        doorless = {name: replace(each, door=None, strike=False) for name, each in lanes.items()}
        self._lanes = Lanes(policy, doorless, zone)
        self._policy = policy
        self._day = day
        self._from_ms, self._to_ms = _limits(day, zone)
        self._begun = False
        self._before: dict[str, tuple[Stamp, PassageData]] = {}
        self._after: dict[str, tuple[Stamp, PassageData]] = {}

    def run(self, events: Iterable[Recorded]) -> Comparison:
        """What would differ."""
        last: Stamp | None = None
        for event in events:
            self._begun = self._begun or event.at.wall_ms >= self._from_ms
            if event.at.wall_ms >= self._to_ms:
                break
            if self._begun:
                self._decide(event)
                last = event.at
            else:
                self._lanes.take(event)
        if last:
            self._keep(self._lanes.advance(last.earlier(-3600)))
        return self._compared()

    def _decide(self, event: Recorded) -> None:
        data = event.data
        if isinstance(data, ScanData | TemperatureData):
            self._keep(self._lanes.advance(event.at))
            self._keep(self._lanes.take(event))
        elif isinstance(data, PassageData) and data.taken is None:
            self._before[event.correlation or event.id] = event.at, data

    def _keep(self, outcomes: Iterable[Outcome]) -> None:
        """Own passages come back at once, as out of a journal."""
        for each in outcomes:
            if isinstance(each, Draft) and isinstance(each.data, PassageData):
                correlation = each.correlation or ""
                self._after[correlation] = each.stamp, each.data
                self._lanes.take(
                    Recorded(0, "", Kind.PASSAGE, each.subject, each.stamp, each.data, correlation)
                )

    def _compared(self) -> Comparison:
        found = []
        for correlation in dict.fromkeys((*self._before, *self._after)):
            before, after = self._before.get(correlation), self._after.get(correlation)
            old, new = _told(before), _told(after)
            known = before or after
            if known and not _same(old, new):
                stamp, data = known
                found.append(Difference(stamp.wall_ms, data.lane, data.token, old, new))
        found.sort(key=lambda each: each.at_ms)
        version = self._policy.version
        counts = _counts(self._before), _counts(self._after)
        return Comparison(self._day.isoformat(), version, *counts, found)


def _limits(day: date, zone: tzinfo) -> tuple[int, int]:
    midnight = datetime.combine(day, time(), zone)
    following = datetime.combine(day + timedelta(days=1), time(), zone)
    return round(midnight.timestamp() * 1000), round(following.timestamp() * 1000)


def _told(passage: tuple[Stamp, PassageData] | None) -> Told | None:
    if passage is None:
        return None
    data = passage[1]
    return Told(data.decision, data.reason, data.checks, data.by)


def _same(before: Told | None, after: Told | None) -> bool:
    if before is None or after is None:
        return before is after
    return (before.decision, before.reason) == (after.decision, after.reason)


def _counts(passages: Mapping[str, tuple[Stamp, PassageData]]) -> dict[str, int]:
    decisions = Counter(str(data.decision) for _, data in passages.values())
    reasons = Counter(data.reason for _, data in passages.values() if data.decision == "denied")
    counts = {str(each): decisions[each] for each in Decision}
    return counts | {f"denied: {reason}": reasons[reason] for reason in sorted(map(str, reasons))}
