"""Inspections: made in their time, missed, or unknown, if nobody can tell."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct, field

from gateway.checkpoint.calendar import Hand, at, day_of, right
from gateway.checkpoint.machine import Outcome, Recorded, Say
from gateway.checkpoint.prompts import Prompt
from gateway.checkpoint.timers import NEVER
from gateway.clock import Stamp
from gateway.events import (
    Class,
    Draft,
    InspectionData,
    Kind,
    ScanData,
    SlotState,
    Verdict,
)

_MINUTE_MS = 60_000
_REMEMBERED = 64
"""Slots: those of three days, however many rounds a day somebody thinks of."""


class InspectionSettings(Struct, frozen=True):
    """When inspections are expected, and what makes one."""

    minutes: tuple[int, ...] = (9 * 60, 14 * 60, 22 * 60)
    """Of the local day."""
    early_min: int = 30
    late_min: int = 30
    roles: frozenset[str] = frozenset({"inspector"})
    """Whoever has one of these makes one wherever they show their badge."""
    places: frozenset[str] = frozenset()
    """Devices or lanes where any staff badge makes one."""


class InspectionsState(Struct):
    """All that is remembered of inspections."""

    hand: Hand = field(default_factory=Hand)
    over: list[str] = field(default_factory=list)
    """Slots of which is known what became of them, as `2026-03-18 09:00`."""


class Slot(Struct, frozen=True, order=True):
    """One inspection that is expected; times in milliseconds since 1970."""

    ends_ms: int
    begins_ms: int
    day: str
    time: str

    @property
    def name(self) -> str:
        """What no other slot is called."""
        return f"{self.day} {self.time}"


class Inspections:
    """Says of each slot what became of it."""

    def __init__(self, settings: InspectionSettings, zone: tzinfo, state: InspectionsState) -> None:
        self.state = state
        self._settings = settings
        self._zone = zone
        self._looked_ms = self._next_ms = 0
        """Between these nothing becomes due; not looked up at every event."""

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """See `Machine.take`."""
        match event.data:
            case ScanData() as scan if self._is_inspection(scan) and right(event.at):
                return list(self._made(scan, event))
            case InspectionData() as data:
                self._settle(f"{data.day} {data.slot}")
        return ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """See `Machine.advance`."""
        hand = self.state.hand
        before = hand.move(now)
        if before is None or self._looked_ms <= before <= now.wall_ms < self._next_ms:
            return ()
        self._looked_ms, self._next_ms = now.wall_ms, self._next_end(now.wall_ms)
        over = [each for each in self._slots(now.wall_ms) if before < each.ends_ms <= now.wall_ms]
        return [self._end(each, now) for each in over if each.name not in self.state.over]

    def due(self, now: Stamp) -> float | None:
        """See `Machine.due`."""
        hand = self.state.hand
        after_ms = max(now.wall_ms, hand.reached_ms or 0)
        next_ms = self._next_end(after_ms)
        return None if next_ms == NEVER else hand.until([next_ms], now)

    def _next_end(self, after_ms: int) -> int:
        ends = (each.ends_ms for each in self._slots(after_ms) if each.ends_ms > after_ms)
        return min(ends, default=NEVER)

    def _slots(self, around_ms: int) -> tuple[Slot, ...]:
        """Those of the day before, this day and the next; what is longer ago nobody asks."""
        return _slots(self._settings, day_of(around_ms, self._zone), self._zone)

    def _is_inspection(self, scan: ScanData) -> bool:
        settings = self._settings
        if scan.class_ is not Class.STAFF or scan.verdict is not Verdict.VALID:
            return False
        return scan.role in settings.roles or bool({scan.device, scan.lane} & settings.places)

    def _made(self, scan: ScanData, event: Recorded) -> Iterator[Outcome]:
        for slot in self._slots(event.at.wall_ms):
            if slot.begins_ms <= event.at.wall_ms < slot.ends_ms:
                if slot.name not in self.state.over:
                    place = scan.lane or scan.device
                    yield self._draft(slot, SlotState.DONE, event, place, scan.token)
                    yield Say(Prompt.INSPECTED, event.at, scan.lane)
                return

    def _end(self, slot: Slot, now: Stamp) -> Draft:
        """Missed, if somebody would have noticed an inspection all the time."""
        hand = self.state.hand
        watched = hand.followed(slot.begins_ms)
        self._settle(slot.name)
        data = InspectionData(
            slot=slot.time,
            day=slot.day,
            state=SlotState.MISSED if watched else SlotState.UNKNOWN,
        )
        return Draft(Kind.INSPECTION, "gateway", hand.moment(slot.ends_ms, now), data)

    def _draft(
        self, slot: Slot, state: SlotState, event: Recorded, place: str, token: str
    ) -> Draft:
        self._settle(slot.name)
        data = InspectionData(slot=slot.time, day=slot.day, state=state, post=place, token=token)
        return Draft(Kind.INSPECTION, event.subject, event.at, data, correlation=event.id)

    def _settle(self, name: str) -> None:
        if name not in self.state.over:
            self.state.over = [*self.state.over, name][-_REMEMBERED:]


@lru_cache(maxsize=8)  # asked for each event
def _slots(settings: InspectionSettings, today: date, zone: tzinfo) -> tuple[Slot, ...]:
    """In the order in which they end."""
    days = [today + timedelta(days=each) for each in (-1, 0, 1)]
    return tuple(
        sorted(
            Slot(
                at(day, minute, zone) + settings.late_min * _MINUTE_MS,
                at(day, minute, zone) - settings.early_min * _MINUTE_MS,
                f"{day}",
                f"{minute // 60:02d}:{minute % 60:02d}",
            )
            for day in days
            for minute in settings.minutes
        )
    )
