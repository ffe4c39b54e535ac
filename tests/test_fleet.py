"""Devices come, change and go by themselves; one that cannot be made changes nothing."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import drivers
from drivers import registry
from drivers.base import DeviceConfig, DeviceObserved, DeviceState, DoorObserved
from gateway.clock import Clock
from gateway.config import Config, LaneConfig, Place, UplinkConfig
from gateway.errors import GatewayError
from gateway.events import Observation
from gateway.fleet import Changes, Fleet

DRIVER = '''
"""A door that is open; `mood` says what becomes of it."""

import asyncio

from drivers.base import DeviceConfig, DeviceObserved, DeviceState, DoorObserved, Position, Role
from drivers.base import Driver as BaseDriver


class Config(DeviceConfig):
    mood: str = "well"


class Driver(BaseDriver):
    def __init__(self, name, config):
        self._name, self._mood = name, config.mood
        if self._mood == "broken":
            raise ZeroDivisionError("a bug")

    def lost(self):
        return [DoorObserved(self._name, Role.GATE, Position.UNKNOWN)]

    async def run(self, emit):
        await emit(DeviceObserved(DeviceState.ONLINE))
        await emit(DoorObserved(self._name, Role.GATE, Position.OPEN))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self._mood == "slow":
                await asyncio.sleep(0.3)
            raise
'''


@pytest.fixture(autouse=True)
def driver(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "moody.py").write_text(DRIVER)
    drivers.__path__.append(str(tmp_path))
    yield
    drivers.__path__.remove(str(tmp_path))
    del sys.modules["drivers.moody"], drivers.moody  # type: ignore[attr-defined]


def config(direction: str = "entry", /, **moods: str) -> Config:
    lane = LaneConfig.model_validate({"direction": direction})
    made: dict[str, DeviceConfig] = {
        name: registry.load("moody").config.model_validate(
            {"driver": "moody", "lane": "in-1", "mood": mood}
        )
        for name, mood in moods.items()
    }
    place = Place(id="1", district="1", street="1", community="1")
    return Config(
        gateway=place, uplink=UplinkConfig(host="localhost"), lanes={"in-1": lane}, devices=made
    )


@asynccontextmanager
async def at_work(
    first: Config, *, end_s: float = 5.0
) -> AsyncIterator[tuple[Fleet, asyncio.Queue[Observation]]]:
    seen: asyncio.Queue[Observation] = asyncio.Queue()
    fleet = Fleet(seen.put, Clock(), random.Random(1), end_s=end_s)
    await fleet.change(fleet.plan(first))
    running = asyncio.create_task(fleet.run())
    try:
        yield fleet, seen
    finally:
        running.cancel()
        await asyncio.wait([running])


async def heard(seen: asyncio.Queue[Observation], count: int) -> list[tuple[str, str]]:
    """Which device said what."""
    told = []
    async with asyncio.timeout(10):
        for _ in range(count):
            observation = await seen.get()
            match observation.reading:
                case DeviceObserved(state=state):
                    told.append((observation.origin.device, str(state)))
                case DoorObserved(position=position):
                    told.append((observation.origin.device, str(position)))
    return told


async def test_only_what_has_changed_is_started_anew() -> None:
    async with at_work(config(a="well", b="well", c="well")) as (fleet, seen):
        await heard(seen, 6)
        a, b, c = fleet.supervisors
        changes = await fleet.change(fleet.plan(config(d="well", a="well", b="better")))
        assert changes == Changes(added=["d"], restarted=["b"], removed=["c"])
        assert await heard(seen, 7) == [
            ("b", "unknown"),
            ("c", "unknown"),
            ("c", "removed"),
            ("d", "online"),
            ("d", "open"),
            ("b", "online"),
            ("b", "open"),
        ]
        assert fleet.supervisors[1] is a
        assert fleet.supervisors[2] is not b
        assert c not in fleet.supervisors
        told = {each.origin.device: each.condition for each in fleet.supervisors}
        assert told == dict.fromkeys("dab", DeviceObserved(DeviceState.ONLINE))
        assert seen.empty()


async def test_a_lane_is_part_of_its_devices() -> None:
    async with at_work(config("entry", a="well")) as (fleet, seen):
        await heard(seen, 2)
        changes = await fleet.change(fleet.plan(config("exit", a="well")))
        assert changes.restarted == ["a"]


async def test_a_device_that_cannot_be_made_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with at_work(config(a="well")) as (fleet, seen):
        await heard(seen, 2)
        before = list(fleet.supervisors)
        with pytest.raises(
            GatewayError, match=r"\[devices\.b\] cannot be used: driver moody of b fai"
        ):
            fleet.plan(config(b="broken"))
        assert list(fleet.supervisors) == before
        assert seen.empty()
    assert any(record.exc_info for record in caplog.records)


async def test_a_device_that_does_not_let_go_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with at_work(config(a="slow"), end_s=0.1) as (fleet, seen):
        await heard(seen, 2)
        await fleet.change(fleet.plan(config(a="well")))
        assert "a has not let go of its device within 0.1 s" in caplog.messages
        assert await heard(seen, 3) == [("a", "unknown"), ("a", "online"), ("a", "open")]
