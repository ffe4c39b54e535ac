"""The Zigbee driver through a real mosquitto, with an emulated Zigbee2MQTT on the other side."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.base import (
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    Reading,
    Release,
    Role,
    TriggerScan,
)
from drivers.emulators.zigbee_bridge import ZigbeeBridge
from drivers.zigbee2mqtt import Config, Driver
from tests.brokers import Mosquitto, mosquitto
from tests.collecting import Collector
from tests.drivers.running import kept_running, running

ONLINE = DeviceObserved(DeviceState.ONLINE)
DOORS = {
    "gate-1": {"role": "gate", "contact": "gate contact", "lock": "gate_lock"},
    "flat-3": {"role": "home", "contact": "flat3"},
}


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with mosquitto(tmp_path) as running_broker:
        yield running_broker


def driver(port: int, **options: object) -> Driver:
    stanza = {"driver": "zigbee2mqtt", "port": port, "doors": DOORS, **options}
    return Driver("zigbee", Config.model_validate(stanza))


def gate(
    position: Position, lock: Lock = Lock.UNKNOWN, *, commanded: Lock | None = None
) -> DoorObserved:
    return DoorObserved("gate-1", Role.GATE, position, lock, commanded=commanded)


def flat(position: Position, battery: float | None = None) -> DoorObserved:
    return DoorObserved("flat-3", Role.HOME, position, battery_percent=battery)


def is_online(reading: Reading) -> bool:
    return reading == ONLINE


def is_degraded(reading: Reading) -> bool:
    return isinstance(reading, DeviceObserved) and reading.state is DeviceState.DEGRADED


class TestConfig:
    @pytest.mark.parametrize(
        ("doors", "complaint"),
        [
            ({"a": {"role": "gate"}}, "contact is missing"),
            ({"a": {"role": "gate", "contact": "x/#"}}, "contact"),
            ({"a": {"role": "gate", "contact": ""}}, "contact"),
            (
                {"a": {"role": "gate", "contact": "x"}, "b": {"role": "home", "lock": "x"}},
                r"doors\.b\.lock is x, as is one of doors\.a",
            ),
            ({}, "at least 1 item"),
        ],
    )
    def test_mistakes_are_named(self, doors: object, complaint: str) -> None:
        with pytest.raises(ValidationError, match=complaint):
            driver(1883, doors=doors)


@pytest.mark.parametrize("last_seen", ["ISO_8601", "ISO_8601_local", "epoch"])
@pytest.mark.parametrize("plain", [False, True])
async def test_doors_are_told_and_every_change_once(
    broker: Mosquitto, last_seen: str, plain: bool
) -> None:
    readings = Collector()
    bridge = ZigbeeBridge(broker.port, last_seen=last_seen, plain=plain)
    async with bridge, running(driver(broker.port), readings):
        await readings.wait_for(is_online)
        await bridge.report("gate contact", contact=True)
        await bridge.report("gate_lock", state="LOCK", lock_state="locked")
        await bridge.report("gate contact", voltage=3015)
        await bridge.report("gate contact", contact=False)
        await bridge.report("flat3", contact=True, battery=97)
        await readings.wait_for(lambda each: each == flat(Position.CLOSED, 97))

    assert readings.matching(DoorObserved) == [
        gate(Position.UNKNOWN),
        flat(Position.UNKNOWN),
        gate(Position.CLOSED),
        gate(Position.CLOSED, Lock.LOCKED),
        gate(Position.OPEN, Lock.LOCKED),
        flat(Position.CLOSED, 97),
    ]


async def test_without_last_seen_nothing_is_known(broker: Mosquitto) -> None:
    readings = Collector()
    bridge = ZigbeeBridge(broker.port, last_seen="disable")
    async with bridge, running(driver(broker.port), readings):
        await readings.wait_for(is_online)
        await bridge.report("flat3", contact=True)
        degraded = await readings.wait_for(is_degraded)

    assert isinstance(degraded, DeviceObserved)
    assert "advanced: last_seen" in str(degraded.reason)
    assert flat(Position.CLOSED) not in readings.readings


async def test_an_old_report_is_as_old_as_it_is(broker: Mosquitto) -> None:
    readings = Collector()
    async with ZigbeeBridge(broker.port) as bridge, running(driver(broker.port), readings):
        await readings.wait_for(is_online)
        await bridge.report("flat3", contact=True, age_s=600)
        await readings.wait_for(lambda each: each == flat(Position.CLOSED))
        age_s = readings.ages_s[readings.readings.index(flat(Position.CLOSED))]
        await bridge.report("flat3", contact=True, age_s=7201)
        await readings.wait_for(lambda each: each == flat(Position.UNKNOWN), after=5)

    assert 600 <= age_s < 620


async def test_what_is_not_heard_of_any_more_grows_stale(broker: Mosquitto) -> None:
    readings = Collector()
    reader = driver(broker.port, stale_s=60)
    async with ZigbeeBridge(broker.port) as bridge, running(reader, readings):
        await readings.wait_for(is_online)
        await bridge.report("flat3", contact=True, age_s=58)
        await readings.wait_for(lambda each: each == flat(Position.CLOSED))
        await readings.wait_for(lambda each: each == flat(Position.UNKNOWN), after=4)


async def test_a_device_out_of_reach_is_unknown(broker: Mosquitto) -> None:
    readings = Collector()
    async with ZigbeeBridge(broker.port) as bridge, running(driver(broker.port), readings):
        await readings.wait_for(is_online)
        await bridge.state("online", "flat3")
        await bridge.report("flat3", contact=True)
        await readings.wait_for(lambda each: each == flat(Position.CLOSED))
        seen = len(readings.readings)
        await bridge.state("offline", "flat3")
        await readings.wait_for(lambda each: each == flat(Position.UNKNOWN), after=seen)


async def test_a_stopped_bridge_makes_every_door_unknown(broker: Mosquitto) -> None:
    readings = Collector()
    async with kept_running(driver(broker.port), readings) as errors:
        for _ in range(3):
            seen = len(readings.readings)
            async with ZigbeeBridge(broker.port) as bridge:
                await readings.wait_for(is_online, after=seen)
                await bridge.report("flat3", contact=True)
                await readings.wait_for(lambda each: each == flat(Position.CLOSED), after=seen)
            await readings.wait_for(lambda each: each == flat(Position.UNKNOWN), after=seen + 1)

    assert "Zigbee2MQTT is stopped" in {str(each) for each in errors}


async def test_the_broker_comes_and_goes(broker: Mosquitto) -> None:
    readings = Collector()
    async with kept_running(driver(broker.port), readings) as errors:
        for _ in range(5):
            seen = len(readings.readings)
            async with ZigbeeBridge(broker.port) as bridge:
                await readings.wait_for(is_online, after=seen)
                await bridge.report("flat3", contact=True)
                await readings.wait_for(lambda each: each == flat(Position.CLOSED), after=seen)
            await broker.kill()
            await readings.wait_for(lambda each: each == flat(Position.UNKNOWN), after=seen + 1)
            await broker.start()

    assert errors


async def test_hostile_payloads(broker: Mosquitto) -> None:
    readings = Collector()
    async with ZigbeeBridge(broker.port) as bridge, running(driver(broker.port), readings):
        await readings.wait_for(is_online)
        for payload in (b"", b"\xff", b"[" * 100_000, b'{"contact":"' + b"x" * 1_000_000, b"null"):
            await bridge.send("flat3", payload)
        await bridge.report("flat3", contact=False)
        await readings.wait_for(lambda each: each == flat(Position.OPEN))


async def test_a_report_that_cannot_be_read_ends_what_was_known(broker: Mosquitto) -> None:
    readings = Collector()
    async with ZigbeeBridge(broker.port) as bridge, running(driver(broker.port), readings):
        await readings.wait_for(is_online)
        await bridge.report("flat3", contact=True)
        await readings.wait_for(lambda each: each == flat(Position.CLOSED))
        known = len(readings.readings)
        await bridge.send("flat3", b'{"contact":false,"battery":300}')
        await readings.wait_for(
            lambda each: each == flat(Position.UNKNOWN) and each in readings.readings[known:]
        )


class TestTold:
    async def test_a_lock_is_opened_and_says_so(self, broker: Mosquitto) -> None:
        readings = Collector()
        reader = driver(broker.port)
        async with ZigbeeBridge(broker.port) as bridge, running(reader, readings):
            await bridge.report("gate_lock", state="LOCK", lock_state="locked")
            await readings.wait_for(lambda each: each == gate(Position.UNKNOWN, Lock.LOCKED))
            await reader.execute(Release("gate-1"))
            await readings.wait_for(
                lambda each: each == gate(Position.UNKNOWN, Lock.UNLOCKED, commanded=Lock.UNLOCKED)
            )

        assert ("gate_lock/set", '{"state":"UNLOCK"}') in bridge.commands
        assert not any('"LOCK"' in told for _, told in bridge.commands)

    async def test_a_jammed_lock_is_no_success(self, broker: Mosquitto) -> None:
        readings = Collector()
        reader = driver(broker.port, answer_s=1)
        async with ZigbeeBridge(broker.port) as bridge, running(reader, readings):
            bridge.jammed = True
            await readings.wait_for(is_online)
            with pytest.raises(CommandError, match="gate_lock does not say that it is unlocked"):
                await reader.execute(Release("gate-1"))

    async def test_a_home_door_is_never_released(self) -> None:
        reader = driver(9, doors={"flat-3": {"role": "home", "lock": "flat_lock"}})
        with pytest.raises(CommandError, match="only ever watched"):
            await reader.execute(Release("flat-3"))

    async def test_what_cannot_be_done_is_said(self, broker: Mosquitto) -> None:
        reader = driver(broker.port)
        with pytest.raises(CommandError, match="is not connected"):
            await reader.execute(Release("gate-1"))
        with pytest.raises(CommandError, match="cannot do Release"):
            await reader.execute(Release("flat-3"))
        with pytest.raises(CommandError, match="cannot do TriggerScan"):
            await reader.execute(TriggerScan())


class TestLost:
    async def test_nobody_there(self, broker: Mosquitto) -> None:
        await broker.kill()
        with pytest.raises(DeviceError, match=f"the broker 127.0.0.1:{broker.port}: "):
            await driver(broker.port).run(Collector())

    async def test_a_broker_that_wants_a_password(self, tmp_path: Path) -> None:
        readings = Collector()
        async with mosquitto(tmp_path, "allow_anonymous false") as broker:
            with pytest.raises(DeviceError, match=r"[Nn]ot authori"):
                await driver(broker.port).run(readings)

        assert readings.readings == []

    async def test_a_missing_password_file(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match="none cannot be read"):
            await driver(1, username="a", password_file=tmp_path / "none").run(Collector())
