"""What a report counts: under which names an event counts, and what was missing at a passage."""

from collections.abc import Iterator
from functools import lru_cache

from drivers.base import Position
from gateway.checkpoint.machine import Recorded
from gateway.checkpoint.override import OVERRIDE
from gateway.events import (
    AlarmData,
    Check,
    CommandData,
    Data,
    Decision,
    DeviceData,
    DocumentData,
    DoorData,
    DutyData,
    GapData,
    InspectionData,
    Kind,
    PassageData,
    ReportData,
    ScanData,
    TemperatureData,
)

TOLD = ("passage", "alarm", "gap", "inspection.missed", "duty.late")
"""A report with none of these is a zero report."""


def names(event: Recorded, positions: dict[str, Position]) -> list[str]:
    """Everything that `event` counts as; its kind is the first.

    `positions` are the last known ones of doors, and become those after `event`.
    """
    inner = _opened(event.data, positions) if isinstance(event.data, DoorData) else _of(event.data)
    return [event.kind.value, *(_dotted(event.kind, each) for each in inner)]


def missing(data: Data) -> list[str]:
    """What was not there when a passage was decided."""
    if not isinstance(data, PassageData) or data.taken is not None:
        return []
    return [name for name, check in data.checks.items() if check is Check.MISSING]


@lru_cache(maxsize=256)  # to format an enumeration's member takes as long as to look five up
def _dotted(kind: Kind, name: str) -> str:
    return f"{kind}.{name}"


def _opened(data: DoorData, positions: dict[str, Position]) -> Iterator[str]:
    if data.position in (Position.OPEN, Position.CLOSED):
        if data.position is Position.OPEN and positions.get(data.door) is not Position.OPEN:
            yield "opened"
            yield f"opened.{data.door}"
        positions[data.door] = data.position


def _of(data: Data) -> Iterator[str]:
    # Nothing that somebody else worded is a name: there would be no end of them.
    match data:
        case ScanData():
            yield from (f"class.{data.class_}", f"verdict.{data.verdict}")
        case TemperatureData(verdict=verdict) if verdict:
            yield verdict.value
        case PassageData():
            yield from _passed(data)
        case AlarmData():
            yield "reminder" if data.reminder else f"{data.state}.{data.alarm}"
        case DutyData():
            yield data.act.value
        case InspectionData() | DocumentData():
            yield data.state.value
        case ReportData():
            yield data.period.value
        case DeviceData():
            yield data.state.value
        case CommandData():
            yield str(data.status)
        case GapData():
            yield data.why.value


def _passed(data: PassageData) -> Iterator[str]:
    if data.taken is not None:  # the decision itself has been counted
        yield "taken" if data.taken else "not-taken"
        return
    yield from (data.decision.value, data.direction.value, f"class.{data.class_ or 'none'}")
    if data.decision is Decision.DENIED:
        yield f"denied.{data.reason or 'unknown'}"
    if data.by.startswith(OVERRIDE):
        yield "override"
