"""What every thermometer's driver does, each on a pty with its emulated device behind it."""

import asyncio
from pathlib import Path

import pytest

from drivers.base import (
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    MeasureTemperature,
    Surface,
    TemperatureMeasured,
    TriggerScan,
)
from drivers.emulators.cable import Cable
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.rigs import RIGS, Rig
from tests.drivers.running import hot_unplugs, kept_running, running

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

rigs = pytest.mark.parametrize("rig", RIGS, ids=str)

ONLINE = DeviceObserved(DeviceState.ONLINE)


def is_online(reading: object) -> bool:
    return reading == ONLINE


@rigs
async def test_a_person_is_measured_once(link: Path, rig: Rig) -> None:
    readings = Collector()
    driver = rig.make(link)
    async with rig.emulator(link) as device, running(driver, readings):
        await readings.wait_for(is_online)
        await device.person(36.6, stays_s=1.5)
        await readings.wait_for(TemperatureMeasured)
        await asyncio.sleep(0.4)

    (reading,) = readings.matching(TemperatureMeasured)
    assert isinstance(reading, TemperatureMeasured)
    assert reading.celsius == reading.raw_celsius == pytest.approx(36.6, abs=0.11)
    assert (reading.kind, reading.quality) == (Surface.SURFACE, rig.best)
    assert reading.ambient_celsius == rig.ambient_celsius


@rigs
@hot_unplugs
async def test_unplugged_and_replugged(link: Path, rig: Rig, rounds: int) -> None:
    readings = Collector()
    driver = rig.make(link)
    async with rig.emulator(link) as device, kept_running(driver, readings) as errors:
        await readings.wait_for(is_online)
        descriptors = open_descriptors()
        for _ in range(rounds):
            seen = len(readings.readings)
            device.unplug()
            device.replug()
            await readings.wait_for(is_online, after=seen)
            assert open_descriptors() == descriptors

    assert len(errors) >= rounds
    assert all("is gone" in str(error) for error in errors)


@rigs
async def test_asked_for_a_measurement_it_measures_who_is_there(link: Path, rig: Rig) -> None:
    readings = Collector()
    driver = rig.make(link, measuring={"report": "every", "every_s": 3600})
    async with rig.emulator(link), running(driver, readings):
        await readings.wait_for(TemperatureMeasured)
        await driver.execute(MeasureTemperature())
        assert len(readings.matching(TemperatureMeasured)) == 2
        with pytest.raises(CommandError, match="cannot do TriggerScan"):
            await driver.execute(TriggerScan())


@rigs
async def test_silence_is_no_thermometer(link: Path, rig: Rig) -> None:
    cable = Cable(link, lambda _: None)
    cable.plug()
    readings = Collector()
    with pytest.raises(DeviceError, match=r"no thermometer .*: nothing came|does not answer"):
        await rig.make(link, silence_s=0.5).run(readings)
    cable.unplug()

    assert readings.readings == []


@rigs
async def test_another_device_that_answers_is_no_thermometer(link: Path, rig: Rig) -> None:
    cable = Cable(link, lambda _: cable.send(b"\xe0\x01A scanner: 6901234567892\r\n"))
    cable.plug()
    readings = Collector()
    with pytest.raises(DeviceError, match=r"no thermometer .* no frame of its own|does not answer"):
        await rig.make(link, silence_s=0.5).run(readings)
    cable.unplug()

    assert readings.readings == []
