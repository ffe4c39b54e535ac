"""What is wrong with a gate, by its picture; pure.

A *fault* is what somebody has to see to: with one of them the gate is not healthy. A *warning* is
what a technician should know, and what passes by itself or is not urgent.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from msgspec import Struct

from drivers.base import DeviceState
from gateway.clock import TimeQuality
from gateway.health import BoxHealth, DeviceHealth, Health, JournalHealth, LinkHealth

DEVICE_PATIENCE_S: Final = 60.0
"""A device may be gone so long, as when it is plugged into another socket."""
LINK_PATIENCE_S: Final = 900.0
"""The link may be gone so long: at a gate it comes and goes, and nothing is lost by it."""
BACKLOG_PATIENCE_S: Final = 900.0
"""With the link up, nothing should wait longer than that: a day's backlog goes out in a minute."""
LEAST_LEFT_BYTES: Final = 200_000_000
"""Of the disk; with 8 MB left the journal raises an alarm, and begins to give up what is old."""
HOT_CELSIUS: Final = 80.0
"""Boards slow their processor down from here on; the Raspberry Pi's firmware does at 80."""
TOO_HOT_CELSIUS: Final = 90.0
WORN_PERCENT: Final = 80
WORN_OUT_PERCENT: Final = 100
LEAST_MEMORY: Final = 0.05


class Level(StrEnum):
    """How bad it is."""

    FAULT = "fault"
    WARNING = "warning"


class Finding(Struct, frozen=True, omit_defaults=True):
    """`code` has its sentence in words.json, `subject` is a device, and `detail` what was found."""

    level: Level
    code: str
    subject: str | None = None
    detail: str | None = None


def findings(seen: Health) -> list[Finding]:
    """All of it, faults first."""
    uptime_s = seen.process.started.age_s if seen.process.started else 0.0
    found = [
        *_journal(seen.journal, online=seen.link.online),
        *_link(seen.link),
        *(each for item in seen.devices.items() for each in _device(*item, uptime_s)),
        *_box(seen.box),
    ]
    if seen.clock.quality is TimeQuality.UNSYNC:
        found.append(_warning("clock-wrong"))
    return sorted(found, key=lambda each: each.level is not Level.FAULT)


def healthy(found: list[Finding]) -> bool:
    """Whether nobody needs to see to this gate."""
    return not any(each.level is Level.FAULT for each in found)


def _journal(journal: JournalHealth, *, online: bool) -> Iterator[Finding]:
    if journal.failing:
        yield _fault("journal-failing", detail=journal.failing)
    if journal.lost or journal.damaged:
        yield _warning("events-lost", detail=str(journal.lost + journal.damaged))
    if journal.left_bytes is not None and journal.left_bytes < LEAST_LEFT_BYTES:
        yield _fault("disk-full", detail=f"{journal.left_bytes / 1e6:.0f} MB")
    oldest = journal.oldest_waiting
    if online and oldest and oldest.age_s > BACKLOG_PATIENCE_S:
        yield _fault("backlog-stuck", detail=f"{oldest.age_s / 60:.0f} min")


def _link(link: LinkHealth) -> Iterator[Finding]:
    for name, reason in link.alarms.items():
        yield _fault(name, detail=reason)
    if not link.online:
        long = link.since is not None and link.since.age_s > LINK_PATIENCE_S
        yield Finding(_level(fault=long), "link-down", None, link.reason)


def _device(name: str, device: DeviceHealth, uptime_s: float) -> Iterator[Finding]:
    match device.state:
        case None:
            if uptime_s > DEVICE_PATIENCE_S:
                yield _fault("device-silent", name)
        case DeviceState.LOST:
            long = device.since is not None and device.since.age_s > DEVICE_PATIENCE_S
            yield Finding(_level(fault=long), "device-lost", name, device.reason)
        case DeviceState.DEGRADED:
            yield _warning("device-degraded", name, device.reason)


def _box(box: BoxHealth) -> Iterator[Finding]:
    if box.celsius is not None and box.celsius >= HOT_CELSIUS:
        level = _level(fault=box.celsius >= TOO_HOT_CELSIUS)
        yield Finding(level, "box-hot", None, f"{box.celsius:.0f} °C")
    if box.undervoltage:
        yield _fault("undervoltage")
    elif box.undervoltage_since_boot:
        yield _warning("undervoltage-before")
    if box.disk_worn_percent is not None and box.disk_worn_percent >= WORN_PERCENT:
        level = _level(fault=box.disk_worn_percent >= WORN_OUT_PERCENT)
        yield Finding(level, "disk-worn", None, f"{box.disk_worn_percent} %")
    if box.memory_bytes and box.memory_available_bytes is not None:
        share = box.memory_available_bytes / box.memory_bytes
        if share < LEAST_MEMORY:
            yield _warning("memory-short", detail=f"{share:.0%}")


def _level(*, fault: bool) -> Level:
    return Level.FAULT if fault else Level.WARNING


def _fault(code: str, subject: str | None = None, detail: str | None = None) -> Finding:
    return Finding(Level.FAULT, code, subject, detail)


def _warning(code: str, subject: str | None = None, detail: str | None = None) -> Finding:
    return Finding(Level.WARNING, code, subject, detail)
