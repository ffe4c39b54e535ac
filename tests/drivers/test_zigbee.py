"""What Zigbee2MQTT's payloads mean, and how doors grow stale; no broker needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import DoorObserved, Lock, Position, Role
from drivers.zigbee2mqtt.messages import DoorConfig, Doors, Report, word

AT = b'"last_seen":"2026-03-17T22:12:03+00:00"'


@pytest.mark.parametrize(
    ("payload", "position", "battery"),
    [
        (b'{"battery":100,"contact":false,"linkquality":120,"voltage":3015}', Position.OPEN, 100),
        (b'{"contact":true,"battery_low":false,"tamper":false}', Position.CLOSED, None),
        (b'{"linkquality":120}', Position.UNKNOWN, None),
        (b'{"contact":null,"battery":null}', Position.UNKNOWN, None),
    ],
)
def test_contacts(payload: bytes, position: Position, battery: float | None) -> None:
    report = Report.read(payload)
    assert report is not None
    assert (report.position, report.battery) == (position, battery)


@pytest.mark.parametrize(
    ("payload", "lock"),
    [
        (b'{"state":"LOCK","lock_state":"locked"}', Lock.LOCKED),
        (b'{"state":"UNLOCK","lock_state":"unlocked"}', Lock.UNLOCKED),
        (b'{"state":"UNLOCK","lock_state":"not_fully_locked"}', Lock.FAULT),
        (b'{"state":"LOCK"}', Lock.LOCKED),
        (b'{"state":"UNLOCK"}', Lock.UNKNOWN),
        (b'{"state":"UNLOCK","lock_state":"something new"}', Lock.UNKNOWN),
        (b"{}", Lock.UNKNOWN),
    ],
)
def test_locks(payload: bytes, lock: Lock) -> None:
    report = Report.read(payload)
    assert report is not None
    assert report.lock is lock


@pytest.mark.parametrize(
    "seen",
    [
        b'"2026-03-17T22:12:03Z"', b'"2026-03-17T22:12:03.000Z"', b'"2026-03-18T06:12:03+08:00"',
        b"1773785523000",
    ],
)  # fmt: skip
def test_each_format_of_last_seen(seen: bytes) -> None:
    report = Report.read(b'{"contact":true,"last_seen":%b}' % seen)
    assert report is not None
    assert report.last_seen is not None
    assert report.last_seen.timestamp() == 1773785523


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b"online", b'{"contact":"perhaps"}', b'{"battery":255}', b"\xff",
        b'{"battery":NaN}', b'{"last_seen":"yesterday"}', b'{"a":' * 5000,
    ],
)  # fmt: skip
def test_what_is_no_report(payload: bytes) -> None:
    assert Report.read(payload) is None


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"online", "online"),
        (b'{"state":"online"}', "online"),
        (b"offline", "offline"),
        (b'{"state":"offline"}', "offline"),
        (b'{"state":7}', ""),
        (b"[7]", ""),
        (b"", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_both_ways_of_saying_online(payload: bytes, said: str) -> None:
    assert word(payload) == said


@given(st.binary(max_size=100))
def test_any_bytes_are_taken_without_complaint(payload: bytes) -> None:
    Report.read(payload)
    word(payload)


def doors() -> Doors:
    return Doors({"flat": DoorConfig(role=Role.HOME, contact="c", lock="l")}, stale_s=100)


def flat(position: Position, lock: Lock = Lock.UNKNOWN, **more: object) -> DoorObserved:
    return DoorObserved("flat", Role.HOME, position, lock, **more)  # type: ignore[arg-type]


def test_each_device_tells_its_part_of_a_door() -> None:
    known = doors()
    assert known.news(0) == [flat(Position.UNKNOWN)]
    known.report("c", Report(contact=True, tamper=False, battery=90), 1)
    assert known.news(1) == [flat(Position.CLOSED, tamper=False, battery_percent=90)]
    known.report("l", Report(lock_state="locked", tamper=True, battery=40), 2)
    assert known.news(2) == [flat(Position.CLOSED, Lock.LOCKED, tamper=True, battery_percent=40)]
    assert known.news(3) == []


def test_what_is_stale_is_unknown_each_for_itself() -> None:
    known = doors()
    known.report("c", Report(contact=True), 0)
    known.report("l", Report(lock_state="locked"), 50)
    assert known.news(99.9) == [flat(Position.CLOSED, Lock.LOCKED)]
    assert known.news(100) == [flat(Position.UNKNOWN, Lock.LOCKED)]
    assert known.news(150) == [flat(Position.UNKNOWN)]
    known.report("c", Report(contact=True), 20)
    assert known.news(150) == []


def test_what_is_out_of_reach_is_unknown() -> None:
    known = doors()
    known.report("c", Report(contact=True), 0)
    known.report("l", Report(lock_state="locked"), 0)
    known.news(0)
    known.forget("c")
    assert known.news(0) == [flat(Position.UNKNOWN, Lock.LOCKED)]
    known.forget()
    assert known.news(0) == [flat(Position.UNKNOWN)]


@pytest.mark.parametrize("seen", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_a_time_that_is_none_is_no_report(seen: str) -> None:
    assert Report.read(b'{"contact":true,"last_seen":"%b"}' % seen.encode()) is None
