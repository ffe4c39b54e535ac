"""The daily report and that of each shift: made by the clock, also when nothing has happened."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo

from msgspec import Struct, field

from drivers.base import Position
from gateway.checkpoint import tally
from gateway.checkpoint.calendar import Hand, day_of, last_at, next_at
from gateway.checkpoint.ledger import Ledger
from gateway.checkpoint.machine import Outcome, Recorded
from gateway.checkpoint.rota import Rota, Shift
from gateway.clock import Stamp
from gateway.events import Draft, Kind, Period, ReportData

_MINUTES_A_DAY = 24 * 60


class ReportSettings(Struct, frozen=True):
    """When reports are made."""

    minute: int = 0
    """Of the local day, for the daily one."""
    shifts: bool = True


class ReportsState(Struct):
    """All that is remembered for reports."""

    hand: Hand = field(default_factory=Hand)
    ledgers: dict[Period, Ledger] = field(
        default_factory=lambda: {each: Ledger() for each in Period}
    )
    positions: dict[str, Position] = field(default_factory=dict)
    """Of doors, the last known."""


class Reports:
    """Counts all that is recorded and says at its time what that was.

    A report counts every event after the last that the one before it counts, up to the last
    that was recorded when it was made; it counts itself in the next.
    """

    def __init__(
        self, settings: ReportSettings, rota: Rota, zone: tzinfo, state: ReportsState
    ) -> None:
        self.state = state
        self._settings = settings
        self._shifts = rota if settings.shifts else ()
        self._zone = zone
        self._looked_ms = self._next_ms = 0
        """Between these nothing becomes due; not looked up at every event."""

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """See `Machine.take`."""
        names = tally.names(event, self.state.positions)
        missing = tally.missing(event.data)
        if isinstance(event.data, ReportData):
            self.state.ledgers[event.data.period].recorded(event.data, event.at)
        for period in Period:  # shifts too, without a rota: another may come
            self.state.ledgers[period].count(event, names, missing)
        return ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """See `Machine.advance`."""
        before = self.state.hand.move(now)
        if before is None or self._looked_ms <= before <= now.wall_ms < self._next_ms:
            return ()
        self._looked_ms, self._next_ms = now.wall_ms, self._next_at(now.wall_ms)
        due = sorted(each for each in self._last(now.wall_ms) if each[0] > before)
        return [self._report(period, at_ms, name, now) for at_ms, period, name in due]

    def due(self, now: Stamp) -> float | None:
        """See `Machine.due`."""
        hand = self.state.hand
        after_ms = max(now.wall_ms, hand.reached_ms or 0)
        return hand.until([self._next_at(after_ms)], now)

    def _next_at(self, after_ms: int) -> int:
        minutes = [self._settings.minute, *map(_end, self._shifts)]
        return min(next_at(after_ms, each, self._zone) for each in minutes)

    def _last(self, upto_ms: int) -> Iterator[tuple[int, Period, str]]:
        """The last report of each period that is due: since when, and its name.

        It has the name of the day that has ended last, whenever that before it was made: what is
        missing in between is missing.
        """
        at_ms = last_at(upto_ms, self._settings.minute, self._zone)
        yield at_ms, Period.DAY, f"{day_of(at_ms - 1, self._zone)}"
        ends = [(last_at(upto_ms, _end(each), self._zone), each) for each in self._shifts]
        if ends:
            at_ms = max(end_ms for end_ms, _ in ends)
            over = [shift for end_ms, shift in ends if end_ms == at_ms]
            names = "+".join(sorted({each.name for each in over}))
            began = day_of(at_ms - over[0].minutes * 60_000, self._zone)
            yield at_ms, Period.SHIFT, f"{began} {names}"

    def _report(self, period: Period, at_ms: int, name: str, now: Stamp) -> Draft:
        hand = self.state.hand
        at = hand.moment(at_ms, now)
        late_s = None if hand.followed(at_ms) else (now.wall_ms - at_ms) // 1000
        data = self.state.ledgers[period].report(period, name, at, late_s)
        return Draft(Kind.REPORT, "gateway", at, data)


def _end(shift: Shift) -> int:
    return (shift.begins + shift.minutes) % _MINUTES_A_DAY
