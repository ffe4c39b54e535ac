"""Time and how far it can be trusted.

A gate box has no battery-backed clock: after a power cut it may believe it is 1970. So no time is
kept without its quality, and order is never taken from the wall clock but from the boot id and
the monotonic clock that goes with it.
"""

import ctypes
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_MARK_S = 4 * 2048
"""systemd-timesyncd(8) touches its mark at each synchronisation, every 2048 s at least."""
_STEP_NS = 1_000_000_000
"""The wall clock against the monotonic one since the last look: no source slews it so far."""
_STA_UNSYNC = 0x0040  # <sys/timex.h>: the kernel's clock is not disciplined


class TimeQuality(StrEnum):
    """Where a wall time comes from."""

    SYNC = "sync"
    HOLDOVER = "holdover"
    CORRECTED = "corrected"
    UNSYNC = "unsync"


class Stamp(Struct, frozen=True):
    """A moment: wall time in ms since 1970 (UTC), its quality, and monotonic ns within a boot."""

    wall_ms: int
    quality: TimeQuality
    boot: str
    mono_ns: int

    def earlier(self, seconds: float) -> "Stamp":
        """The moment ``seconds`` before this one."""
        return Stamp(
            self.wall_ms - round(seconds * 1e3),
            self.quality,
            self.boot,
            self.mono_ns - round(seconds * 1e9),
        )


@lru_cache(maxsize=64)  # in a flood many events are of one millisecond
def rfc3339(wall_ms: int) -> str:
    """``wall_ms`` as RFC 3339 in UTC with milliseconds."""
    return f"{_whole_seconds(wall_ms // 1000)}.{wall_ms % 1000:03d}Z"


@lru_cache(maxsize=64)  # strftime was half the cost of encoding an event: 4 of 7 µs
def _whole_seconds(wall_s: int) -> str:
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%dT%H:%M:%S}"


class _Timex(ctypes.Structure):
    """``struct timex`` as far as ``status``; the rest is padding so the kernel can write it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_byte * 256),
    )


def kernel_synchronised() -> bool:
    """Whether the system clock is disciplined by a time source.

    Asks the kernel; where a sandbox forbids that (systemd's ``ProtectClock=``), the mark that
    systemd-timesyncd leaves. Of another time source nothing can be known then.
    """
    timex = _Timex(modes=0)
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        return _mark_is_fresh()
    return not timex.status & _STA_UNSYNC


def _mark_is_fresh() -> bool:
    """By the very clock that is in question: once that has been set by somebody else, it is not."""
    try:
        age_s = time.time() - _TIMESYNCD_MARK.stat().st_mtime
    except OSError:
        return False
    return -_STEP_NS / 1e9 < age_s < _MARK_S


class Clock:
    """Gives the time with its quality; every source is an argument so that a test can own time."""

    RECHECK_S = 10.0
    UNSET_RECHECK_S = 1.0
    """While it is not right: what is recorded meanwhile waits for it."""

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        mono_ns: Callable[[], int] = time.monotonic_ns,
        synchronised: Callable[[], bool] = kernel_synchronised,
        boot: str | None = None,
        floor_ms: int = 0,
    ) -> None:
        self.floor_ms = floor_ms
        """It is later than this, whatever the wall clock says; 0 if nothing is known."""
        self.boot = boot if boot is not None else _BOOT_ID.read_text().strip()
        """Within it monotonic times can be compared."""
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns
        self._synchronised = synchronised
        self._quality = TimeQuality.UNSYNC
        self._recheck_ns = 0
        self._ahead_ns = 0
        self._set_ns: int | None = None

    def now(self) -> Stamp:
        """This moment."""
        mono_ns, wall_ns = self._mono_ns(), self._wall_ns()
        if mono_ns >= self._recheck_ns or abs(wall_ns - mono_ns - self._ahead_ns) > _STEP_NS:
            # Read again: a pause between the two readings looks like a step of the clock.
            mono_ns, wall_ns = self._mono_ns(), self._wall_ns()
            self._look(wall_ns, mono_ns)
        return Stamp(wall_ns // 1_000_000, self._quality, self.boot, mono_ns)

    def contradicts_floor(self) -> bool:
        """Whether its source vouches for a time that cannot be."""
        return self._wall_ns() < self.floor_ms * 1_000_000 and self._synchronised()

    def steady(self, seconds: float) -> bool:
        """Whether it is right, and nobody has been seen to set it for so long.

        For what cannot be undone: even a time source may be wrong, for a while.
        """
        now = self.now()
        if now.quality is TimeQuality.UNSYNC:
            return False
        return self._set_ns is None or now.mono_ns - self._set_ns >= seconds * 1e9

    def _look(self, wall_ns: int, mono_ns: int) -> None:
        ahead_ns = wall_ns - mono_ns
        was_set = self._recheck_ns > 0 and abs(ahead_ns - self._ahead_ns) > _STEP_NS
        if was_set:
            self._set_ns = mono_ns
        self._ahead_ns = ahead_ns
        self._quality = self._assess(wall_ns, was_set=was_set)
        unset = self._quality is TimeQuality.UNSYNC
        wait_s = self.UNSET_RECHECK_S if unset else self.RECHECK_S
        self._recheck_ns = mono_ns + round(wait_s * 1e9)

    def _assess(self, wall_ns: int, *, was_set: bool) -> TimeQuality:
        if wall_ns < self.floor_ms * 1_000_000:
            return TimeQuality.UNSYNC
        if self._synchronised():
            return TimeQuality.SYNC
        # Once right, it stays usable for a while without its source, unless somebody else sets it.
        if was_set or self._quality is TimeQuality.UNSYNC:
            return TimeQuality.UNSYNC
        return TimeQuality.HOLDOVER
