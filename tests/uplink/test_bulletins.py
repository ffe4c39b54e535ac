"""What the gateway says beside its events: expiring, retained, in nobody's way."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from drivers.base import DeviceState
from gateway.config import Confirm, Profile, Protocol
from gateway.statements import DeviceReport
from gateway.uplink.bulletins import Standing
from tests.brokers import mosquitto, until
from tests.fakebroker import FakeBroker, Published, fake_broker
from tests.journal.journals import filled, note, opened
from tests.uplink.gate import BASE, configured, listening, uplink_of

HEALTH = f"{BASE}/up/health"
EXPIRES_IN_60_S = b"\x02\x00\x00\x00\x3c"  # MQTT 5, 3.3.2.3.3
DENIED = 0x87


def report(name: str, state: DeviceState, reason: str | None = None) -> DeviceReport:
    return DeviceReport(
        device=name, driver="camera", state=state, reason=reason, since="2026-03-18T06:12:03.000Z"
    )


def health() -> dict[str, Any]:
    return {"gateway": "410102011003007", "journal": {"waiting": 3}}


class Devices:
    """Some devices, whose states a test changes."""

    def __init__(self, *names: str) -> None:
        self.reports = {name: report(name, DeviceState.ONLINE) for name in names}

    def __call__(self) -> dict[str, DeviceReport]:
        return self.reports

    def lose(self, name: str) -> None:
        self.reports[name] = report(name, DeviceState.LOST, "unplugged")


def told(broker: FakeBroker, level: str) -> list[Published]:
    return [each for each in broker.published if f"/up/{level}" in each.topic]


@pytest.mark.parametrize("protocol", Protocol)
async def test_health_expires_and_nobody_acknowledges_it(
    tmp_path: Path, protocol: Protocol
) -> None:
    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, protocol=protocol), health=health),
    ):
        await until(lambda: told(broker, "health"))
        [message] = told(broker, "health")
        epoch = journal.epoch
    assert (message.topic, message.qos, message.retained) == (HEALTH, 0, False)
    assert (EXPIRES_IN_60_S in message.properties) is (protocol is Protocol.V5)
    event = json.loads(message.payload)
    assert event.pop("time")
    assert event.pop("clock") in ("sync", "unsync")
    assert event == {
        "specversion": "1.0",
        "id": f"{epoch}-health-1-1",
        "source": "/gateways/410102011003007",
        "type": "checkpoint.health.v1",
        "data": health(),
    }


async def test_where_health_is_too_large_it_comes_without_the_devices(tmp_path: Path) -> None:
    def large() -> dict[str, Any]:
        return {**health(), "devices": {f"device-{number}": "x" * 100 for number in range(20)}}

    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, message_bytes=1024), health=large),
    ):
        await until(lambda: told(broker, "health"))
        assert json.loads(told(broker, "health")[0].payload)["data"] == {**health(), "devices": {}}


@pytest.mark.parametrize("protocol", Protocol)
async def test_the_last_known_state_waits_for_whoever_comes(
    tmp_path: Path, protocol: Protocol
) -> None:
    devices = Devices("camera", "doors")
    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, protocol=protocol), devices=devices),
    ):
        await until(lambda: len(told(broker, "device/")) == 2)
        assert all((each.retained, each.qos) == (True, 1) for each in told(broker, "device/"))
        devices.lose("doors")
        await until(lambda: len(told(broker, "device/")) == 3)
        lost = told(broker, "device/")[-1]
        assert lost.topic == f"{BASE}/up/device/doors"
        event = json.loads(lost.payload)
        assert (event["subject"], event["type"]) == (
            "device/doors",
            "checkpoint.device-state.v1",
        )
        assert event["data"] == {
            "device": "doors",
            "driver": "camera",
            "state": "lost",
            "reason": "unplugged",
            "since": "2026-03-18T06:12:03.000Z",
        }
        del devices.reports["camera"]
        await until(lambda: len(told(broker, "device/")) == 4)
        gone = told(broker, "device/")[-1]
        assert (gone.topic, gone.payload) == (f"{BASE}/up/device/camera", b"")

        broker.cut()
        await until(lambda: len(told(broker, "device/")) == 5)
        assert told(broker, "device/")[-1].topic.endswith("/doors"), "anew on every connection"


@pytest.mark.parametrize("by_another_connection", [False, True])
async def test_what_goes_without_a_link_is_not_kept_for_ever(
    tmp_path: Path, by_another_connection: bool
) -> None:
    devices = Devices("camera", "doors")
    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port), devices=devices) as uplink,
    ):
        await until(lambda: len(told(broker, "device/")) == 2)
        del devices.reports["camera"]
        if by_another_connection:
            assert uplink.change(configured(broker.port, message_bytes=100_000))
        else:
            broker.cut()
        await until(lambda: len(told(broker, "device/")) == 4)
        doors, camera = told(broker, "device/")[-2:]
        assert doors.topic.endswith("/doors")
        assert (camera.topic, camera.payload) == (f"{BASE}/up/device/camera", b"")
        assert uplink.change(configured(broker.port, message_bytes=200_000))
        await until(lambda: len(told(broker, "device/")) == 5)
        assert told(broker, "device/")[-1].topic.endswith("/doors"), "once is enough"


async def test_where_nothing_is_retained_no_state_is_told(tmp_path: Path) -> None:
    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(
            journal,
            configured(broker.port, profile=Profile.ALIYUN, keepalive_s=30),
            devices=Devices("camera"),
            health=health,
        ),
    ):
        await until(lambda: told(broker, "health"))
        assert told(broker, "device/") == []


@pytest.mark.parametrize("maximum", [1, 2])
async def test_the_window_holds_for_them_too(tmp_path: Path, maximum: int) -> None:
    receive_maximum = bytes([0x21, 0, maximum])  # MQTT 5, 3.2.2.3.3
    async with (
        fake_broker(connack_properties=receive_maximum) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(
            journal, configured(broker.port), devices=Devices(*"abcdef"), health=health
        ) as uplink,
    ):
        await until(lambda: uplink.link.online)
        for number in range(40):
            await journal.append([note(number)])
        await until(lambda: journal.counts().waiting == 0)
        await until(lambda: len(told(broker, "device/")) == 6)
        assert broker.most_unanswered <= maximum


async def test_an_alarm_that_waits_goes_first(tmp_path: Path) -> None:
    """While the broker answers nothing the window is full of alarms, and bulletins keep silent."""
    answers: list[int | None] = [None]
    receive_maximum = bytes([0x21, 0, 1])
    async with (
        fake_broker(
            lambda message: 0 if "/up/state" in message.topic else answers[0],
            connack_properties=receive_maximum,
        ) as broker,
        opened(tmp_path / "journal.db") as journal,
    ):
        await journal.append([note(number, alarm=True) for number in (1, 2)])
        devices = Devices("camera")
        config = configured(broker.port, ack_timeout_s=1)
        async with uplink_of(journal, config, devices=devices, health=health):
            await until(lambda: broker.connections >= 2)
            assert not told(broker, "health")
            assert not told(broker, "device/")
            answers[0] = 0
            await until(lambda: told(broker, "health"))
            first = [each.topic for each in broker.published].index(HEALTH)
            alarms = [each for each in broker.published[:first] if "/up/alarm/" in each.topic]
            assert len({each.payload for each in alarms}) == 2


async def test_a_broker_that_forbids_it_is_asked_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        fake_broker(lambda message: DENIED if "/device/" in message.topic else 0) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port), devices=Devices("a"), health=health),
    ):
        await until(lambda: "the broker takes no up/device: reason 0x87" in caplog.text)
        await filled(journal, 3)
        await until(lambda: journal.counts().waiting == 0)
        assert broker.connections == 1


@pytest.mark.parametrize("forbidden", ["/device/", "/health"])
async def test_a_broker_that_ends_the_link_over_it_still_gets_the_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, forbidden: str
) -> None:
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        broker.drops = lambda message: forbidden in message.topic
        config = configured(broker.port, protocol=Protocol.V311)
        async with uplink_of(journal, config, devices=Devices("a", "b"), health=health) as uplink:
            await until(lambda: "left out for an hour" in caplog.text)
            await filled(journal, 3)
            await until(lambda: journal.counts().waiting == 0)
            assert uplink.set_aside == 0
            assert broker.connections == 3


def test_a_link_that_lasted_was_not_ended_by_a_bulletin(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    standing = Standing()
    for now in (0.0, 100.0):
        standing.sent(now)
        assert not standing.link_ended(now + 3)
    standing.sent(200.0)
    assert standing.link_ended(201.0)
    assert standing.allows(201.0), "once may be chance"
    standing.sent(202.0)
    assert standing.link_ended(202.5)
    assert not standing.allows(3802.0)
    assert standing.allows(3803.0)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("confirm", Confirm)
async def test_the_reference_centre_takes_them_for_no_events(
    tmp_path: Path, confirm: Confirm
) -> None:
    devices = Devices("camera")
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, confirm=confirm) as there,
        uplink_of(
            journal, configured(broker.port, confirm=confirm), devices=devices, health=health
        ) as uplink,
    ):
        await until(lambda: uplink.link.online)
        devices.reports.clear()
        await filled(journal, 5)
        assert await there.received(5) == dict.fromkeys(range(1, 6), 1)
        await until(lambda: journal.counts().waiting == 0)
        assert there.centre.rejected == 0
