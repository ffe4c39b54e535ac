"""ISAPI's alerts and door states: what is understood, and what is taken for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Lock, Position
from drivers.hikvision.isapi import Access, Alert, WorkStatus

JSON = b"""{
    "ipAddress": "192.168.1.64", "dateTime": "2026-03-17T22:12:03+08:00",
    "activePostCount": 1, "eventType": "AccessControllerEvent", "eventState": "active",
    "AccessControllerEvent": {
        "deviceName": "door", "majorEventType": 5, "subEventType": 75, "name": "somebody",
        "cardReaderNo": 1, "employeeNoString": "4366", "serialNo": 123, "currentEvent": true,
        "mask": "no", "thermometryUnit": "celsius", "currTemperature": 36.5,
        "isAbnomalTemperature": false, "RegionCoordinates": {"positionX": 383, "positionY": 518}
    }
}"""
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
  <dateTime>2026-03-17T22:12:03+08:00</dateTime>
  <eventType>AccessControllerEvent</eventType>
  <AccessControllerEvent>
    <majorEventType>5</majorEventType><subEventType>25</subEventType>
    <serialNo>124</serialNo><currentEvent>false</currentEvent><doorNo>1</doorNo>
  </AccessControllerEvent>
</EventNotificationAlert>"""


def access(**told: object) -> Access:
    return Access.model_validate({"majorEventType": 5, "subEventType": 1, **told})


def test_json_bare_and_wrapped() -> None:
    alert = Alert.read(JSON)
    assert alert is not None
    assert alert.access is not None
    assert (alert.access.serial, alert.access.current) == (123, True)
    assert alert.access.celsius == 36.5
    assert Alert.read(b'{"EventNotificationAlert": %b}' % JSON) == alert


def test_xml() -> None:
    alert = Alert.read(XML)
    assert alert is not None
    assert alert.access is not None
    assert (alert.access.serial, alert.access.current) == (124, False)
    assert alert.access.position is Position.OPEN


def test_a_sign_of_life_is_no_event() -> None:
    alive = Alert.read(b'{"eventType": "heartBeat", "eventState": "active"}')
    assert alive is not None
    assert alive.access is None


@pytest.mark.parametrize(
    ("major", "minor", "position", "lock", "tamper"),
    [
        (5, 0x15, None, Lock.UNLOCKED, None),
        (5, 0x16, None, Lock.LOCKED, None),
        (5, 0x19, Position.OPEN, None, None),
        (5, 0x1A, Position.CLOSED, None, None),
        (5, 0x1B, Position.OPEN, None, None),
        (5, 0x1C, Position.OPEN, None, None),
        (5, 0x4B, None, None, None),
        (1, 0x404, None, None, True),
        (1, 0x405, None, None, False),
        (3, 0x404, None, None, None),
        (2, 0x19, None, None, None),
    ],
)
def test_what_the_numbers_mean(
    major: int, minor: int, position: Position | None, lock: Lock | None, tamper: bool | None
) -> None:
    event = access(majorEventType=major, subEventType=minor)
    assert (event.position, event.lock, event.tamper) == (position, lock, tamper)


@pytest.mark.parametrize(
    ("told", "celsius"),
    [
        ({"currTemperature": 36.5}, 36.5),
        ({"currTemperature": "36.5", "thermometryUnit": "celsius"}, 36.5),
        ({"currTemperature": 97.7, "thermometryUnit": "fahrenheit"}, 36.5),
        ({"currTemperature": 309.65, "thermometryUnit": "kelvin"}, 36.5),
        ({"currTemperature": 0}, None),
        ({}, None),
    ],
)
def test_temperatures(told: dict[str, object], celsius: float | None) -> None:
    assert access(**told).celsius == celsius


def test_door_states() -> None:
    status = WorkStatus.model_validate_json(
        b'{"AcsWorkStatus": {"doorLockStatus": [0, 1], "magneticStatus": [0, 1, 3]}}'
    )
    assert [status.position(door) for door in (1, 2, 3, 4)] == [
        Position.CLOSED, Position.OPEN, Position.FAULT, Position.UNKNOWN,
    ]  # fmt: skip
    assert [status.lock(door) for door in (1, 2, 3)] == [Lock.LOCKED, Lock.UNLOCKED, Lock.UNKNOWN]
    assert WorkStatus.model_validate({}).position(1) is Position.UNKNOWN


LAUGHS = b"""<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "%b"><!ENTITY c "%b"><!ENTITY d "%b">
<!ENTITY e "%b"><!ENTITY f "%b">]><a><eventType>&f;</eventType></a>""" % tuple(
    b"&%c;" % name * 100 for name in b"abcde"
)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"7", b"{", b"<", b"<a>", b"\xff", b"[" * 100_000, LAUGHS,
        b'{"AccessControllerEvent": 7}',
        b'{"AccessControllerEvent": {"majorEventType": 5}}',
        b'{"AccessControllerEvent": {"majorEventType": 5, "subEventType": 1, "cardNo": 7}}',
        b'{"AccessControllerEvent": {"majorEventType": 5, "subEventType": 1,'
        b' "currTemperature": NaN}}',
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_no_alert(body: bytes) -> None:
    assert Alert.read(body) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_without_complaint(body: bytes) -> None:
    Alert.read(body)


def test_what_somebody_held_up_is_in_no_repr() -> None:
    assert "secret" not in repr(access(cardNo="secret", QRCodeInfo="secret"))
