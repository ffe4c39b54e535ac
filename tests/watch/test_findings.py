"""What is a fault, what a warning, and what is nothing to speak of."""

from typing import Any

import pytest
from pydantic import BaseModel

from drivers.base import DeviceState
from gateway.clock import TimeQuality
from gateway.health import Health
from gateway.watch.findings import Level, findings, healthy
from tests.watch.pictures import CAMERA, TROUBLED, WELL, ago

FAULT, WARNING = Level.FAULT, Level.WARNING


def but(part: str, **changed: Any) -> Health:
    """The gate at which all is well, but for some of one part."""
    whole = getattr(WELL, part)
    assert isinstance(whole, BaseModel)
    return WELL.model_copy(update={part: whole.model_copy(update=changed)})


def with_camera(**changed: Any) -> Health:
    return WELL.model_copy(update={"devices": {"cam": CAMERA.model_copy(update=changed)}})


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert findings(WELL) == []
    assert healthy([])


@pytest.mark.parametrize(
    ("seen", "level", "code"),
    [
        (but("journal", failing="disk I/O error"), FAULT, "journal-failing"),
        (but("journal", lost=1), WARNING, "events-lost"),
        (but("journal", damaged=1), WARNING, "events-lost"),
        (but("journal", left_bytes=199_000_000), FAULT, "disk-full"),
        (but("journal", waiting=1, oldest_waiting=ago(901)), FAULT, "backlog-stuck"),
        (but("link", online=False, since=ago(899)), WARNING, "link-down"),
        (but("link", online=False, since=ago(901)), FAULT, "link-down"),
        (but("link", alarms={"uplink-denied": "why"}), FAULT, "uplink-denied"),
        (but("clock", quality=TimeQuality.UNSYNC), WARNING, "clock-wrong"),
        (but("box", celsius=80.0), WARNING, "box-hot"),
        (but("box", celsius=90.0), FAULT, "box-hot"),
        (but("box", undervoltage=True), FAULT, "undervoltage"),
        (but("box", undervoltage_since_boot=True), WARNING, "undervoltage-before"),
        (but("box", disk_worn_percent=80), WARNING, "disk-worn"),
        (but("box", disk_worn_percent=100), FAULT, "disk-worn"),
        (but("box", memory_available_bytes=90_000_000), WARNING, "memory-short"),
        (with_camera(state=DeviceState.LOST, since=ago(59)), WARNING, "device-lost"),
        (with_camera(state=DeviceState.LOST, since=ago(61)), FAULT, "device-lost"),
        (with_camera(state=DeviceState.DEGRADED, reason="dark"), WARNING, "device-degraded"),
        (with_camera(state=None, since=None), FAULT, "device-silent"),
    ],
)
def test_one_thing_is_wrong(seen: Health, level: Level, code: str) -> None:
    [found] = findings(seen)
    assert (found.level, found.code) == (level, code)
    assert healthy([found]) is (level is WARNING)


@pytest.mark.parametrize(
    "seen",
    [
        but("journal", waiting=1, oldest_waiting=ago(899)),
        but("journal", left_bytes=None, taken_bytes=None),
        but("clock", quality=TimeQuality.HOLDOVER),
        but("box", celsius=79.0),
        with_camera(state=None, since=None).model_copy(
            update={"process": WELL.process.model_copy(update={"started": ago(59)})}
        ),
        WELL.model_copy(update={"box": type(WELL.box)()}),
    ],
)
def test_what_is_nothing_to_speak_of(seen: Health) -> None:
    assert findings(seen) == []


def test_while_offline_nobody_wonders_that_events_wait() -> None:
    seen = but("link", online=False, since=ago(1000))
    long = seen.journal.model_copy(update={"waiting": 9, "oldest_waiting": ago(1000)})
    assert [each.code for each in findings(seen.model_copy(update={"journal": long}))] == [
        "link-down"
    ]


def test_faults_come_first() -> None:
    assert [each.level for each in findings(TROUBLED)] == [FAULT, WARNING, WARNING]
