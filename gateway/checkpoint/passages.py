"""From a ruling to what follows: the record, the release, and whether the door was gone through."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from drivers.base import Position
from gateway.checkpoint.judging import Gate, Parts, Ruling, Subject
from gateway.checkpoint.machine import Act, Deed, Outcome, Recorded
from gateway.checkpoint.memory import Entries, Memory
from gateway.checkpoint.moments import later
from gateway.clock import Stamp
from gateway.events import Decision, Direction, DoorData, Draft, Kind, PassageData

_SEEN = (Position.OPEN, Position.CLOSED)


class LaneSettings(Struct, frozen=True, kw_only=True):
    """How a lane is wired."""

    direction: Direction
    subject: Subject = Subject.PERSON
    door: str | None = None
    """What is released, or at least watched, when somebody may pass."""
    strike: bool = False
    """Whether that door can be released."""
    asks: bool = False
    """Whether somebody is asked about health codes that nobody here can judge."""
    window_s: float = 10.0
    """How long a person's next part may take."""
    passage_s: float = 15.0
    """How long after a grant the door may open."""


class Grant(Struct):
    """Somebody may pass, and the door has not said yet whether they did."""

    door: str
    at: Stamp
    deadline_ns: int
    seen: bool
    """Whether the door has been seen shut all the time."""


class Decided(Struct):
    """A passage that is not known to have ended, or to be recorded."""

    data: PassageData
    at: Stamp
    until: int | None
    former: Entries | None
    """What was remembered before it."""
    grant: Grant | None = None
    recorded: bool = False


class PassagesState(Struct):
    """Everything that is open."""

    memory: Memory = field(default_factory=Memory)
    decided: dict[str, Decided] = field(default_factory=dict)
    """By their correlations, in order."""
    doors: dict[str, Position] = field(default_factory=dict)


