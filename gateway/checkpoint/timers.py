"""What runs out within one boot: when it did, and how long until the next will."""

from collections.abc import Iterable

from gateway.clock import Stamp

NEVER = 1 << 63
"""Later than any time, in milliseconds as in nanoseconds."""


def ns(seconds: float) -> int:
    """Nanoseconds."""
    return round(seconds * 1e9)


def when(mono_ns: int, now: Stamp) -> Stamp:
    """The moment of `now`'s boot at which the monotonic clock showed `mono_ns`."""
    return now.earlier((now.mono_ns - mono_ns) / 1e9)


def until(mono_ns: Iterable[int], now: Stamp) -> float | None:
    """Seconds from `now` until the first of these; 0 if that is over, None if there is none."""
    first = min(mono_ns, default=None)
    return None if first is None else max(0.0, (first - now.mono_ns) / 1e9)
