"""Moments as decisions need them: later by so much, and as the local calendar has them."""

from datetime import datetime, tzinfo
from functools import lru_cache

from gateway.clock import Stamp, TimeQuality

MINUTES_A_DAY = 1440


def later(stamp: Stamp, seconds: float) -> Stamp:
    """The moment `seconds` after `stamp`."""
    return stamp.earlier(-seconds)


def sure(stamp: Stamp) -> bool:
    """Whether its wall time can be relied on."""
    return stamp.quality is not TimeQuality.UNSYNC


def local(wall_ms: int, zone: tzinfo) -> tuple[int, int]:
    """The local day, numbered, and the minute within it."""
    return _local(wall_ms // 60_000, zone)


@lru_cache(maxsize=64)  # at a busy gate many events are of one minute
def _local(wall_min: int, zone: tzinfo) -> tuple[int, int]:
    there = datetime.fromtimestamp(wall_min * 60, zone)
    return there.toordinal(), there.hour * 60 + there.minute
