"""The register module: its commands and answers, and what it is refused for."""

from pathlib import Path

import pytest

from drivers.base import DeviceError, DeviceObserved, DeviceState, Surface, TemperatureMeasured
from drivers.counters import Counters
from drivers.emulators.gy_614v import Gy614V
from drivers.gy_614v import Codec, Config, Driver, read, write
from drivers.thermometry.sampling import Sample
from tests.collecting import Collector
from tests.drivers.rigs import ASKED
from tests.drivers.running import running

FRAME = bytes.fromhex("A4 03 07 07 62 0C EE 09 92 0E 38 F2")
GY_95T = bytes.fromhex("A4 03 08 12 F9 3D FB CF 00 2A 00 01 00 01 00 01 DD B4 16 BA FF FA 48")
"""Recorded from a module of the same house that measures something else."""


def driver(link: Path, **options: object) -> Driver:
    return Driver(
        "thermo", Config.model_validate({"driver": "gy_614v", "port": link} | ASKED | options)
    )


@pytest.mark.parametrize(
    ("command", "documented"),
    [
        (write(0xA4, 0x03, 1), "A4 06 03 01 AE"),
        (write(0xA4, 0x01, 6), "A4 06 01 06 B1"),
        (write(0xA4, 0x07, 98), "A4 06 07 62 13"),
        (read(0xA4, 0x07, 7), "A4 03 07 07 B5"),
    ],
)
def test_the_documented_commands(command: bytes, documented: str) -> None:
    assert command == bytes.fromhex(documented)


class TestCodec:
    def test_registers_beside_the_temperatures(self) -> None:
        codec = Codec(Counters())

        codec.feed(bytes.fromhex("A4 03 06 01 64 12") + FRAME)

        assert (codec.offset, codec.emissivity) == (100, 98)

    def test_another_modules_registers_are_counted_and_not_interpreted(self) -> None:
        counters = Counters()

        assert Codec(counters).feed(FRAME + GY_95T + FRAME) == [Sample(33.10, 24.50, 36.40)] * 2
        assert counters == Counters(unknown=1, resync=1)

    def test_another_address_is_another_module(self) -> None:
        other = bytes.fromhex("A5 03 07 07 62 0C EE 09 92 0E 38 F3")

        assert Codec(Counters()).feed(other) == []
        assert Codec(Counters(), address=0xA5).feed(other) == [Sample(33.10, 24.50, 36.40)]


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    @pytest.mark.parametrize(("offset", "adds"), [(105, r"\+0\.5"), (97, r"-0\.3"), (0, r"-10\.0")])
    async def test_a_module_that_alters_what_it_measures_is_refused(
        self, link: Path, offset: int, adds: str
    ) -> None:
        readings = Collector()
        async with Gy614V(link, offset=offset):
            with pytest.raises(DeviceError, match=rf"adds {adds} °C .*register 06 holds {offset}"):
                await driver(link).run(readings)

        assert readings.readings == []

    async def test_the_body_is_reported_where_that_is_wanted(self, link: Path) -> None:
        readings = Collector()
        async with (
            Gy614V(link, rate_hz=100) as module,
            running(driver(link, value="body"), readings),
        ):
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
            await module.person(33.1, stays_s=1.5)
            reading = await readings.wait_for(TemperatureMeasured)

        assert isinstance(reading, TemperatureMeasured)
        assert reading.kind is Surface.BODY
        assert reading.celsius == reading.body_celsius == pytest.approx(36.4, abs=0.06)
        assert reading.raw_celsius == pytest.approx(33.1, abs=0.06)
        assert reading.correction is None

    async def test_a_surface_is_told_with_what_the_module_makes_of_it(self, link: Path) -> None:
        readings = Collector()
        async with Gy614V(link, rate_hz=100) as module, running(driver(link), readings):
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
            await module.person(36.1, stays_s=1.5)
            reading = await readings.wait_for(TemperatureMeasured)

        assert isinstance(reading, TemperatureMeasured)
        assert reading.kind is Surface.SURFACE
        assert reading.celsius == reading.raw_celsius == pytest.approx(36.1, abs=0.06)
        assert reading.body_celsius == pytest.approx(39.4, abs=0.06)

    async def test_the_emissivity_is_set_and_not_stored(self, link: Path) -> None:
        readings = Collector()
        async with Gy614V(link) as module:
            async with running(driver(link, emissivity_percent=97), readings):
                await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
                assert module.registers[7] == 97
            module.unplug()
            module.replug()
            assert module.registers[7] == 95

    async def test_a_module_that_has_forgotten_its_emissivity_is_started_anew(
        self, link: Path
    ) -> None:
        readings = Collector()
        async with (
            Gy614V(link) as module,
            running(driver(link, emissivity_percent=97), readings) as task,
        ):
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
            module.registers[7] = 95
            with pytest.raises(DeviceError, match="an emissivity of 95 %, not the 97 %"):
                await task

    async def test_the_second_speed_is_tried(self, link: Path) -> None:
        readings = Collector()
        async with Gy614V(link, baud=115200), running(driver(link, silence_s=0.5), readings):
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
