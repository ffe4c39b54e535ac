"""Who is on post: badges come and go, shifts begin, and no post is left alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo

from msgspec import Struct, field

from gateway.checkpoint.alarms import Alarms, Trouble
from gateway.checkpoint.calendar import Hand, day_of, last_at, next_at, right
from gateway.checkpoint.machine import Outcome, Recorded, Say
from gateway.checkpoint.prompts import Prompt
from gateway.checkpoint.rota import Rota, Shift
from gateway.checkpoint.timers import NEVER, ns, until, when
from gateway.clock import Stamp
from gateway.events import (
    AlarmData,
    Class,
    Draft,
    DutyAct,
    DutyData,
    Kind,
    ScanData,
    Verdict,
)

_SUBJECT = "post/"
_REMEMBERED = 512
"""Shifts; a rota has 200 at most."""


class DutySettings(Struct, frozen=True):
    """What counts at posts, and how long what may last."""

    posts: Mapping[str, str] = field(default_factory=dict)
    """Each post, and the device or lane at which badges are shown for it."""
    unattended_after_s: float = 300.0
    late_after_s: float = 900.0
    same_scan_s: float = 60.0
    """A badge shown again within this is shown once."""
    roles: frozenset[str] = frozenset()
    """Roles that count; none named: all but `other_roles`."""
    other_roles: frozenset[str] = frozenset({"inspector"})


class PostMemory(Struct):
    """All that is remembered of a post."""

    token: str | None = None
    """Whose badge is on post."""
    cause: str = ""
    """The id of the event that left nobody there."""
    alone_ns: int = 0
    """Since when nobody is there, or since this boot began."""
    scanned: str = ""
    """The badge that was shown last, and …"""
    scanned_ns: int | None = None
    """… when, in this boot."""


class DutyState(Struct):
    """All that is remembered of duty."""

    boot: str = ""
    hand: Hand = field(default_factory=Hand)
    posts: dict[str, PostMemory] = field(default_factory=dict)
    judged: list[str] = field(default_factory=list)
    """Shifts of which is known whether they came late."""

    def be_in(self, now: Stamp, names: Iterable[str]) -> None:
        """Know all these posts; whoever was there still is after a power cut."""
        for name in names:
            if name not in self.posts:
                self.posts[name] = PostMemory(cause=f"never-{name}", alone_ns=now.mono_ns)
        if now.boot != self.boot:
            self.boot = now.boot
            for each in self.posts.values():
                each.alone_ns, each.scanned_ns = now.mono_ns, None


class Running(Struct, frozen=True):
    """A shift on one day."""

    shift: Shift
    begins_ms: int
    day: str

    @property
    def ends_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.begins_ms + self.shift.minutes * 60_000

    @property
    def name(self) -> str:
        """What no other is called, and what is said of its being late has in common."""
        return f"late-{self.day}-{self.shift.post}-{self.shift.name}"


Overrides = Callable[[str, str | None], bool]
"""Whether a badge, in the event with this id and in this lane, was shown to let somebody pass."""


def _never(_: str, __: str | None) -> bool:
    return False


class Duty:
    """Says who comes, goes and takes over, who is late, and when nobody is there."""

    def __init__(
        self,
        settings: DutySettings,
        rota: Rota,
        zone: tzinfo,
        alarms: Alarms,
        state: DutyState,
        overrides: Overrides = _never,
    ) -> None:
        self.state = state
        self._settings = settings
        self._rota = rota
        self._zone = zone
        self._alarms = alarms
        self._overrides = overrides
        self._next_ns = 0
        """Nobody has been away for too long before; not looked up at every event. 0: look."""
        self._next_ms = 0
        """No shift begins before, and nobody is late, …"""
        self._since_ms: int | None = None
        """… as long as the calendar has been followed since then."""

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """See `Machine.take`."""
        match event.data:
            case ScanData(class_=Class.STAFF, verdict=Verdict.VALID) as scan:
                if self._overrides(event.id, scan.lane):
                    return ()  # whoever lets somebody else pass neither comes nor goes
                return [
                    outcome
                    for post, place in self._settings.posts.items()
                    if place in (scan.device, scan.lane) and self._belongs(scan, post)
                    for outcome in self._scanned(post, scan, event)
                ]
            case DutyData(act=DutyAct.LATE) if event.correlation:
                self._judge(event.correlation)
            case AlarmData(alarm=Trouble.POST_UNATTENDED):
                self._next_ns = 0  # it may be over, and come again at once
                post = event.subject.removeprefix(_SUBJECT)
                if self.state.posts.get(post, PostMemory()).token:
                    return self._alarms.clear(Trouble.POST_UNATTENDED, event.subject, event.at)
        return ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """See `Machine.advance`."""
        hand = self.state.hand
        hand.move(now)
        if hand.since_ms != self._since_ms:
            self._since_ms, self._next_ms = hand.since_ms, 0
        outcomes: list[Outcome] = []
        if now.boot != self.state.boot or now.mono_ns >= self._next_ns:
            self.state.be_in(now, self._settings.posts)
            outcomes += [*self._forget(now), *self._left_alone(now)]
        if now.wall_ms >= self._next_ms and right(now):
            outcomes += self._come_late(now)
        return outcomes

    def due(self, now: Stamp) -> float | None:
        """See `Machine.due`."""
        if now.boot != self.state.boot:
            return 0.0
        alone = None if self._next_ns == NEVER else until([self._next_ns], now)
        late = self.state.hand.until((due_ms for due_ms, _ in self._beginning(now)), now)
        return min((each for each in (alone, late) if each is not None), default=None)

    def _alone(self) -> Iterator[tuple[int, str]]:
        """Posts with nobody there, and when that becomes an alarm."""
        for post in self._settings.posts:
            memory = self.state.posts[post]
            if memory.token is None and not self._alarms.find(
                Trouble.POST_UNATTENDED, _SUBJECT + post
            ):
                yield memory.alone_ns + ns(self._settings.unattended_after_s), post

    def _left_alone(self, now: Stamp) -> Iterator[Outcome]:
        self._next_ns = NEVER
        reason = f"nobody for {self._settings.unattended_after_s:g} s"
        for at_ns, post in self._alone():
            if at_ns > now.mono_ns:
                self._next_ns = min(self._next_ns, at_ns)
                continue
            at, cause, subject = when(at_ns, now), self.state.posts[post].cause, _SUBJECT + post
            yield from self._alarms.raise_(Trouble.POST_UNATTENDED, subject, at, cause, reason)
            yield Say(Prompt.NOBODY_ON_POST, at)

    def _come_late(self, now: Stamp) -> Iterator[Draft]:
        begins = [next_at(now.wall_ms, each.begins, self._zone) for each in self._rota]
        self._next_ms = min(begins, default=NEVER)
        for due_ms, running in self._beginning(now):
            if due_ms > now.wall_ms:
                self._next_ms = min(self._next_ms, due_ms)
                continue
            self._judge(running.name)
            if self.state.posts[running.shift.post].token not in running.shift.badges:
                yield _late(running, self.state.hand.moment(due_ms, now))

    def _beginning(self, now: Stamp) -> Iterator[tuple[int, Running]]:
        """Shifts that have begun, or will, and when who is not there will be late.

        Whoever comes while the gateway is off cannot show a badge: they get their time after it.
        """
        if self.state.hand.since_ms is None or not right(now):
            return
        for shift in self._rota:
            if shift.post not in self._settings.posts:
                continue
            for begins_ms in (
                last_at(now.wall_ms, shift.begins, self._zone),
                next_at(now.wall_ms, shift.begins, self._zone),
            ):
                running = Running(shift, begins_ms, f"{day_of(begins_ms, self._zone)}")
                from_ms = max(begins_ms, self.state.hand.since_ms)
                due_ms = from_ms + round(self._settings.late_after_s * 1000)
                if due_ms < running.ends_ms and running.name not in self.state.judged:
                    yield due_ms, running

    def _judge(self, name: str) -> None:
        if name not in self.state.judged:
            self.state.judged = [*self.state.judged, name][-_REMEMBERED:]

    def _belongs(self, scan: ScanData, post: str) -> bool:
        """Whether this badge is for this post."""
        badges = [each.badges for each in self._rota if each.post == post]
        if badges:
            return any(scan.token in each for each in badges)
        if self._settings.roles:
            return scan.role in self._settings.roles
        return scan.role not in self._settings.other_roles

    def _scanned(self, post: str, scan: ScanData, event: Recorded) -> Iterator[Outcome]:
        memory, at = self.state.posts[post], event.at
        again = (
            memory.scanned == scan.token
            and memory.scanned_ns is not None
            and at.mono_ns - memory.scanned_ns < ns(self._settings.same_scan_s)
        )
        memory.scanned, memory.scanned_ns = scan.token, at.mono_ns
        if again:
            return
        self._next_ns = 0
        former, leaves = memory.token, memory.token == scan.token
        act = DutyAct.CHECK_OUT if leaves else DutyAct.HAND_OVER if former else DutyAct.CHECK_IN
        memory.token = None if leaves else scan.token
        memory.cause, memory.alone_ns = event.id, at.mono_ns
        data = DutyData(
            post=post,
            act=act,
            token=scan.token,
            former=former if act is DutyAct.HAND_OVER else None,
            shift=_shift_of(self._rota, post, scan.token, at, self._zone),
            role=scan.role,
        )
        yield Draft(Kind.DUTY, _SUBJECT + post, at, data, correlation=event.id)
        yield Say(Prompt.OFF_DUTY if leaves else Prompt.ON_DUTY, at, scan.lane)
        if not leaves:
            yield from self._alarms.clear(Trouble.POST_UNATTENDED, _SUBJECT + post, at)

    def _forget(self, now: Stamp) -> Iterator[Draft]:
        for post in sorted(self.state.posts.keys() - self._settings.posts.keys()):
            del self.state.posts[post]
            yield from self._alarms.clear(
                Trouble.POST_UNATTENDED, _SUBJECT + post, now, "no longer configured"
            )


def _late(running: Running, at: Stamp) -> Draft:
    post = running.shift.post
    data = DutyData(post=post, act=DutyAct.LATE, shift=running.shift.name)
    return Draft(Kind.DUTY, _SUBJECT + post, at, data, correlation=running.name)


def _shift_of(rota: Rota, post: str, token: str, at: Stamp, zone: tzinfo) -> str | None:
    """The shift that somebody comes for; None if there is none, or nobody can tell which."""
    theirs = [each for each in rota if each.post == post and token in each.badges]
    if len(theirs) > 1 and right(at):
        theirs = [
            each
            for each in theirs
            if at.wall_ms < last_at(at.wall_ms, each.begins, zone) + each.minutes * 60_000
        ]
    return theirs[0].name if len(theirs) == 1 else None
