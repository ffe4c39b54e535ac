"""The thermometer: its codec on bytes, its driver on a pty with the emulated module behind it."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import (
    DeviceError,
    DeviceObserved,
    DeviceState,
    Quality,
    Surface,
    TemperatureMeasured,
)
from drivers.emulators.cable import Cable
from drivers.emulators.thermometer import Thermometer
from drivers.gy_mcu906 import CONTINUOUS, Codec, Config, Driver
from drivers.measuring import MeasuringConfig, Sample
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import kept_running, running

DOCUMENTED = bytes.fromhex("5A 5A 45 04 0C 78 0D 19 A7")
FREEZING = bytes.fromhex("5A 5A 45 04 FE 00 FB E6 DC")
TEN_BYTES = bytes.fromhex("5A 5A 45 05 0C 78 0D 19 01 A9")
SYNC = DOCUMENTED[:4]

WARM = Sample(celsius=31.92, ambient_celsius=33.53)
COLD = Sample(celsius=-5.12, ambient_celsius=-10.50)


def in_chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


class TestCodec:
    def test_the_documented_frame(self) -> None:
        assert Codec().feed(DOCUMENTED) == [WARM]

    def test_values_are_signed(self) -> None:
        assert Codec().feed(FREEZING) == [COLD]

    def test_frames_one_after_the_other(self) -> None:
        assert Codec().feed(DOCUMENTED + FREEZING + DOCUMENTED) == [WARM, COLD, WARM]

    def test_byte_by_byte(self) -> None:
        codec = Codec()

        samples = [codec.feed(bytes((byte,))) for byte in DOCUMENTED]

        assert samples == [[]] * 8 + [[WARM]]

    @pytest.mark.parametrize(
        "noise",
        [
            b"\x00",
            b"\x5a",
            b"\x5a\x5a\x5a",
            b"\x5a\x5a\x00",
            SYNC,
            SYNC * 3,
            DOCUMENTED[:-1],
            DOCUMENTED[:6],
            bytes(200),
            b"OK\r\n",
        ],
    )
    def test_noise_before_between_and_behind(self, noise: bytes) -> None:
        stream = noise + DOCUMENTED + noise + FREEZING + noise + DOCUMENTED

        assert Codec().feed(stream) == [WARM, COLD, WARM]

    @pytest.mark.parametrize("place", range(1, 9))
    def test_noise_inside_costs_that_frame_only(self, place: int) -> None:
        hit = DOCUMENTED[:place] + b"\xff" + DOCUMENTED[place:]

        assert Codec().feed(FREEZING + hit + FREEZING) == [COLD, COLD]

    @pytest.mark.parametrize("bit", range(72))
    def test_no_flipped_bit_gets_through(self, bit: int) -> None:
        flipped = bytearray(DOCUMENTED)
        flipped[bit // 8] ^= 1 << bit % 8

        assert Codec().feed(bytes(flipped) + FREEZING) == [COLD]

    def test_a_frame_of_another_length_is_counted_and_not_interpreted(self) -> None:
        codec = Codec()

        assert codec.feed(DOCUMENTED + TEN_BYTES + DOCUMENTED) == [WARM, WARM]
        assert codec.counters.unknown == 1
        assert codec.counters.resync == 1

    def test_counters(self) -> None:
        codec = Codec()
        bad = DOCUMENTED[:-1] + b"\x00"

        codec.feed(DOCUMENTED + bad + DOCUMENTED + bad + bad + DOCUMENTED)

        assert codec.counters.bad_checksum == 3
        assert codec.counters.resync == 2
        assert codec.counters.unknown == 0

    def test_joining_in_the_middle_is_no_lost_step(self) -> None:
        codec = Codec()

        assert codec.feed(DOCUMENTED[5:] + DOCUMENTED) == [WARM]
        assert codec.counters.resync == 0

    @given(
        st.lists(
            st.one_of(
                st.sampled_from([DOCUMENTED, FREEZING, TEN_BYTES, SYNC, b"\x5a"]),
                st.binary(max_size=12),
            ),
            max_size=12,
        ),
        st.lists(st.integers(min_value=0), max_size=20),
    )
    def test_chunks_make_no_difference(self, pieces: list[bytes], cuts: list[int]) -> None:
        stream = b"".join(pieces)
        whole, cut = Codec(), Codec()

        samples = [sample for chunk in in_chunks(stream, cuts) for sample in cut.feed(chunk)]

        assert samples == whole.feed(stream)
        assert cut.counters == whole.counters

    @given(st.lists(st.binary(max_size=6).filter(lambda noise: b"\x5a" not in noise)))
    def test_every_frame_is_found_in_noise(self, noises: list[bytes]) -> None:
        stream = b"".join(noise + DOCUMENTED for noise in noises)

        assert Codec().feed(stream) == [WARM] * len(noises)

    @given(st.binary(max_size=300))
    def test_any_bytes_are_taken_without_complaint(self, data: bytes) -> None:
        codec = Codec()

        codec.feed(data)

        # Whatever came before, at most one unfinished frame hides the next one.
        assert codec.feed(DOCUMENTED * 2)[-1:] == [WARM]

    @pytest.mark.parametrize("flood", [SYNC, b"\x5a", b"\x5a\x5a\x45", DOCUMENTED[:-1]])
    def test_a_flood_costs_in_proportion_to_its_length(self, flood: bytes) -> None:
        def sums_and_headers(repeats: int) -> int:
            codec = Codec()
            assert codec.feed(flood * repeats) == []
            return codec.counters.bad_checksum + codec.counters.unknown

        # Each is looked at once, with a fixed number of bytes: no more than one for each repeat.
        assert sums_and_headers(1_000) <= 1_000
        assert sums_and_headers(10_000) <= 10_000


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

    async def test_a_babbling_line_at_the_wrong_speed_is_no_thermometer(self, link: Path) -> None:
        driver = Driver("thermo", config(link, baud=9600, silence_s=0.5))
        readings = Collector()
        async with Thermometer(link, baud=115200, talks_at_power_up=True, rate_hz=FAST_HZ):
            with pytest.raises(DeviceError) as caught:
                await driver.run(readings)

        assert str(caught.value) == f"no thermometer is heard on {link} at 9600 baud"
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
            "so far 1 with a wrong sum, 0 of an unknown kind"
        )
        assert readings.readings == [DeviceObserved(DeviceState.ONLINE)]

    async def test_unplugged_and_replugged_twenty_times(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("thermo", config(link, **QUICK))
        thermometer = Thermometer(link, rate_hz=FAST_HZ)
        async with thermometer as module, kept_running(driver, readings) as errors:
            await readings.wait_for(is_online)
            descriptors = open_descriptors()
            for _ in range(20):
                seen = len(readings.readings)
                module.unplug()
                module.replug()
                await readings.wait_for(is_online, after=seen)
                assert open_descriptors() == descriptors
            await module.person(36.6, stays_s=0.6)
            await readings.wait_for(TemperatureMeasured)

        assert len(errors) >= 20
        assert all("is gone" in str(error) for error in errors)
