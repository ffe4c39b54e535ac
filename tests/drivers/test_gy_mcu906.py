"""The thermometer: its codec on bytes, its driver on a pty with the emulated module behind it."""

import asyncio
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.base import (
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    MeasureTemperature,
    Quality,
    Surface,
    TemperatureMeasured,
    TriggerScan,
)
from drivers.counters import Counters
from drivers.emulators.cable import Cable
from drivers.emulators.thermometer import Thermometer
from drivers.gy_mcu906 import CONTINUOUS, Codec, Config, Driver
from drivers.thermometry.measuring import MeasuringConfig
from drivers.thermometry.sampling import Sample
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import kept_running, running

DOCUMENTED = bytes.fromhex("5A 5A 45 04 0C 78 0D 19 A7")
FREEZING = bytes.fromhex("5A 5A 45 04 FE 00 FB E6 DC")
TEN_BYTES = bytes.fromhex("5A 5A 45 05 0C 78 0D 19 01 A9")

WARM = Sample(celsius=31.92, ambient_celsius=33.53)
COLD = Sample(celsius=-5.12, ambient_celsius=-10.50)


def codec() -> tuple[Codec, Counters]:
    counters = Counters()
    return Codec(counters), counters


class TestCodec:
    @pytest.mark.parametrize("place", range(1, 9))
    def test_noise_inside_costs_that_frame_only(self, place: int) -> None:
        hit = DOCUMENTED[:place] + b"\xff" + DOCUMENTED[place:]

        assert codec()[0].feed(FREEZING + hit + FREEZING) == [COLD, COLD]

    def test_a_frame_of_another_length_is_counted_and_not_interpreted(self) -> None:
        finder, counters = codec()

        assert finder.feed(DOCUMENTED + TEN_BYTES + DOCUMENTED) == [WARM, WARM]
        assert counters == Counters(unknown=1, resync=1)

    def test_counters(self) -> None:
        finder, counters = codec()
        bad = DOCUMENTED[:-1] + b"\x00"

        finder.feed(DOCUMENTED + bad + DOCUMENTED + bad + bad + DOCUMENTED)

        assert counters == Counters(bad_checksum=3, resync=2)

    def test_joining_in_the_middle_is_no_lost_step(self) -> None:
        finder, counters = codec()

        assert finder.feed(DOCUMENTED[5:] + DOCUMENTED) == [WARM]
        assert counters == Counters()


def config(link: Path, **options: object) -> Config:
    return Config.model_validate({"driver": "gy_mcu906", "port": link, **options})


QUICK = {"measuring": {"look_s": 0.4, "absent_s": 0.2}}
"""The rule, scaled to a module that sends a hundred times a second."""

FAST_HZ = 100.0


def is_online(reading: object) -> bool:
    return reading == DeviceObserved(DeviceState.ONLINE)


