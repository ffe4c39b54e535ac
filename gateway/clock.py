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
    systemd-timesyncd leaves.
    """
    timex = _Timex(modes=0)
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        return _TIMESYNCD_MARK.exists()
    return not timex.status & _STA_UNSYNC


class Clock:
    """Gives the time with its quality; every source is an argument so that a test can own time."""

    RECHECK_S = 10.0

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
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns
        self._synchronised = synchronised
        self._boot = boot if boot is not None else _BOOT_ID.read_text().strip()
        self._quality = TimeQuality.UNSYNC
        self._recheck_ns = 0

    def now(self) -> Stamp:
        """This moment."""
        mono_ns = self._mono_ns()
        if mono_ns >= self._recheck_ns:
            self._recheck_ns = mono_ns + round(self.RECHECK_S * 1e9)
            self._quality = self._assess()
        return Stamp(self._wall_ns() // 1_000_000, self._quality, self._boot, mono_ns)

    def _assess(self) -> TimeQuality:
        if self._wall_ns() < self.floor_ms * 1_000_000:
            return TimeQuality.UNSYNC
        if self._synchronised():
            return TimeQuality.SYNC
        # Once right, the clock stays usable for a while without its source.
        return TimeQuality.UNSYNC if self._quality is TimeQuality.UNSYNC else TimeQuality.HOLDOVER