class Passages:
    """The passages of all lanes, from the decision until the door has confirmed it."""

    def __init__(
        self, lanes: Mapping[str, LaneSettings], gates: Mapping[str, Gate], state: PassagesState
    ) -> None:
        self.state = state
        self._lanes = lanes
        self._gates = gates

    def decide(
        self, lane: str, parts: Parts, ruling: Ruling, at: Stamp
    ) -> tuple[Decided, list[Outcome]]:
        """What follows from a `ruling` with a decision: the record, and the release."""
        first, *_ = shown = parts.all
        who, measured = parts.who, parts.measured
        data = PassageData(
            lane=lane,
            direction=self._lanes[lane].direction,
            decision=ruling.decision or Decision.DENIED,
            reason=ruling.reason,
            class_=who.class_ if who else None,
            token=who.token if who else None,
            celsius=measured.celsius if measured else None,
            checks=ruling.checks,
            parts=[each.id for each in shown],
            policy=self._gates[lane].policy.version,
            took_ms=max(0, at.mono_ns - first.at.mono_ns) // 1_000_000,
        )
        return self.enter(first.id, data, at, who.until if who else None)

    def enter(
        self, correlation: str, data: PassageData, at: Stamp, until: int | None
    ) -> tuple[Decided, list[Outcome]]:
        """The record of a decision and the release that it may bring; it holds from now on."""
        known = self.state.decided.get(correlation)
        if known:  # it is recorded as something else, and that counts
            return known, []
        held = self._hold(correlation, data, at, until)
        subject = f"lane/{data.lane}"
        outcomes: list[Outcome] = [Draft(Kind.PASSAGE, subject, at, data, correlation=correlation)]
        settings = self._lanes[data.lane]
        if data.decision is Decision.GRANTED and settings.door and settings.strike:
            outcomes.append(Act(Deed.RELEASE, settings.door, correlation, at))
        return held, outcomes

    def recorded(self, event: Recorded, data: PassageData) -> bool:
        """A passage is recorded, as it was decided here or otherwise: then that is what counts.

        Whether it is news.
        """
        correlation = event.correlation or event.id
        known = self.state.decided.get(correlation)
        if data.taken is not None:
            if known and known.grant:
                self._end(correlation, known, taken=data.taken)
            return False
        if known and _same(known.data, data):
            known.recorded = True
            self._close(correlation, known)
            return False
        until = known.until if known else None
        if known:
            _undo(self.state.memory, known)
            del self.state.decided[correlation]
        if data.lane not in self._lanes:
            return False
        held = self._hold(correlation, data, event.at, until)
        held.recorded = True
        self._close(correlation, held)
        return True

    def door(self, event: Recorded, data: DoorData) -> Draft | None:
        """A door has changed; whoever was let through it first has gone if it has opened."""
        former = self.state.doors.get(data.door)
        self.state.doors[data.door] = data.position
        opened = data.position is Position.OPEN and former is not Position.OPEN
        waiting = [
            (correlation, each)
            for correlation, each in self.state.decided.items()
            if each.grant and each.grant.door == data.door and each.grant.at.boot == event.at.boot
        ]
        gone = waiting[0] if opened and waiting else None
        for _, each in waiting:
            if each.grant and (opened or data.position not in _SEEN):
                each.grant.seen = False
        if gone is None:
            return None
        correlation, passage = gone
        return self._end(correlation, passage, taken=True, at=event.at)

    def due(self) -> list[tuple[int, str]]:
        """When each grant ends by itself: monotonic ns, and the correlation."""
        decided = self.state.decided.items()
        return [(each.grant.deadline_ns, name) for name, each in decided if each.grant]

    def expire(self, correlation: str) -> Draft | None:
        """Nobody has gone through in time, as far as could be seen."""
        passage = self.state.decided[correlation]
        grant = passage.grant
        if grant is None or not grant.seen:
            passage.grant = None
            self._close(correlation, passage)
            return None
        at = later(grant.at, (grant.deadline_ns - grant.at.mono_ns) / 1e9)
        return self._end(correlation, passage, taken=False, at=at)

    def new_boot(self) -> None:
        """Whether somebody went through while nobody looked is not known."""
        for correlation, each in list(self.state.decided.items()):
            each.grant = None
            self._close(correlation, each)

    def _hold(self, correlation: str, data: PassageData, at: Stamp, until: int | None) -> Decided:
        state, gate = self.state, self._gates[data.lane]
        former = state.memory.entries(data.token) if data.token else None
        held = Decided(data, at, until, former, self._grant(data, at))
        state.decided[correlation] = held
        state.memory.learn(data, until, at, gate.policy, gate.zone)
        return held

    def _grant(self, data: PassageData, at: Stamp) -> Grant | None:
        settings = self._lanes[data.lane]
        position = self.state.doors.get(settings.door) if settings.door else None
        if settings.door is None or position not in _SEEN or data.decision is Decision.DENIED:
            return None  # there is no door that could tell
        deadline_ns = at.mono_ns + round(settings.passage_s * 1e9)
        return Grant(settings.door, at, deadline_ns, position is Position.CLOSED)

    def _end(
        self, correlation: str, passage: Decided, *, taken: bool, at: Stamp | None = None
    ) -> Draft:
        passage.grant = None
        if not taken:
            _undo(self.state.memory, passage)
        self._close(correlation, passage)
        data = replace(passage.data, taken=taken)
        subject = f"lane/{data.lane}"
        return Draft(Kind.PASSAGE, subject, at or passage.at, data, correlation=correlation)

    def _close(self, correlation: str, passage: Decided) -> None:
        if passage.recorded and passage.grant is None:
            self.state.decided.pop(correlation, None)


def _undo(memory: Memory, passage: Decided) -> None:
    if passage.data.token and passage.former:
        memory.restore(passage.data.token, passage.former, passage.at)


def _same(one: PassageData, other: PassageData) -> bool:
    return one.decision is other.decision and one.token == other.token and one.by == other.by
