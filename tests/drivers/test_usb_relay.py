"""USB relay boards: documented frames, codecs in pieces, and the driver against emulated boards."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.base import (
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    Reading,
    Release,
    Role,
    SwitchOutput,
)
from drivers.counters import Counters
from drivers.emulators.usb_relay import Kind, UsbRelay
from drivers.usb_relay import Codec, Config, Driver, TextCodec
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import hot_unplugs, kept_running, killed_after, running

KINDS: list[Kind] = ["mute", "text", "smart"]
DOORS = {"gate-1": {"role": "gate", "strike": 0, "release_ms": 300}}


def config(link: Path, kind: Kind = "mute", **options: object) -> Config:
    stanza = {
        "driver": "usb_relay",
        "port": link,
        "model": "smart" if kind == "smart" else "lcus",
        "relays": 2,
        "poll_s": 0.1,
        "doors": DOORS,
        "outputs": {"lamp": {"output": 1}},
    }
    return Config.model_validate(stanza | options)


def commanded(lock: Lock | None) -> Callable[[Reading], bool]:
    return lambda reading: isinstance(reading, DoorObserved) and reading.commanded is lock


class TestCodecs:
    @given(st.lists(st.integers(0, 30), max_size=6))
    def test_a_text_in_any_pieces(self, cuts: list[int]) -> None:
        text = b"CH1: ON\r\nCH2: OFF\r\nCH3:ON\r\n"
        edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
        codec = TextCodec(3)
        answers = [codec.feed(text[start:end]) for start, end in pairwise(edges)]
        assert [True, False, True] in answers

    def test_a_text_that_is_not_whole_is_no_answer(self) -> None:
        assert TextCodec(2).feed(b"CH1: ON\r\nCH2: OF") is None

    @given(before=st.binary(max_size=10), behind=st.binary(max_size=10), cut=st.integers(0, 24))
    def test_an_answer_in_noise_and_pieces(self, before: bytes, behind: bytes, cut: int) -> None:
        quiet = before.replace(b"\xa0", b"\x00")
        stream = quiet + bytes.fromhex("A0 02 01 A3") + behind.replace(b"\xa0", b"\x00")
        codec = Codec(Counters())
        assert codec.feed(stream[:cut]) + codec.feed(stream[cut:]) == [(1, True)]

    @pytest.mark.parametrize("frame", ["A0 01 05 A6", "A0 01 01 A3", "A0 01 02 A3"])
    def test_what_is_no_answer(self, frame: str) -> None:
        assert Codec(Counters()).feed(bytes.fromhex(frame)) == []

    @given(st.binary(max_size=400))
    def test_anything_can_be_fed(self, data: bytes) -> None:
        assert all(-1 <= relay <= 254 for relay, _ in Codec(Counters()).feed(data))
        assert TextCodec(1).feed(data) in (None, [True], [False])


class TestConfig:
    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"doors": {"a": {"role": "home", "strike": 1}}}, "a home door is only ever watched"),
            ({"doors": {"a": {"role": "gate", "strike": 2}}}, "the last relay is 1"),
            ({"doors": {"a": {"role": "gate", "input": 0}}}, "this board has no inputs"),
            ({"doors": {}, "outputs": {}}, "doors or outputs are missing"),
        ],
    )
    def test_mistakes_are_named(
        self, link: Path, options: dict[str, object], complaint: str
    ) -> None:
        with pytest.raises(ValidationError, match=complaint):
            config(link, **options)  # type: ignore[arg-type]

    def test_says_what_the_board_cannot_do(self, link: Path) -> None:
        strike, position, silent = config(link).notices()
        assert strike.startswith("doors.gate-1: this board times nothing")
        assert "position is always unknown" in position
        assert "confirm nothing" in silent


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    @pytest.mark.parametrize(
        ("kind", "commands"),
        [
            ("mute", ["A0 01 00 A1", "A0 01 01 A2", "A0 01 00 A1", "A0 01 00 A1"]),
            ("text", ["A0 01 00 A1", "A0 01 01 A2", "A0 01 00 A1", "A0 01 00 A1"]),
            ("smart", ["A0 01 02 A3", "A0 01 03 A4", "A0 01 02 A3", "A0 01 02 A3"]),
        ],
    )
    async def test_a_release_is_switched_off_twice(
        self, link: Path, kind: Kind, commands: list[str]
    ) -> None:
        readings = Collector()
        driver = Driver("relays", config(link, kind))

        def switched() -> list[bytes]:
            return [each for each in board.commands if len(each) == 4 and each[2] != 5]

        async with UsbRelay(link, kind) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(Release("gate-1"))
            await readings.wait_for(commanded(Lock.UNLOCKED))
            seen = len(readings.readings)
            await readings.wait_for(commanded(None), after=seen)
            async with asyncio.timeout(10):
                while len(switched()) < len(commands):
                    await asyncio.sleep(0.01)
            assert board.relays == [False, False]

        # Stopped while the last of them is being verified, it says so once more.
        assert switched()[: len(commands)] == [bytes.fromhex(each) for each in commands]
        assert set(switched()[len(commands) :]) <= {bytes.fromhex(commands[-1])}

    async def test_documented_frames_of_the_second_relay(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("relays", config(link))
        async with UsbRelay(link) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(SwitchOutput("lamp", on=True))
            await driver.execute(SwitchOutput("lamp", on=False))
            async with asyncio.timeout(10):
                while board.commands[-1] != bytes.fromhex("A0 02 00 A2"):
                    await asyncio.sleep(0.01)
        assert bytes.fromhex("A0 02 01 A3") in board.commands

    @pytest.mark.parametrize("kind", KINDS)
    async def test_says_at_the_start_whether_it_confirms_anything(
        self, link: Path, kind: Kind
    ) -> None:
        readings = Collector()
        async with UsbRelay(link, kind), running(Driver("relays", config(link, kind)), readings):
            online = await readings.wait_for(DeviceObserved)
            await readings.wait_for(DoorObserved)

        assert isinstance(online, DeviceObserved)
        assert online.state is DeviceState.ONLINE
        assert (online.reason is None) == (kind != "mute")
        [door] = readings.matching(DoorObserved)
        assert door == DoorObserved("gate-1", Role.GATE, Position.UNKNOWN)

    @pytest.mark.parametrize("kind", ["text", "smart"])
    async def test_a_relay_that_does_not_move_is_noticed(self, link: Path, kind: Kind) -> None:
        readings = Collector()
        driver = Driver("relays", config(link, kind))
        async with UsbRelay(link, kind) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            board.stuck.add(1)
            with pytest.raises(CommandError, match="relay 1 did not switch"):
                await driver.execute(SwitchOutput("lamp", on=True))

    async def test_a_smart_board_must_answer(self, link: Path) -> None:
        async with UsbRelay(link, "mute"):
            with pytest.raises(DeviceError, match="the relay board does not answer"):
                await Driver("relays", config(link, "smart")).run(Collector())

    async def test_what_was_left_on_by_a_crash_is_switched_off_at_the_start(
        self, link: Path
    ) -> None:
        # Its power stays on: the relay keeps what it was told.
        async with UsbRelay(link) as board:
            await killed_after("usb_relay", config(link), Release("gate-1"))
            assert board.relays == [True, False]
            readings = Collector()
            async with running(Driver("relays", config(link)), readings):
                await readings.wait_for(DoorObserved)
                async with asyncio.timeout(10):
                    while board.relays[0]:
                        await asyncio.sleep(0.01)

    @hot_unplugs
    async def test_pulled_out_and_put_back(self, link: Path, rounds: int) -> None:
        readings = Collector()
        driver = Driver("relays", config(link, "smart"))
        async with UsbRelay(link, "smart") as board, kept_running(driver, readings):
            await readings.wait_for(DeviceObserved)
            descriptors = open_descriptors()
            for _ in range(rounds):
                seen = len(readings.readings)
                board.unplug()
                board.replug()
                await readings.wait_for(DeviceObserved, after=seen)
            assert open_descriptors() == descriptors

    async def test_a_mute_one_that_is_pulled_out_is_missed(self, link: Path) -> None:
        async with UsbRelay(link) as board:
            readings = Collector()
            async with running(Driver("relays", config(link)), readings) as task:
                await readings.wait_for(DeviceObserved)
                board.unplug()
                with pytest.raises(DeviceError, match="is gone"):
                    await task
