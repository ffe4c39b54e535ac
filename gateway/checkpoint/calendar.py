"""Times of day, by a clock that may be wrong, be set, or have been off meanwhile.

The calendar is only moved by a clock that is right at that moment: never by one that is `unsync`,
and not by times that were put right later (`corrected`), which tell of the past.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct

from gateway.clock import Stamp, TimeQuality

_RIGHT = (TimeQuality.SYNC, TimeQuality.HOLDOVER)
_STEP_MS = 60_000
"""A step of the clock up to this is none, forth or back."""
_GAP_NS = 20 * 60 * 10**9
"""A gateway at work asks for the time every ten minutes at least."""


class Hand(Struct):
    """How far the calendar has come."""

    reached_ms: int | None = None
    """All times of day up to this have come; milliseconds since 1970."""
    since_ms: int | None = None
    """From then on it has been followed without a break; absent while the clock is not right."""
    boot: str = ""
    mono_ns: int = 0
    ahead_ms: int = 0
    """Wall time less monotonic time."""

    def move(self, now: Stamp) -> int | None:
        """Go on to `now`; what `reached_ms` was, if any time has come since then.

        What comes in one go is one: whoever was off for a week makes up for one day.
        """
        if now.quality is TimeQuality.UNSYNC:
            self.since_ms = None
        if now.quality not in _RIGHT or (now.boot == self.boot and now.mono_ns < self.mono_ns):
            return None
        before, ahead_ms = self.reached_ms, now.wall_ms - now.mono_ns // 1_000_000
        if not self._steady(now, ahead_ms):
            self.since_ms = now.wall_ms
        self.boot, self.mono_ns, self.ahead_ms = now.boot, now.mono_ns, ahead_ms
        if before is not None and before - _STEP_MS <= now.wall_ms <= before:
            return None
        self.reached_ms = now.wall_ms  # also back: else nothing would ever come due again
        return before if before is not None and before < now.wall_ms else None

    def followed(self, wall_ms: int) -> bool:
        """Whether the gateway was at work, with a right clock, from then on until now."""
        return self.since_ms is not None and self.since_ms <= wall_ms

    def moment(self, wall_ms: int, now: Stamp) -> Stamp:
        """The moment at which the clock showed this, if anybody looked; else `now`."""
        return now.earlier((now.wall_ms - wall_ms) / 1000) if self.followed(wall_ms) else now

    def until(self, times_ms: Iterable[int], now: Stamp) -> float | None:
        """Seconds until the first of these times of the wall clock, if that can be told."""
        first = min(times_ms, default=None)
        if first is None or now.quality not in _RIGHT:
            return None
        return max(0.0, (first - now.wall_ms) / 1000)

    def _steady(self, now: Stamp, ahead_ms: int) -> bool:
        return (
            self.since_ms is not None
            and now.boot == self.boot
            and now.mono_ns - self.mono_ns <= _GAP_NS
            and abs(ahead_ms - self.ahead_ms) <= _STEP_MS
        )


def right(now: Stamp) -> bool:
    """Whether times of day can be told."""
    return now.quality in _RIGHT


def day_of(wall_ms: int, zone: tzinfo) -> date:
    """The local day."""
    return datetime.fromtimestamp(wall_ms / 1000, zone).date()


def at(day: date, minute: int, zone: tzinfo) -> int:
    """When a minute of a local day begins, in milliseconds since 1970."""
    begins = datetime.combine(day, time(), zone) + timedelta(minutes=minute)  # by the wall
    return round(begins.timestamp() * 1000)


def next_at(after_ms: int, minute: int, zone: tzinfo) -> int:
    """When this minute of the day begins the next time after `after_ms`."""
    return _next_at(after_ms // 60_000, minute, zone)


@lru_cache(maxsize=256)  # asked for each event, and answered alike for a minute
def _next_at(after_min: int, minute: int, zone: tzinfo) -> int:
    after_ms = after_min * 60_000
    today = day_of(after_ms, zone)
    days = (today + timedelta(days=each) for each in (-1, 0, 1, 2))
    return next(each for each in (at(day, minute, zone) for day in days) if each > after_ms)


def last_at(upto_ms: int, minute: int, zone: tzinfo) -> int:
    """When this minute of the day began the last time, up to `upto_ms`."""
    return _last_at(upto_ms // 60_000, minute, zone)


@lru_cache(maxsize=256)
def _last_at(upto_min: int, minute: int, zone: tzinfo) -> int:
    upto_ms = upto_min * 60_000
    today = day_of(upto_ms, zone)
    days = (today + timedelta(days=each) for each in (1, 0, -1, -2))
    return next(each for each in (at(day, minute, zone) for day in days) if each <= upto_ms)


def minute_of(text: str) -> int:
    """The minute of the day of a time as `09:00`."""
    return int(text[:2]) * 60 + int(text[3:])
