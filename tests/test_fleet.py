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
from drivers.base import (
    Announce,
    CommandError,
    DeviceConfig,
    DeviceObserved,
    DeviceState,
    DoorObserved,
)
from gateway.clock import Clock
from gateway.config import Config, LaneConfig, Place, UplinkConfig
from gateway.errors import GatewayError
from gateway.events import Observation
from gateway.fleet import Changes, Fleet
from tests.brokers import until

DRIVER = '''
"""A door that is open; `mood` says what becomes of it, and of commands."""

import asyncio

from drivers.base import CommandError, DeviceConfig, DeviceObserved, DeviceState, DoorObserved
from drivers.base import OptionTable, Position, Role
from drivers.base import Driver as BaseDriver


COMMANDS = []


class Door(OptionTable):
    role: Role


class Config(DeviceConfig):
    mood: str = "well"
    doors: dict[str, Door] = {}


class Driver(BaseDriver):
    def __init__(self, name, config):
        self._name, self._mood = name, config.mood
        self.presents = not config.doors
        if self._mood == "broken":
            raise ZeroDivisionError("a bug")

    def lost(self):
        return [DoorObserved(self._name, Role.GATE, Position.UNKNOWN)]

    async def execute(self, command):
        COMMANDS.append((self._name, getattr(command, "door", None) or command.prompt))
        match self._mood:
            case "silent":
                await asyncio.Event().wait()
            case "refusing":
                raise CommandError("the lock is jammed")
            case "buggy":
                raise ZeroDivisionError("a bug")
            case "impatient":
                raise TimeoutError
            case "torn":
                torn = asyncio.get_running_loop().create_future()
                torn.cancel()
                await torn

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


def doors_of(device: str) -> dict[str, dict[str, str]]:
    return {f"gate-{device}": {"role": "gate"}, f"flat-{device}": {"role": "home"}}


def config(direction: str = "entry", /, **moods: str) -> Config:
    lane = LaneConfig.model_validate({"direction": direction})
    made: dict[str, DeviceConfig] = {
        name: registry.load("moody").config.model_validate(
            {"driver": "moody", "lane": "in-1", "mood": mood, "doors": doors_of(name)}
        )
        for name, mood in moods.items()
    }
    place = Place(id="1", district="1", street="1", community="1")
    return Config(
        gateway=place, uplink=UplinkConfig(host="localhost"), lanes={"in-1": lane}, devices=made
    )


@asynccontextmanager
async def at_work(
    first: Config, *, end_s: float = 5.0, confirm_s: float = 5.0
) -> AsyncIterator[tuple[Fleet, asyncio.Queue[Observation]]]:
    seen: asyncio.Queue[Observation] = asyncio.Queue()
    fleet = Fleet(seen.put, Clock(), random.Random(1), end_s=end_s, confirm_s=confirm_s)
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


def commands() -> list[tuple[str, str]]:
    """Which device was told to release which door."""
    told: list[tuple[str, str]] = sys.modules["drivers.moody"].COMMANDS
    return told


async def test_a_door_is_released_by_the_device_that_has_it() -> None:
    async with at_work(config(a="well", b="well")) as (fleet, _):
        await fleet.release("gate-b")
        assert commands() == [("b", "gate-b")]


async def test_a_home_door_and_an_unknown_one_are_never_released() -> None:
    async with at_work(config(a="well", b="well")) as (fleet, _):
        with pytest.raises(CommandError, match="a home door is only ever watched"):
            await fleet.release("flat-a")
        with pytest.raises(CommandError, match="there is no door gate-c"):
            await fleet.release("gate-c")
        assert commands() == []


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("silent", r"a has not confirmed within 0\.2 s"),
        ("refusing", "the lock is jammed"),
        ("buggy", "driver moody of a failed"),
        ("impatient", "driver moody of a failed"),
        ("torn", "a was lost meanwhile"),
    ],
)
async def test_what_becomes_of_a_release_is_said(mood: str, why: str) -> None:
    async with at_work(config(a=mood), confirm_s=0.2) as (fleet, seen):
        await heard(seen, 2)
        with pytest.raises(CommandError, match=why):
            await fleet.release("gate-a")
        assert seen.empty()  # the device goes on


async def test_whoever_releases_can_be_stopped() -> None:
    async with at_work(config(a="silent")) as (fleet, _):
        releasing = asyncio.create_task(fleet.release("gate-a"))
        await until(commands)
        releasing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await releasing


def speaking(**stanzas: str) -> Config:
    """Devices without doors, by their lane and their mood."""
    made: dict[str, DeviceConfig] = {}
    for name, stanza in stanzas.items():
        lane, mood = stanza.split()
        made[name] = registry.load("moody").config.model_validate(
            {"driver": "moody", "lane": None if lane == "gate" else lane, "mood": mood}
        )
    return config().model_copy(update={"devices": config(door="well").devices | made})


@pytest.mark.parametrize(
    ("lane", "told"),
    [("in-1", ["one", "hall"]), ("in-2", ["two", "hall"]), (None, ["one", "two", "hall"])],
)
async def test_a_prompt_goes_to_whatever_can_present_it_in_its_lane(
    lane: str | None, told: list[str]
) -> None:
    devices = speaking(one="in-1 well", two="in-2 well", hall="gate well")
    async with at_work(devices) as (fleet, _):
        assert await fleet.present(Announce("pass", {}, lane)) == {}
        assert commands() == [(name, "pass") for name in told]


async def test_a_device_that_cannot_present_it_keeps_no_other_from_that() -> None:
    devices = speaking(one="in-1 refusing", two="in-1 buggy", three="in-1 well")
    async with at_work(devices) as (fleet, _):
        complaints = await fleet.present(Announce("pass", {}, "in-1"))
        assert ("three", "pass") in commands()
    assert complaints["one"] == "the lock is jammed"
    assert complaints["two"].startswith("driver moody of two failed")
    assert "three" not in complaints
