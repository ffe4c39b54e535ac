"""Watched doors: gates, sealed ones and those of homes; nothing here can shut, or open, any."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from drivers.base import Lock, Position, Role
from gateway.checkpoint.alarms import Alarms, Trouble
from gateway.checkpoint.door import (
    DoorFacts,
    DoorMemory,
    DoorSettings,
    granted_window,
    running,
    soundness,
    wrongly_opened,
)
from gateway.checkpoint.machine import Outcome, Recorded, Say
from gateway.checkpoint.prompts import Prompt
from gateway.checkpoint.timers import NEVER, until, when
from gateway.clock import Stamp
from gateway.events import (
    AlarmData,
    AlarmState,
    CommandData,
    Decision,
    DoorData,
    Draft,
    PassageData,
)

_SUBJECT = "door/"
_GOOD = (200, 202)
"""Done, or about to be: a release is recorded first."""
_PROMPTS = {
    Trouble.DOOR_FORCED: Prompt.DOOR_FORCED,
    Trouble.DOOR_HELD_OPEN: Prompt.CLOSE_THE_DOOR,
}
_OPENINGS = (Trouble.DOOR_FORCED, Trouble.HOME_DOOR_OPENED, Trouble.UNPAIRED_ENTRY)


class DoorsState(Struct):
    """All that is remembered of doors."""

    boot: str = ""
    doors: dict[str, DoorMemory] = field(default_factory=dict)

    def be_in(self, at: Stamp, names: Iterable[str]) -> None:
        """Know all these doors, and of none any more how it is if this is another boot."""
        for name in names:
            if name not in self.doors:
                self.doors[name] = DoorMemory(since_ns=at.mono_ns, cause=f"never-{name}")
        if at.boot != self.boot:
            self.boot = at.boot
            for each in self.doors.values():
                each.begin(at)


class Doors:
    """Says what is wrong with a door, and when it is over."""

    def __init__(
        self,
        facts: Mapping[str, DoorFacts],
        settings: DoorSettings,
        alarms: Alarms,
        state: DoorsState,
    ) -> None:
        self.state = state
        self._facts = facts
        self._settings = settings
        self._alarms = alarms
        self._next_ns = 0
        """Nothing is due before, so that not all doors are gone through at every event; 0: look."""

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """See `Machine.take`."""
        match event.data:
            case DoorData() as data if data.door in self._facts:
                outcomes = [*self._soundness(data, event), *self._moved(data, event)]
                found = running(self.state.doors[data.door], self._facts[data.door], self._settings)
                self._next_ns = min(self._next_ns, found[0]) if found else self._next_ns
                return outcomes
            case PassageData(decision=Decision.GRANTED, taken=None) as passage:
                for name, facts in self._facts.items():
                    if passage.lane in facts.lanes:
                        self.state.doors[name].grant(event.at, facts.lanes[passage.lane])
            case CommandData() as order if order.status in _GOOD:
                self._ordered(order, event.at)
            case AlarmData() if event.subject.startswith(_SUBJECT):
                self._next_ns = 0  # it may be over, and come again at once
                return self._settle(event.subject.removeprefix(_SUBJECT), event.at)
        return ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """See `Machine.advance`."""
        if now.boot == self.state.boot and now.mono_ns < self._next_ns:
            return ()
        self.state.be_in(now, self._facts)
        self._next_ns = NEVER
        outcomes: list[Outcome] = list(self._forget(now))
        for at_ns, name, trouble, reason in sorted(self._timers()):
            if at_ns > now.mono_ns:
                self._next_ns = min(self._next_ns, at_ns)
            else:
                door, at = self.state.doors[name], when(at_ns, now)
                outcomes += self._alarms.raise_(trouble, _SUBJECT + name, at, door.cause, reason)
                outcomes += _said(trouble, self._facts[name], at)
        return outcomes

    def due(self, now: Stamp) -> float | None:
        """See `Machine.due`."""
        if now.boot != self.state.boot:
            return 0.0
        return None if self._next_ns == NEVER else until([self._next_ns], now)

    def _timers(self) -> Iterator[tuple[int, str, Trouble, str]]:
        """What will be wrong, and when, if nothing moves until then."""
        for name, facts in self._facts.items():
            found = running(self.state.doors[name], facts, self._settings)
            if found and not self._alarms.find(found[1], _SUBJECT + name):
                at_ns, trouble, reason = found
                yield at_ns, name, trouble, reason

    def _forget(self, now: Stamp) -> Iterator[Draft]:
        """Let go of doors that are no longer configured, and of what was wrong with them."""
        for name in sorted(self.state.doors.keys() - self._facts.keys()):
            del self.state.doors[name]
            for each in Trouble:
                yield from self._alarms.clear(each, _SUBJECT + name, now, "no longer configured")

    def _ordered(self, order: CommandData, at: Stamp) -> None:
        name = (order.target or "").removeprefix(_SUBJECT)
        if name not in self._facts:
            return
        door = self.state.doors[name]
        if order.command == "release":
            door.grant(at, self._settings.open_within_s)
        elif order.command == "grant-window" and (window := granted_window(order)):
            door.allow(window, at)

    def _soundness(self, data: DoorData, event: Recorded) -> Iterator[Draft]:
        for trouble, there, reason in soundness(data, self._settings):
            if there:
                yield from self._alarms.raise_(trouble, event.subject, event.at, event.id, reason)
            elif there is False:
                yield from self._alarms.clear(trouble, event.subject, event.at)

    def _moved(self, data: DoorData, event: Recorded) -> list[Outcome]:
        door, facts, at = self.state.doors[data.door], self._facts[data.door], event.at
        if data.commanded is Lock.UNLOCKED:  # it may move before the release itself is recorded
            door.grant(at, self._settings.open_within_s)
        if data.position is door.position:
            return []
        was, known = door.position, door.known
        door.position, door.since_ns, door.cause = data.position, at.mono_ns, event.id
        if data.position in (Position.OPEN, Position.CLOSED):
            door.known = data.position
        outcomes: list[Outcome] = list(self._settle(data.door, at))
        # A gate or sealed door that is open as it was has not been opened; at a home the window in
        # which it was opened may have gone with the boot.
        if data.position is Position.OPEN and (
            known is not data.position or self._blank(data.door)
        ):
            wrong = wrongly_opened(door, facts, at, found=was is not Position.CLOSED)
            if wrong:
                trouble, reason = wrong
                outcomes += self._alarms.raise_(
                    trouble, event.subject, at, event.id, reason, counted=True
                )
                outcomes += _said(trouble, facts, at)
        return outcomes

    def _blank(self, name: str) -> bool:
        """Whether this is a home door that no alarm stands of."""
        raised = self._alarms.find(Trouble.HOME_DOOR_OPENED, _SUBJECT + name)
        return self._facts[name].role is Role.HOME and not raised

    def _settle(self, name: str, at: Stamp) -> list[Draft]:
        """Clear what is over."""
        over: list[Trouble] = []
        door = self.state.doors.get(name, DoorMemory())
        if door.position is not Position.UNKNOWN:
            over.append(Trouble.DOOR_UNKNOWN)
        if door.position is Position.CLOSED:
            door.granted_ns = None
            over += [Trouble.DOOR_HELD_OPEN, *_OPENINGS]
        return [
            draft
            for each in over
            if each not in _OPENINGS or self._may_end(each, name)
            for draft in self._alarms.clear(each, _SUBJECT + name, at)
        ]

    def _may_end(self, trouble: Trouble, name: str) -> bool:
        if not self._settings.until_acknowledged:
            return True
        standing = self._alarms.find(trouble, _SUBJECT + name)
        return standing is not None and standing.state is AlarmState.ACKNOWLEDGED


def _said(trouble: Trouble, facts: DoorFacts, at: Stamp) -> Iterator[Say]:
    """What is said at the gate; of a home nothing, it is nobody's business there."""
    prompt = _PROMPTS.get(trouble)
    if prompt:
        for lane in facts.lanes or (None,):
            yield Say(prompt, at, lane)
