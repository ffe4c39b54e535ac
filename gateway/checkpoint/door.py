"""One door: what it is for, what is remembered of it, and when it may be open."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field

from drivers.base import Lock, Position, Role
from gateway.checkpoint.alarms import Trouble
from gateway.checkpoint.timers import ns
from gateway.clock import Stamp, TimeQuality
from gateway.events import CommandData, DoorData

_MOST_WINDOWS = 32
_RECOVERED_PERCENT = 5.0
"""A battery in the cold comes and goes by a few percent."""


class DoorFacts(Struct, frozen=True):
    """What is known of a door beforehand."""

    role: Role
    lanes: Mapping[str, float] = field(default_factory=dict)
    """The lanes that lead through it, and for how many seconds a grant is good in each."""
    strike: bool = False
    """Something keeps it shut until it is released; without it a gate is a free passage."""
    contact: bool = True
    """Its position can be known."""
    egress: bool = False
    """Whoever wants to leave opens it by handle or button, and that is as it should be."""


class DoorSettings(Struct, frozen=True):
    """How long what may last at a door, and what is told of it."""

    open_within_s: float = 10.0
    """After a release from afar it may be opened for so long."""
    held_open_s: float = 60.0
    unknown_after_s: float = 60.0
    battery_low_percent: float = 15.0
    until_acknowledged: bool = True
    """An opening that should not have been stays an alarm until somebody has acknowledged it, also
    when the door is shut again."""


class Window(Struct, frozen=True):
    """A time for which a home door may be opened: a nurse, a delivery."""

    from_ms: int
    until_ms: int


class DoorMemory(Struct):
    """All that is remembered of a door."""

    position: Position = Position.UNKNOWN
    known: Position | None = None
    """The last that was not unknown."""
    since_ns: int = 0
    """When `position` became what it is, or this boot began."""
    cause: str = ""
    """The id of the event that told so."""
    grants: list[int] = field(default_factory=list)
    """Until when it may be opened, for each grant that nobody has used yet."""
    granted_ns: int | None = None
    """It was opened in a window that ends then."""
    windows: list[Window] = field(default_factory=list)

    def begin(self, now: Stamp) -> None:
        """Another boot: nobody knows what has become of the door, and no grant is good any more."""
        self.position, self.since_ns, self.grants, self.granted_ns = (
            Position.UNKNOWN,
            now.mono_ns,
            [],
            None,
        )

    def grant(self, at: Stamp, within_s: float) -> None:
        """Somebody may go through."""
        self.grants = [each for each in self.grants if each > at.mono_ns]
        self.grants.append(at.mono_ns + ns(within_s))

    def may_open(self, at: Stamp, *, once: bool) -> bool:
        """Whether there is a grant; `once`: it is used up then."""
        good = [each for each in self.grants if each >= at.mono_ns]
        self.grants = good[1:] if once else good
        return bool(good)

    def allow(self, window: Window, at: Stamp) -> None:
        """It may be opened in `window`; if it is open in another one, that is made longer."""
        open_still = [each for each in self.windows if each.until_ms > at.wall_ms]
        self.windows = [*open_still, window][-_MOST_WINDOWS:]
        if self.granted_ns is not None:
            self.granted_ns = max(self.granted_ns, self.window_ns(at) or 0)

    def window_ns(self, at: Stamp) -> int | None:
        """When the windows end that it is in at `at`; None if it is in none, or nobody can tell."""
        if at.quality is TimeQuality.UNSYNC:
            return None
        end_ms = max(
            (each.until_ms for each in self.windows if each.from_ms <= at.wall_ms < each.until_ms),
            default=None,
        )
        return None if end_ms is None else at.mono_ns + (end_ms - at.wall_ms) * 1_000_000


def running(
    door: DoorMemory, facts: DoorFacts, settings: DoorSettings
) -> tuple[int, Trouble, str] | None:
    """What will be wrong, and when, if nothing moves until then."""
    match door.position:
        case Position.UNKNOWN if facts.contact:
            at_ns = door.since_ns + ns(settings.unknown_after_s)
            return at_ns, Trouble.DOOR_UNKNOWN, "nobody knows whether it is shut"
        case Position.OPEN if facts.role is Role.GATE:
            reason = f"open for more than {settings.held_open_s:g} s"
            return door.since_ns + ns(settings.held_open_s), Trouble.DOOR_HELD_OPEN, reason
        case Position.OPEN if door.granted_ns is not None:
            reason = "open after the time granted for it"
            return door.granted_ns, Trouble.HOME_DOOR_OPENED, reason
        case _:
            return None


def wrongly_opened(
    door: DoorMemory, facts: DoorFacts, at: Stamp, *, found: bool
) -> tuple[Trouble, str | None] | None:
    """What is wrong with this opening, and why; `found`: it was opened while nobody knew."""
    reason = "found open" if found else None
    match facts.role:
        case Role.SEALED:
            return Trouble.DOOR_FORCED, reason
        case Role.HOME:
            door.granted_ns = door.window_ns(at)
            if door.granted_ns is not None:
                return None
            if door.windows and at.quality is TimeQuality.UNSYNC:
                reason = "whether that was granted cannot be told: the clock is not set"
            return Trouble.HOME_DOOR_OPENED, reason
        case Role.GATE:
            granted = door.may_open(at, once=not facts.strike)
            # Whoever went through while nobody looked may have had a grant: nobody is accused.
            if granted or found or facts.egress or not (facts.strike or facts.lanes):
                return None
            return (Trouble.DOOR_FORCED if facts.strike else Trouble.UNPAIRED_ENTRY), reason


def soundness(
    data: DoorData, settings: DoorSettings
) -> Iterator[tuple[Trouble, bool | None, str | None]]:
    """Of each trouble that a door can have in any position: whether it is there, if that is known,
    and the reason."""
    low = settings.battery_low_percent
    yield Trouble.TAMPER, data.tamper, None
    if data.battery is not None and not low <= data.battery < low + _RECOVERED_PERCENT:
        yield Trouble.BATTERY_LOW, data.battery < low, f"{data.battery:g} % left"
    if data.position is Position.FAULT or data.lock is Lock.FAULT:
        yield Trouble.DOOR_FAULT, True, None
    elif data.position is not Position.UNKNOWN:
        yield Trouble.DOOR_FAULT, False, None


def granted_window(order: CommandData) -> Window | None:
    """The window that a `grant-window` order grants; None of what cannot be understood.

    `from` and `until` are RFC 3339 with an offset.
    """
    begins, ends = (_ms(order.args.get(name)) for name in ("from", "until"))
    return None if begins is None or ends is None else Window(begins, ends)


def _ms(value: str | float | None) -> int | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return round(moment.timestamp() * 1000) if moment and moment.tzinfo else None
