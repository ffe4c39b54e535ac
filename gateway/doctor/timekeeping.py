"""Is the clock right, and who keeps it so?"""

from collections.abc import Iterator
from pathlib import Path

from gateway.clock import Clock, TimeQuality, rfc3339
from gateway.findings import Finding, bad, good, note
from gateway.timefloor import TimeFloor

_SUBJECT = "clock"
_KEEPERS = (
    ("systemd-timesyncd", "run/systemd/timesync"),
    ("chrony", "run/chrony"),
    ("ntpd", "run/ntpd.pid"),
    ("ntpd", "run/ntpsec"),
)
"""Who keeps a Debian machine's clock, and what is there while it runs."""
_DROP_IN = (
    "systemctl edit checkpoint-gateway: [Service] ProtectClock=no,"
    " SystemCallFilter=adjtimex clock_adjtime"
)


def examine(
    root: Path, state_dir: Path, clock: Clock | None = None, *, shut_in: bool = False
) -> Iterator[Finding]:
    """The clock, its source, and what it falls back on when the plug has been pulled.

    `shut_in`: the service may not ask the kernel (`ProtectClock=`) and sees timesyncd's mark only.
    """
    floor_ms = TimeFloor(state_dir / "time-floor").load()
    now = (clock or Clock(floor_ms=floor_ms)).now()
    keepers = [name for name, mark in _KEEPERS if (root / mark).exists()]
    says = f"{rfc3339(now.wall_ms)} (UTC)"
    ask = "see timedatectl, and whether the network lets NTP (UDP port 123) through"
    if shut_in and keepers and "systemd-timesyncd" not in keepers:
        found = f"{keepers[0]} keeps it, which the service cannot see: all its times are unsync"
        yield bad(_SUBJECT, found, f"take systemd-timesyncd instead, or {_DROP_IN}")
    elif now.wall_ms < floor_ms:
        found = f"the clock says {says}, but it is later than {rfc3339(floor_ms)}"
        yield bad(_SUBJECT, found, f"set it: {ask}")
    elif now.quality is TimeQuality.SYNC:
        yield good(_SUBJECT, f"right: {says}, kept by {' and '.join(keepers) or 'its time source'}")
    elif keepers:
        found = f"{says}, not confirmed by a time server since the start; {keepers[0]} is running"
        yield bad(_SUBJECT, found, ask)
    else:
        found = f"{says}, and no program keeps it right"
        yield bad(_SUBJECT, found, "install one: apt-get install systemd-timesyncd")
    yield from _battery(root)


def _battery(root: Path) -> Iterator[Finding]:
    if any((root / "sys/class/rtc").glob("rtc*")):
        yield good("clock.battery", "this box has a clock that runs on while it is off")
    else:
        yield note(
            "clock.battery",
            "this box has none: after a power cut its time is unknown until a time server answers;"
            " what was recorded before is corrected then",
        )