class TestConfig:
    def test_nothing_but_the_port_is_needed(self, link: Path) -> None:
        defaults = config(link)

        assert defaults.baud is None
        assert defaults.correction_celsius is None
        assert defaults.measuring == MeasuringConfig()

    def test_a_misspelt_key_is_refused(self, link: Path) -> None:
        with pytest.raises(ValidationError, match="corection_celsius"):
            config(link, corection_celsius=0.5)

    def test_constructing_touches_nothing(self, tmp_path: Path) -> None:
        Driver("thermo", config(tmp_path / "not" / "there"))


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    async def test_a_person_is_measured_once(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, **QUICK))
        async with Thermometer(link, rate_hz=FAST_HZ) as module, running(driver, readings):
            await readings.wait_for(is_online)
            await module.person(36.6, stays_s=0.6)
            first = await readings.wait_for(TemperatureMeasured)
            await asyncio.sleep(0.4)
            await module.person(37.8, stays_s=0.6)
            second = await readings.wait_for(
                TemperatureMeasured, after=readings.readings.index(first) + 1
            )

        assert readings.matching(TemperatureMeasured) == [first, second]
        for reading, celsius in ((first, 36.6), (second, 37.8)):
            assert isinstance(reading, TemperatureMeasured)
            assert reading.celsius == pytest.approx(celsius, abs=0.06)
            assert reading.kind is Surface.SURFACE
            assert reading.quality is Quality.OK
            assert reading.ambient_celsius == 22.0

    async def test_a_correction_is_shown_beside_the_raw_value(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, **QUICK, correction_celsius=0.5))
        async with Thermometer(link, rate_hz=FAST_HZ) as module, running(driver, readings):
            await readings.wait_for(is_online)
            await module.person(36.0, stays_s=0.6)
            reading = await readings.wait_for(TemperatureMeasured)

        assert isinstance(reading, TemperatureMeasured)
        assert reading.correction == 0.5
        assert reading.celsius == pytest.approx(reading.raw_celsius + 0.5)

    @pytest.mark.parametrize("baud", [9600, 115200])
    async def test_the_speed_is_found_out(self, link: Path, baud: int) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, silence_s=0.5))
        async with Thermometer(link, baud=baud), kept_running(driver, readings):
            await readings.wait_for(is_online)

    async def test_asked_it_answers(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, mode="query", period_ms=20, **QUICK))
        async with Thermometer(link, talks_at_power_up=True) as module, running(driver, readings):
            await readings.wait_for(is_online)
            await module.person(36.6, stays_s=1.0)
            await readings.wait_for(TemperatureMeasured)

    async def test_a_babbling_line_at_the_wrong_speed_is_no_thermometer(self, link: Path) -> None:
        driver = Driver("thermo", config(link, baud=9600, silence_s=0.5))
        readings = Collector()
        async with Thermometer(link, baud=115200, talks_at_power_up=True, rate_hz=FAST_HZ):
            with pytest.raises(DeviceError) as caught:
                await driver.run(readings)

        said = (
            rf"no thermometer is heard on {link} at 9600 baud: \d+ bytes came, but no frame of .*"
        )
        assert re.fullmatch(said, str(caught.value))
        assert readings.readings == []

    async def test_a_missing_port_is_said(self, link: Path) -> None:
        with pytest.raises(DeviceError, match="does not exist"):
            await Driver("thermo", config(link)).run(Collector())

    async def test_a_module_that_falls_silent_is_lost(self, link: Path) -> None:
        def answer(data: bytes) -> None:
            assert data == CONTINUOUS
            cable.send(DOCUMENTED + DOCUMENTED[:-1] + b"\x00")

        cable = Cable(link, answer)
        cable.plug()
        readings = Collector()
        with pytest.raises(DeviceError) as caught:
            await Driver("thermo", config(link, silence_s=0.5)).run(readings)
        cable.unplug()

        assert str(caught.value) == (
            f"{link}: no good frame from the thermometer for 0.5 s; "
            "so far 1 with a wrong sum, 1 out of step, 1 without an answer"
        )
        assert readings.readings == [DeviceObserved(DeviceState.ONLINE)]

    async def test_a_hundred_times_unplugged_and_replugged(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, **QUICK))
        thermometer = Thermometer(link, rate_hz=FAST_HZ)
        async with thermometer as module, kept_running(driver, readings) as errors:
            await readings.wait_for(is_online)
            descriptors = open_descriptors()
            for _ in range(100):
                seen = len(readings.readings)
                module.unplug()
                module.replug()
                await readings.wait_for(is_online, after=seen)
                assert open_descriptors() == descriptors
            await module.person(36.6, stays_s=0.6)
            await readings.wait_for(TemperatureMeasured)

        assert len(errors) >= 100
        assert driver.counters.reconnect >= 100
        assert all("is gone" in str(error) for error in errors)

    async def test_asked_for_a_measurement_it_measures_who_is_there(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, **QUICK))
        async with Thermometer(link, rate_hz=FAST_HZ) as module, running(driver, readings):
            await readings.wait_for(is_online)
            module.object_celsius = 36.6
            await readings.wait_for(TemperatureMeasured)
            await driver.execute(MeasureTemperature())
            assert len(readings.matching(TemperatureMeasured)) == 2

            module.object_celsius = 22.6
            with pytest.raises(CommandError, match="nobody was measured within 1 s"):
                await driver.execute(MeasureTemperature())

    async def test_what_it_cannot_do_it_refuses(self, link: Path) -> None:
        driver = Driver("thermo", config(link))
        with pytest.raises(CommandError, match="the thermometer is not connected"):
            await driver.execute(MeasureTemperature())
        with pytest.raises(CommandError, match="cannot do TriggerScan"):
            await driver.execute(TriggerScan())

    async def test_whoever_asked_hears_that_it_was_lost(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link))
        async with Thermometer(link, rate_hz=FAST_HZ) as module, running(driver, readings):
            await readings.wait_for(is_online)
            asking = asyncio.create_task(driver.execute(MeasureTemperature()))
            await asyncio.sleep(0)
            module.unplug()
            with pytest.raises(CommandError, match="the thermometer was lost"):
                await asking

    async def test_a_sensor_out_of_its_range_is_told(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, **QUICK))
        async with Thermometer(link, rate_hz=FAST_HZ) as module, running(driver, readings):
            await readings.wait_for(is_online)
            module.ambient_celsius = 200.0
            await readings.wait_for(
                lambda reading: (
                    reading
                    == DeviceObserved(DeviceState.DEGRADED, "sensor-out-of-range", measured=200.0)
                )
            )
