"""The module with two modes: an answer says itself which of them it was measured in."""

from pathlib import Path

import pytest

from drivers.base import DeviceObserved, DeviceState, Surface, TemperatureMeasured
from drivers.counters import Counters
from drivers.emulators.lu90614 import Lu90614
from drivers.lu90614 import MEASURE, MODES, Codec, Config, Driver
from drivers.thermometry.sampling import Sample
from tests.collecting import Collector
from tests.drivers.rigs import ASKED
from tests.drivers.running import running

OBJECT = bytes.fromhex("FE AA 28 1E 00 00 00 00 EE")
BODY = bytes.fromhex("FE AC 28 1E 00 00 00 00 F0")


def test_every_command_ends_with_its_sum() -> None:
    for command in (MEASURE, *MODES.values()):
        assert command[2] == (command[0] + command[1]) & 0xFF


@pytest.mark.parametrize(
    ("kind", "wanted", "other"), [(Surface.SURFACE, OBJECT, BODY), (Surface.BODY, BODY, OBJECT)]
)
def test_an_answer_of_the_other_kind_is_counted_and_not_taken(
    kind: Surface, wanted: bytes, other: bytes
) -> None:
    counters = Counters()

    assert Codec(counters, kind=kind).feed(other + wanted) == [Sample(40.30)]
    assert counters == Counters(unknown=1)


def test_something_in_place_of_the_zeros_is_not_interpreted() -> None:
    counters = Counters()

    assert Codec(counters).feed(bytes.fromhex("FE AA 28 1E 01 00 00 00 EF") + OBJECT) == [
        Sample(40.30)
    ]
    assert counters == Counters(unknown=1)


@pytest.mark.usefixtures("no_descriptor_leaks")
async def test_the_body_is_measured_where_that_is_wanted(link: Path) -> None:
    readings = Collector()
    stanza = {"driver": "lu90614", "port": link, "value": "body"} | ASKED
    driver = Driver("thermo", Config.model_validate(stanza))
    async with Lu90614(link, rate_hz=100) as module, running(driver, readings):
        await readings.wait_for(DeviceObserved(DeviceState.ONLINE).__eq__)
        await module.person(35.0, stays_s=1.5)
        reading = await readings.wait_for(TemperatureMeasured)

    assert isinstance(reading, TemperatureMeasured)
    assert reading.kind is Surface.BODY
    assert reading.celsius == reading.raw_celsius == pytest.approx(36.5, abs=0.06)
