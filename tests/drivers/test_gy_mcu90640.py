"""The thermal array: its commands, its hottest region, and what it never claims."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from drivers.base import DeviceError, DeviceObserved, DeviceState
from drivers.counters import Counters
from drivers.emulators.gy_mcu90640 import GyMcu90640
from drivers.gy_mcu90640 import RATES_HZ, TELL_EMISSIVITY, Codec, Config, Driver, command, hottest
from drivers.thermometry.sampling import Sample
from tests.collecting import Collector
from tests.drivers.rigs import HURRY
from tests.drivers.running import running
from tests.drivers.specimens import image, spot

QUICK = {"measuring": HURRY | {"window": 2, "agree": 2}}


def config(link: Path, **options: object) -> Config:
    return Config.model_validate({"driver": "gy_mcu90640", "port": link} | QUICK | options)


@pytest.mark.parametrize(
    ("made", "documented"),
    [
        (command(0x25, RATES_HZ.index(0.5)), "A5 25 00 CA"),
        (command(0x25, RATES_HZ.index(4.0)), "A5 25 03 CD"),
        (command(0x25, RATES_HZ.index(8.0)), "A5 25 04 CE"),
        (command(0x35, 2), "A5 35 02 DC"),
        (command(0x45, 95), "A5 45 5F 49"),
        (TELL_EMISSIVITY, "A5 55 01 FB"),
    ],
)
def test_the_documented_commands(made: bytes, documented: str) -> None:
    assert made == bytes.fromhex(documented)


class TestCodec:
    def test_the_documented_emissivity(self) -> None:
        codec = Codec(Counters())

        assert codec.feed(bytes.fromhex("5A 5A 5F 13")) == []
        assert codec.emissivity == 95

    def test_ninety_percent_look_like_a_header(self) -> None:
        codec = Codec(Counters())

        codec.feed(bytes.fromhex("5A 5A 5A 5A 0E"))

        assert codec.emissivity == 90

    def test_the_first_pixel_of_the_manual(self) -> None:
        frame = image([0x0E6E] * 768, 2500)

        assert frame[:6] == bytes.fromhex("5A 5A 02 06 6E 0E")
        assert Codec(Counters()).feed(frame) == [Sample(36.94, 25.00)]

    def test_a_frame_at_an_odd_place_has_its_sum_checked_there(self) -> None:
        frame = image(spot(2200, 3650), 2200)

        for shift in range(4):
            assert Codec(Counters()).feed(bytes(shift) + frame) == [Sample(36.50, 22.00)]


class TestHottest:
    def test_one_broken_pixel_is_not_hot(self) -> None:
        pixels = np.array(spot(2200, 3650), np.int16).reshape(24, 32)

        assert hottest(pixels, 3) == 3650
        assert hottest(pixels, 1) == 30000
        assert hottest(pixels, 7) == 2200

    @pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 29), (21, 0), (21, 29)])
    def test_it_is_found_in_every_corner(self, row: int, column: int) -> None:
        pixels = np.full((24, 32), -4000, np.int16)
        pixels[row : row + 3, column : column + 3] = 3660

        assert hottest(pixels, 3) == 3660


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"rate_hz": 8}, "rate_hz: 8 is too much for 115200 baud, which carries 7.5 images"),
        (
            {"rate_hz": 1, "baud": 9600, "measuring": {"report": "every"}},
            "rate_hz: 1 is too much for 9600 baud",
        ),
        ({"rate_hz": 3}, "none of its rates"),
        ({"rate_hz": 1, "measuring": {}}, "window: 5 samples take 4 seconds"),
        ({"rate_hz": 0.5, "silence_s": 2.0}, "silence_s: 2 is too short"),
        ({"region": 2}, "region"),
    ],
)
def test_mistakes_are_named(link: Path, options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        config(link, **options)


def test_eight_images_a_second_need_the_fastest_line(link: Path) -> None:
    assert config(link, rate_hz=8, baud=460800).samples_per_s == 8


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    async def test_rate_and_emissivity_are_set(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("array", config(link, rate_hz=2, emissivity_percent=98, measuring={}))
        async with GyMcu90640(link, hurry=10) as module, running(driver, readings):
            await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
            assert (module.emissivity, module.period_s) == (98, 0.05)

    async def test_an_emissivity_that_was_not_taken_is_said(self, link: Path) -> None:
        class Stubborn(GyMcu90640):
            def received(self, data: bytes) -> None:
                super().received(data.replace(command(0x45, 98), b""))

        driver = Driver("array", config(link, emissivity_percent=98))
        async with Stubborn(link, hurry=10):
            with pytest.raises(DeviceError, match=r"keeps 95 %; emissivity_percent is 98"):
                await driver.run(Collector())
