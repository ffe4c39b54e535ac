"""The turnstile: its two frames, and the driver against an emulated one."""

import asyncio
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
    Release,
    Role,
    SwitchOutput,
)
from drivers.emulators.cable import Cable
from drivers.emulators.turnstile import Turnstile
from drivers.turnstile import Config, Driver
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import hot_unplugs, kept_running, running

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

WAYS = {
    "in-1": {"role": "gate", "passes": "left", "release_ms": 300},
    "out-1": {"role": "gate", "passes": "right"},
}


def config(link: Path, **options: object) -> Config:
    stanza = {"driver": "turnstile", "port": link, "poll_s": 0.1, "doors": WAYS}
    return Config.model_validate(stanza | options)


@pytest.mark.parametrize(
    ("doors", "complaint"),
    [
        ({"a": {"role": "home", "passes": "left"}}, "a turnstile stands at a gate"),
        ({"a": {"role": "sealed", "passes": "left"}}, "a turnstile stands at a gate"),
        (
            {"a": {"role": "gate", "passes": "left"}, "b": {"role": "gate", "passes": "left"}},
            "two of them pass to the left",
        ),
        ({}, "at least 1 item"),
    ],
)
def test_mistakes_are_named(link: Path, doors: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        config(link, doors=doors)


def test_says_that_nothing_is_confirmed(link: Path) -> None:
    assert config(link).notices()


@pytest.mark.parametrize(
    ("door", "frame"), [("in-1", "EB 01 40 00 AA"), ("out-1", "EB 01 41 00 AB")]
)
async def test_documented_frames(link: Path, door: str, frame: str) -> None:
    heard = bytearray()
    cable = Cable(link, heard.extend)
    cable.plug()
    readings = Collector()
    driver = Driver("turnstile", config(link))
    try:
        async with running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(Release(door))
            async with asyncio.timeout(10):
                while len(heard) < 5:
                    await asyncio.sleep(0.01)
    finally:
        cable.unplug()
    assert bytes(heard) == bytes.fromhex(frame)


async def test_a_release_frees_one_way_once(link: Path) -> None:
    readings = Collector()
    driver = Driver("turnstile", config(link))
    async with Turnstile(link) as turnstile, running(driver, readings):
        online = await readings.wait_for(DeviceObserved)
        await readings.wait_for(lambda reading: getattr(reading, "door", None) == "out-1")
        seen = len(readings.readings)
        await driver.execute(Release("in-1"))
        await readings.wait_for(
            lambda reading: isinstance(reading, DoorObserved) and reading.commanded is None,
            after=seen,
        )

    assert online == DeviceObserved(
        DeviceState.ONLINE, "it confirms nothing: only its adapter is known to be there"
    )
    assert readings.readings[seen:] == [
        DoorObserved("in-1", Role.GATE, Position.UNKNOWN, commanded=Lock.UNLOCKED),
        DoorObserved("in-1", Role.GATE, Position.UNKNOWN),
    ]
    assert (turnstile.freed, turnstile.others) == (["left"], [])


async def test_nothing_else_can_be_done_with_it(link: Path) -> None:
    readings = Collector()
    driver = Driver("turnstile", config(link))
    async with Turnstile(link) as turnstile, running(driver, readings):
        await readings.wait_for(DoorObserved)
        with pytest.raises(CommandError, match="no output is called in-1"):
            await driver.execute(SwitchOutput("in-1", on=True))
    assert (turnstile.freed, turnstile.others) == ([], [])


@hot_unplugs
async def test_unplugged_and_replugged(link: Path, rounds: int) -> None:
    readings = Collector()
    driver = Driver("turnstile", config(link))
    async with Turnstile(link) as turnstile, kept_running(driver, readings) as errors:
        await readings.wait_for(DeviceObserved)
        descriptors = open_descriptors()
        for _ in range(rounds):
            seen = len(readings.readings)
            turnstile.unplug()
            turnstile.replug()
            await readings.wait_for(DeviceObserved, after=seen)
        assert open_descriptors() == descriptors

    assert all(isinstance(error, DeviceError) for error in errors)
    assert driver.counters.reconnect == rounds
