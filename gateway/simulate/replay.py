"""A simulated day as the journal would tell it, and what decisions make of it; in milliseconds."""

from collections.abc import Iterator
from datetime import datetime

from drivers.base import (
    CodeScanned,
    DoorObserved,
    Position,
    Quality,
    Reading,
    Role,
    Surface,
    TemperatureMeasured,
)
from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.machine import Deeds, Recorded
from gateway.clock import Stamp, TimeQuality
from gateway.events import Assessor, Draft, Fever, Judged, Observation, Origin, draft, event_id
from gateway.holders.holder import Holder
from gateway.simulate.day import DAY_S, Day
from gateway.simulate.scenes import Deed, Felt, Moved, Shown

_PLAUSIBLE = (34.5, 42.0)
"""As thermometers have it."""
_EPOCH = "simulate"


class Almanac:
    """The times of a simulated day: which boot, which clock, how good."""

    def __init__(self, day: Day, midnight: datetime) -> None:
        self._cuts = day.power_cuts
        self._midnight_ms = round(midnight.timestamp() * 1000)

    def stamp(self, at_s: float) -> Stamp:
        """The moment `at_s` seconds after midnight, as the box knows it."""
        boots = [each for each in self._cuts if each.over_s <= at_s]
        since_s = boots[-1].over_s if boots else 0.0
        unsure = bool(boots) and at_s < boots[-1].sure_s
        wrong_s = boots[-1].wrong_s if unsure else 0.0
        return Stamp(
            self._midnight_ms + round((at_s + wrong_s) * 1000),
            TimeQuality.UNSYNC if unsure else TimeQuality.SYNC,
            f"boot-{len(boots)}",
            round((at_s - since_s + 60) * 1e9),
        )


class Known:
    """Judges codes as a gate would that knows everybody of the day."""

    def __init__(self, holders: dict[bytes, Holder], threshold_celsius: float = 37.3) -> None:
        self._holders = holders
        self._threshold = threshold_celsius

    def code(self, code: CodeScanned, stamp: Stamp) -> Judged:
        """See `Assessor.code`."""
        return self._holders[code.payload].judged()

    def fever(self, measured: TemperatureMeasured) -> tuple[float, Fever] | None:
        """See `Assessor.fever`."""
        if measured.quality is Quality.INVALID:
            return self._threshold, Fever.INVALID
        warm = measured.celsius >= self._threshold
        return self._threshold, Fever.RE_CHECK if warm else Fever.NORMAL


def reading(deed: Deed) -> tuple[Origin, Reading]:
    """What a device observes of it."""
    match deed:
        case Shown(lane, holder):
            origin = Origin(f"scanner-{lane}", "serial_scanner", lane)
            return origin, CodeScanned(holder.name.encode(), "unknown", "scanner")
        case Felt(lane, celsius):
            low, high = _PLAUSIBLE
            sound = low <= celsius <= high
            return Origin(f"thermometer-{lane}", "gy_mcu906", lane), TemperatureMeasured(
                celsius,
                celsius,
                Surface.SURFACE,
                Quality.OK if sound else Quality.INVALID,
                None if sound else "implausible",
            )
        case Moved(door, is_open):
            position = Position.OPEN if is_open else Position.CLOSED
            origin = Origin("doors", "modbus_io", None)
            return origin, DoorObserved(door, Role.GATE, position)


def drafts(day: Day, midnight: datetime) -> Iterator[Draft]:
    """The records of a day's readings, without numbers; every boot begins with the doors."""
    almanac = Almanac(day, midnight)
    holders = {
        deed.holder.name.encode(): deed.holder for _, deed in day.deeds if isinstance(deed, Shown)
    }
    assessor = Known(holders)
    begins = iter([0.0, *(each.over_s for each in day.power_cuts), 2 * DAY_S])
    begin = next(begins)
    for at_s, deed in day.deeds:
        while at_s >= begin:
            for lane in (*day.profile.lanes_in, *day.profile.lanes_out):
                yield _draft(Moved(lane, is_open=False), almanac.stamp(begin), assessor)
            begin = next(begins)
        yield _draft(deed, almanac.stamp(at_s), assessor)


def _draft(deed: Deed, stamp: Stamp, assessor: Assessor) -> Draft:
    origin, observed = reading(deed)
    return draft(Observation(origin, stamp, observed), assessor)


class Replay:
    """Has decisions made of drafts, and records both as a journal would: in order, at once."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.recorded: list[Recorded] = []
        self.done: list[Deeds] = []
        self._checkpoint = checkpoint

    def run(self, readings: Iterator[Draft]) -> None:
        """Until everything is decided, with what becomes due after the last."""
        for each in readings:
            self._advance(each.stamp)
            self._record(each)
            self._settle()
        if self.recorded:
            self._advance(self.recorded[-1].at.earlier(-3600))

    def _advance(self, now: Stamp) -> None:
        """What is due before `now` has its place before what happens then."""
        if self.recorded and self.recorded[-1].at.boot != now.boot:
            return
        self.done += self._checkpoint.advance(now)
        self._settle()

    def _settle(self) -> None:
        pending = self._checkpoint.pending
        while pending:
            self._record(pending.pop(next(iter(pending))))

    def _record(self, event: Draft) -> None:
        seq = len(self.recorded) + 1
        row = Recorded(
            seq,
            event_id(_EPOCH, seq),
            event.kind,
            event.subject,
            event.stamp,
            event.data,
            event.correlation,
        )
        self.recorded.append(row)
        self.done += self._checkpoint.take(row)
