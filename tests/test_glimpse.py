"""What is shown of a reading says nothing about the person behind it."""

import pytest

from drivers.base import (
    CodeScanned,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Position,
    Role,
    Surface,
    TemperatureMeasured,
)
from gateway.clock import Stamp, TimeQuality
from gateway.glimpse import Glimpse, glimpse

STAMP = Stamp(1_700_000_000_000, TimeQuality.SYNC, "boot", 1)
WARM = TemperatureMeasured(38.4, 38.4, Surface.SURFACE, ambient_celsius=21.5, body_celsius=39.1)


def test_of_a_code_only_that_it_came() -> None:
    seen = glimpse(CodeScanned(b"secret", "QR", "camera", 1.0), STAMP)
    assert seen == Glimpse("code", STAMP)
    assert "secret" not in repr(seen)


def test_of_a_temperature_not_the_persons() -> None:
    seen = glimpse(WARM, STAMP)
    assert seen == Glimpse("temperature", STAMP, ambient_celsius=21.5)
    assert "38.4" not in repr(seen)
    assert "39.1" not in repr(seen)


@pytest.mark.parametrize(
    ("role", "shown"),
    [(Role.GATE, Position.OPEN), (Role.SEALED, Position.OPEN), (Role.HOME, None)],
)
def test_of_a_home_not_whether_its_door_is_open(role: Role, shown: Position | None) -> None:
    seen = glimpse(DoorObserved("east", role, Position.OPEN), STAMP)
    assert seen == Glimpse("door", STAMP, door="east", position=shown)


def test_a_devices_own_condition_is_shown_elsewhere() -> None:
    assert glimpse(DeviceObserved(DeviceState.LOST, "unplugged"), STAMP) is None
