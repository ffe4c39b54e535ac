"""The life of alarms: raised once, reminded of, acknowledged, cleared; also across restarts."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct, field

from gateway.checkpoint.machine import Outcome, Recorded
from gateway.checkpoint.timers import NEVER, ns, until, when
from gateway.clock import Stamp
from gateway.events import AlarmData, AlarmState, CommandData, Draft, Kind

_ACKNOWLEDGE = "acknowledge-alarm"
_DONE = 200
_MOST_FOREIGN = 64
_MOST_OVER = 256


class Trouble(StrEnum):
    """What the gate itself raises alarms about; in ONVIF's words as far as it has them."""

    DOOR_FORCED = "door-forced"
    DOOR_HELD_OPEN = "door-held-open"
    DOOR_UNKNOWN = "door-unknown"
    DOOR_FAULT = "door-fault"
    HOME_DOOR_OPENED = "home-door-opened"
    UNPAIRED_ENTRY = "unpaired-entry"
    TAMPER = "tamper"
    BATTERY_LOW = "battery-low"
    POST_UNATTENDED = "post-unattended"


class Standing(Struct):
    """An alarm that has not been cleared."""

    name: str
    subject: str
    correlation: str
    boot: str
    said_ns: int
    """When it was raised, or last reminded of, or the gateway first looked in a later boot."""
    state: AlarmState = AlarmState.RAISED
    reason: str | None = None
    reminder: int = 0
    """How often it has been reminded of."""
    count: int = 1
    """How often what it is about has happened since it was raised."""

    @property
    def own(self) -> bool:
        """Whether it was raised here; others know themselves when theirs are over."""
        return self.name in _OWN


_OWN = frozenset(Trouble)


class AlarmsState(Struct):
    """All that is remembered of alarms."""

    standing: list[Standing] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    """What was cleared of late: its own records may still be on their way back here."""


