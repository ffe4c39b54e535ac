"""All lanes of a gate: who may pass, by the policy that is in force."""

from collections.abc import Mapping
from datetime import tzinfo

from msgspec import Struct, field

from gateway.checkpoint.judging import Gate
from gateway.checkpoint.lane import Lane
from gateway.checkpoint.lanestate import LaneState
from gateway.checkpoint.machine import Outcome, Recorded
from gateway.checkpoint.memory import Memory
from gateway.checkpoint.override import OVERRIDE
from gateway.checkpoint.passages import LaneSettings, Passages, PassagesState
from gateway.checkpoint.policy import Policy
from gateway.checkpoint.timers import NEVER
from gateway.clock import Stamp
from gateway.events import DoorData, Draft, PassageData, ScanData, TemperatureData

_BOOTS = 10


class LanesState(Struct):
    """All that the lanes remember."""

    boot: str = ""
    former_boots: list[str] = field(default_factory=list)
    """What was due in one of these is stamped with it, and comes back later."""
    lanes: dict[str, LaneState] = field(default_factory=dict)
    passages: PassagesState = field(default_factory=PassagesState)


class Lanes:
    """A machine; see `gateway.checkpoint.machine`."""

    def __init__(
        self,
        policy: Policy,
        lanes: Mapping[str, LaneSettings],
        zone: tzinfo,
        state: LanesState | None = None,
    ) -> None:
        self.state = state or LanesState()
        memory = self.state.passages.memory
        gates = {name: _gate(each, policy, memory, zone) for name, each in lanes.items()}
        self._passages = Passages(lanes, gates, self.state.passages)
        self._lanes = {
            name: Lane(name, each, gates[name], self._passages, _state(self.state, name))
            for name, each in lanes.items()
        }
        self._next_ns = 0
        """Nothing is due before; looked up again after each change."""

    def take(self, event: Recorded) -> list[Outcome]:
        """What follows from `event`."""
        due = self.advance(event.at)
        data, outcomes = event.data, list[Outcome]()
        if isinstance(data, ScanData):
            if lane := self._lanes.get(data.lane or ""):
                outcomes = lane.scan(event, data)
        elif isinstance(data, TemperatureData):
            if lane := self._lanes.get(data.lane or ""):
                outcomes = lane.measured(event, data)
        elif isinstance(data, PassageData):
            if self._passages.recorded(event, data):
                self._lanes[data.lane].settled(event.correlation or event.id, data, event.at)
        elif isinstance(data, DoorData):
            outcomes = self._ended(self._passages.door(event, data))
        else:
            return due
        self._next_ns = self._soonest()
        return due + outcomes if due else outcomes

    def advance(self, now: Stamp) -> list[Outcome]:
        """What has become due up to `now`, in order."""
        if now.boot != self.state.boot:
            return [] if now.boot in self.state.former_boots else self._new_boot(now)
        if now.mono_ns < self._next_ns:
            return []
        outcomes = self._expire(now.mono_ns)
        self._next_ns = self._soonest()
        return outcomes

    def due(self, now: Stamp) -> float | None:
        """Seconds from `now` until something is due."""
        soonest = self._soonest()
        if soonest == NEVER:
            return None
        return 0.0 if now.boot != self.state.boot else max(0.0, (soonest - now.mono_ns) / 1e9)

    def overrides(self, scan: str, lane: str | None) -> bool:
        """Whether the badge in the event with the id `scan` was shown to let somebody else pass."""
        state = self.state.lanes.get(lane or "")
        if state is None:
            return False
        last, waits = state.last, state.badge
        granted = last and last.correlation == scan and last.data.by.startswith(OVERRIDE)
        return bool(granted or (waits and waits.id == scan))

    def _new_boot(self, now: Stamp) -> list[Outcome]:
        """Every window has ended, and nobody saw who went through meanwhile."""
        self._passages.new_boot()
        outcomes = self._expire(NEVER)
        for lane in self.state.lanes.values():
            lane.forget()
        self.state.former_boots = [*self.state.former_boots, self.state.boot][-_BOOTS:]
        self.state.boot = now.boot
        self._next_ns = self._soonest()
        return outcomes

    def _expire(self, until_ns: int) -> list[Outcome]:
        due = sorted(each for each in self._deadlines() if each[0] <= until_ns)
        outcomes: list[Outcome] = []
        for _, lane, correlation in due:
            if correlation:
                outcomes += self._ended(self._passages.expire(correlation))
            else:
                outcomes += self._lanes[lane].expire()
        return outcomes

    def _ended(self, draft: Draft | None) -> list[Outcome]:
        if draft is None or not isinstance(draft.data, PassageData):
            return []
        lane = self._lanes.get(draft.data.lane)
        if lane:  # it may be no longer configured
            lane.ended(draft.correlation or "", taken=draft.data.taken is True)
        return [draft]

    def _soonest(self) -> int:
        """After every event, so without the lists of `_deadlines`: they take 2 of 5 µs."""
        soonest = NEVER
        for passage in self.state.passages.decided.values():
            if passage.grant and passage.grant.deadline_ns < soonest:
                soonest = passage.grant.deadline_ns
        for lane in self._lanes.values():
            opened = lane.state.open
            if opened and opened.deadline.mono_ns < soonest:
                soonest = opened.deadline.mono_ns
        return soonest

    def _deadlines(self) -> list[tuple[int, str, str]]:
        """Monotonic ns, and whose: a lane's, or that of a grant with this correlation."""
        found = [(ns, "", correlation) for ns, correlation in self._passages.due()]
        for name, lane in self._lanes.items():
            if lane.state.open:
                found.append((lane.state.open.deadline.mono_ns, name, ""))
        return found


def _gate(settings: LaneSettings, policy: Policy, memory: Memory, zone: tzinfo) -> Gate:
    return Gate(settings.direction, settings.subject, policy, memory, zone, settings.asks)


def _state(state: LanesState, lane: str) -> LaneState:
    return state.lanes.setdefault(lane, LaneState())
