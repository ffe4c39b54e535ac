"""The thermometer without frames: what is an answer, and what can be made of one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import DeviceError, DeviceObserved, DeviceState, TemperatureMeasured
from drivers.counters import Counters
from drivers.emulators.cable import Cable
from drivers.emulators.optris import Optris
from drivers.optris import Codec, Config, Driver, celsius
from tests.collecting import Collector
from tests.drivers.rigs import ASKED, HURRY
from tests.drivers.running import running


def driver(link: Path, **options: object) -> Driver:
    return Driver(
        "thermo", Config.model_validate({"driver": "optris", "port": link} | ASKED | options)
    )


class TestCodec:
    @pytest.mark.parametrize(
        ("answer", "hs", "documented"), [("04 D3", False, 23.5), ("30 3E", True, 23.50)]
    )
    def test_the_documented_answers(self, answer: str, hs: bool, documented: float) -> None:
        (word,) = Codec(Counters()).feed(bytes.fromhex(answer))

        assert celsius(word, hs=hs) == documented

    def test_byte_by_byte(self) -> None:
        codec = Codec(Counters())

        assert [codec.feed(b"\x03"), codec.feed(b"\xb6")] == [[], [950]]

    def test_more_than_two_bytes_are_no_answer(self) -> None:
        counters = Counters()
        codec = Codec(counters)

        assert codec.feed(b"\x04\xd3\x00") == []
        assert codec.spoilt
        assert codec.feed(b"more of it") == []
        assert counters == Counters(resync=1)

        codec.asked()
        assert not codec.spoilt
        assert codec.feed(b"\x04\xd3") == [0x04D3]

    def test_what_follows_an_answer_spoils_it(self) -> None:
        codec = Codec(Counters())

        assert codec.feed(b"\x04\xd3") == [0x04D3]
        codec.feed(b"\x00")
        assert codec.spoilt

    @given(st.lists(st.binary(max_size=8), max_size=20))
    @settings(deadline=None)
    def test_any_bytes_are_taken_without_complaint(self, chunks: list[bytes]) -> None:
        codec = Codec(Counters())
        for chunk in chunks:
            codec.feed(chunk)

        codec.asked()
        assert codec.feed(b"\x04\xd3") == [0x04D3]


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    @pytest.mark.parametrize(
        ("emulated", "stanza"),
        [
            ({"hs": True}, {"high_resolution": True}),
            ({"address": 5}, {"address": 5}),
            ({"baud": 115200}, {"silence_s": 1.0}),
        ],
    )
    async def test_its_variants(
        self, link: Path, emulated: dict[str, int], stanza: dict[str, object]
    ) -> None:
        readings = Collector()
        every = {"measuring": {"report": "every"}} | stanza
        async with (
            Optris(link, **emulated),  # type: ignore[arg-type]
            running(driver(link, **every), readings),
        ):
            reading = await readings.wait_for(TemperatureMeasured)

        assert isinstance(reading, TemperatureMeasured)
        assert reading.celsius == pytest.approx(22.6, abs=0.11)
        assert reading.ambient_celsius == 22.0

    async def test_another_address_does_not_answer(self, link: Path) -> None:
        async with Optris(link, address=5):
            with pytest.raises(DeviceError, match="no thermometer is heard"):
                await driver(link, address=6, silence_s=0.6).run(Collector())

    async def test_what_tells_an_impossible_emissivity_is_no_optris(self, link: Path) -> None:
        cable = Cable(link, lambda _: cable.send(b"OK"))
        cable.plug()
        with pytest.raises(DeviceError, match=r"not as an Optris does: 20\.299 is no emissivity"):
            await driver(link).run(Collector())
        cable.unplug()

    async def test_noise_behind_an_answer_is_not_measured(self, link: Path) -> None:
        answers = {b"\x04": b"\x03\xca", b"\x01": b"\x04\xd3", b"\x02": b"\x04\xc4"}
        asked = 0

        def answer(question: bytes) -> None:
            nonlocal asked
            asked += 1
            cable.send(answers[question] + (b"\xff" if asked % 3 == 0 else b""))

        cable = Cable(link, answer)
        cable.plug()
        readings = Collector()
        thermometer = driver(link, measuring={"report": "every", "every_s": 0.0} | HURRY)
        async with running(thermometer, readings):
            await readings.wait_for(lambda _: len(readings.matching(TemperatureMeasured)) >= 4)
        cable.unplug()

        assert readings.readings[0] == DeviceObserved(DeviceState.ONLINE)
        measured = readings.matching(TemperatureMeasured)
        assert {each.celsius for each in measured if isinstance(each, TemperatureMeasured)} == {
            23.5
        }
        assert thermometer.counters.resync >= 1
