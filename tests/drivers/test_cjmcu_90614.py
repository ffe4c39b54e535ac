"""The module of which only one frame is known: both readings of it are taken."""

import logging
from pathlib import Path

import pytest

from drivers.base import DeviceObserved, DeviceState
from drivers.cjmcu_90614 import CONTINUOUS, Codec, Config, Driver
from drivers.counters import Counters
from drivers.emulators.cjmcu_90614 import Cjmcu90614
from drivers.thermometry.sampling import Sample
from tests.collecting import Collector
from tests.drivers.running import running

PUBLISHED = bytes.fromhex("66 66 01 04 0A 83 0A 83 1A")
SUM_OF_ALL = bytes.fromhex("66 66 01 04 0A 83 0A 83 EB")
TWO_VALUES = bytes.fromhex("66 66 01 04 0E 4C 08 98 FA")


def test_the_documented_command() -> None:
    assert bytes.fromhex("66 66 01 56") == CONTINUOUS


def test_either_sum_is_taken_and_told() -> None:
    codec = Codec(Counters())
    assert codec.feed(PUBLISHED) == [Sample(26.91, 26.91)]
    assert codec.sums == {"data"}
    assert codec.feed(SUM_OF_ALL) == [Sample(26.91, 26.91)]
    assert codec.sums == {"data", "frame"}


def test_which_value_is_the_object_is_said_by_the_stanza() -> None:
    assert Codec(Counters()).feed(TWO_VALUES) == [Sample(36.60, 22.00)]
    assert Codec(Counters(), object_value=2).feed(TWO_VALUES) == [Sample(22.00, 36.60)]


@pytest.mark.usefixtures("no_descriptor_leaks")
@pytest.mark.parametrize(("sums_all", "told"), [(False, "data"), (True, "frame")])
async def test_the_log_says_what_the_sum_covers(
    link: Path, caplog: pytest.LogCaptureFixture, sums_all: bool, told: str
) -> None:
    caplog.set_level(logging.INFO)
    readings = Collector()
    driver = Driver("thermo", Config(driver="cjmcu_90614", port=link))
    async with Cjmcu90614(link, sums_all=sums_all), running(driver, readings):
        await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)

    assert f"thermo: its check byte is the sum of the {told}" in caplog.messages


@pytest.mark.usefixtures("no_descriptor_leaks")
async def test_every_speed_is_tried(link: Path) -> None:
    readings = Collector()
    driver = Driver("thermo", Config(driver="cjmcu_90614", port=link, silence_s=0.5))
    async with Cjmcu90614(link, baud=57600), running(driver, readings):
        await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