class Alarms:
    """Keeps the alarms of all other machines, which say when they begin and end.

    Alarms of other parts of the gateway can be acknowledged here, too. They are not reminded of:
    whether such a trouble lasts only they know, and a restart of theirs begins anew.
    Goes last of all machines: what they raise may have to be reminded of in the same breath.
    """

    def __init__(self, remind_every_s: float, state: AlarmsState) -> None:
        self.state = state
        self._every_ns = ns(remind_every_s)
        self._boot = ""
        self._next_ns = 0
        """Nobody has to be reminded before in `_boot`; not looked up at every event."""

    def find(self, name: str, subject: str) -> Standing | None:
        """The gate's own alarm of this name, if it stands."""
        for each in self.state.standing:
            if each.subject == subject and each.name == name and each.own:
                return each
        return None

    def known(self, correlation: str) -> bool:
        """Whether an alarm of this correlation stands, so that it can be acknowledged."""
        return any(each.correlation == correlation for each in self.state.standing)

    def raise_(
        self,
        name: Trouble,
        subject: str,
        at: Stamp,
        cause: str,
        reason: str | None = None,
        *,
        counted: bool = False,
    ) -> list[Draft]:
        """There is trouble since `at`, by the event with the id `cause`; nothing if it stands.

        `counted`: it can happen again while its alarm stands, and that is counted.
        """
        if standing := self.find(name, subject):
            standing.count += counted
            return []
        self._next_ns = 0
        standing = Standing(name, subject, cause, at.boot, at.mono_ns, reason=reason)
        self.state.standing.append(standing)
        return [_draft(standing, at)]

    def clear(
        self, name: Trouble, subject: str, at: Stamp, reason: str | None = None
    ) -> list[Draft]:
        """The trouble is over; nothing if there was none."""
        standing = self.find(name, subject)
        if standing is None:
            return []
        self.state.standing.remove(standing)
        self.state.over = [*self.state.over, _mark(standing.name, standing.correlation)]
        self.state.over = self.state.over[-_MOST_OVER:]
        standing.state, standing.reason, standing.reminder = AlarmState.CLEARED, reason, 0
        return [_draft(standing, at)]

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """See `Machine.take`."""
        match event.data:
            case AlarmData() as data if event.correlation:
                self._next_ns = 0
                self._follow(event, event.correlation, data)
            case CommandData(command=command, status=status) as order:
                if command == _ACKNOWLEDGE and status == _DONE:
                    return list(self._acknowledge(order, event.at))
        return ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """See `Machine.advance`."""
        if now.boot == self._boot and now.mono_ns < self._next_ns:
            return ()
        waiting = self._waiting(now)
        reminders = [each for standing in waiting for each in self._remind(standing, now)]
        times = (each.said_ns + self._every_ns for each in waiting)
        self._boot, self._next_ns = now.boot, min(times, default=NEVER)
        return sorted(reminders, key=lambda each: each.stamp.mono_ns)

    def due(self, now: Stamp) -> float | None:
        """See `Machine.due`."""
        return until((each.said_ns + self._every_ns for each in self._waiting(now)), now)

    def _waiting(self, now: Stamp) -> list[Standing]:
        """Those that somebody is to be reminded of."""
        waiting = [
            each for each in self.state.standing if each.own and each.state is AlarmState.RAISED
        ]
        for each in waiting:
            if each.boot != now.boot:
                each.boot, each.said_ns = now.boot, now.mono_ns
        return waiting

    def _remind(self, standing: Standing, now: Stamp) -> Iterator[Draft]:
        periods = (now.mono_ns - standing.said_ns) // self._every_ns
        if periods > 0:
            # One for all that time if nobody asked for so long: the gateway was not at work.
            standing.said_ns += periods * self._every_ns
            standing.reminder += 1
            yield _draft(standing, when(standing.said_ns, now))

    def _acknowledge(self, order: CommandData, at: Stamp) -> Iterator[Draft]:
        for each in self.state.standing:
            if order.target == f"alarm/{each.correlation}" and each.state is AlarmState.RAISED:
                each.state = AlarmState.ACKNOWLEDGED
                yield _draft(each, at, by=order.by)

    def _follow(self, event: Recorded, correlation: str, data: AlarmData) -> None:
        """What is recorded counts, whoever decided it, and in whatever life of this process."""
        if _mark(data.alarm, correlation) in self.state.over:
            return
        standing = _recorded(self.state.standing, event, correlation, data)
        if standing.state is AlarmState.RAISED:
            standing.state = data.state
        if data.state is AlarmState.CLEARED:
            self.state.standing.remove(standing)
        if (data.reminder or 0) > standing.reminder:
            standing.reminder = data.reminder or 0
            standing.boot, standing.said_ns = event.at.boot, event.at.mono_ns


def _recorded(
    alarms: list[Standing], event: Recorded, correlation: str, data: AlarmData
) -> Standing:
    """The alarm that an event is about; one that has not been known is from now on."""
    for each in alarms:
        if (each.name, each.correlation) == (data.alarm, correlation):
            return each
    at = event.at
    standing = Standing(data.alarm, event.subject, correlation, at.boot, at.mono_ns)
    foreign = [each for each in alarms if not each.own]
    if len(foreign) >= _MOST_FOREIGN:
        alarms.remove(foreign[0])
    alarms.append(standing)
    return standing


def _mark(name: str, correlation: str) -> str:
    return f"{name} {correlation}"


def _draft(standing: Standing, at: Stamp, by: str | None = None) -> Draft:
    data = AlarmData(
        alarm=standing.name,
        state=standing.state,
        reason=standing.reason,
        reminder=standing.reminder or None if standing.state is AlarmState.RAISED else None,
        by=by,
        count=standing.count if standing.count > 1 else None,
    )
    return Draft(
        Kind.ALARM, standing.subject, at, data, alarm=True, correlation=standing.correlation
    )
