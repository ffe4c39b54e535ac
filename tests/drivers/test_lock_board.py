"""Lock-control boards: documented frames, codecs in noise, the driver on emulated boards."""

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
from drivers.emulators.lock_board import LockBoard, Make
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.party import PartyLine
from drivers.lock_board import FAMILIES, Config, Driver
from drivers.lock_board.family import LockReport
from drivers.modbus_io import Config as ModbusConfig
from drivers.modbus_io import Driver as ModbusDriver
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import kept_running, killed_after, running

MAKES: list[Make] = ["xor5", "wkly", "kerong"]


def reports(make: str, *chunks: bytes, counters: Counters | None = None) -> list[LockReport]:
    codec = FAMILIES[make].codec(counters or Counters())
    return [report for chunk in chunks for report in codec.feed(chunk)]


class TestFrames:
    @pytest.mark.parametrize(
        ("make", "board", "lock", "frame"),
        [
            ("xor5", 1, 1, "8A 01 01 11 9B"),
            ("xor5", 1, 2, "8A 01 02 11 98"),
            ("wkly", 0, 1, "57 4B 4C 59 09 00 82 01 83"),
            ("wkly", 1, 2, "57 4B 4C 59 09 01 82 02 81"),
            ("kerong", 0, 1, "02 00 31 03 36"),
        ],
    )
    def test_documented_openings(self, make: str, board: int, lock: int, frame: str) -> None:
        assert FAMILIES[make].open(board, lock) == bytes.fromhex(frame)

    @pytest.mark.parametrize(
        ("make", "board", "lock", "frame"),
        [
            ("xor5", 1, 1, "80 01 01 33 B3"),
            ("kerong", 0, 1, "02 00 30 03 35"),
            ("kerong", 1, 5, "02 10 30 03 45"),
        ],
    )
    def test_documented_queries(self, make: str, board: int, lock: int, frame: str) -> None:
        assert FAMILIES[make].query(board, lock) == bytes.fromhex(frame)

    @pytest.mark.parametrize(
        ("make", "frame", "report"),
        [
            ("xor5", "8A 01 01 00 8A", LockReport(1, 1, active=False, opening=True)),
            ("xor5", "8A 01 01 11 9B", LockReport(1, 1, active=True, opening=True)),
            ("xor5", "80 01 01 11 91", LockReport(1, 1, active=True)),
            ("xor5", "80 01 01 00 80", LockReport(1, 1, active=False)),
            ("xor5", "81 01 01 00 81", LockReport(1, 1, active=False)),
            ("xor5", "81 01 01 11 90", LockReport(1, 1, active=True)),
            (
                "wkly",
                "57 4B 4C 59 0B 00 82 00 01 00 81",
                LockReport(0, 1, active=False, opening=True),
            ),
            (
                "wkly",
                "57 4B 4C 59 0B 01 82 00 04 00 85",
                LockReport(1, 4, active=False, opening=True),
            ),
            ("wkly", "57 4B 4C 59 0B 01 83 00 04 01 85", LockReport(1, 4, active=True)),
            ("wkly", "53 4B 4C 59 0B 01 83 00 04 01 81", LockReport(1, 4, active=True)),
            ("wkly", "57 4B 4C 59 0B 01 82 FF 04 00 7A", LockReport(1, 4, opening=False)),
        ],
    )
    def test_documented_answers(self, make: str, frame: str, report: LockReport) -> None:
        assert reports(make, bytes.fromhex(frame)) == [report]

    def test_kerong_tells_of_sixteen_locks(self) -> None:
        found = reports("kerong", bytes.fromhex("02 10 35 05 80 00 00 03 CF"))

        assert [each.lock for each in found if each.active] == [1, 3, 16]
        assert {each.board for each in found} == {1}
        assert len(found) == 16

    @pytest.mark.parametrize(
        ("make", "frame"),
        [
            ("xor5", "80 01 01 33 B3"),  # a question, as an adapter hears itself
            ("xor5", "8A 01 01 00 8B"),
            ("wkly", "57 4B 4C 59 09 00 82 01 83"),
            ("wkly", "57 4B 4C 59 0B 00 85 00 01 00 86"),
            ("wkly", "57 4B 4C 59 0B 00 82 00 01 00 80"),
            ("kerong", "02 10 30 03 45"),
            ("kerong", "02 10 35 05 80 00 00 03 CE"),
        ],
    )
    def test_what_is_no_answer(self, make: str, frame: str) -> None:
        assert reports(make, bytes.fromhex(frame)) == []

    def test_what_comes_unasked_may_stand_between(self) -> None:
        change, answer = bytes.fromhex("81 01 02 11 93"), bytes.fromhex("80 01 01 00 80")
        assert [each.lock for each in reports("xor5", change + answer + change)] == [2, 1, 2]


ANSWERS = {
    "xor5": bytes.fromhex("80 01 01 11 91"),
    "wkly": bytes.fromhex("57 4B 4C 59 0B 01 83 00 04 01 85"),
    "kerong": bytes.fromhex("02 10 35 05 80 00 00 03 CF"),
}
QUIET = {"xor5": b"\x80\x81\x8a", "wkly": b"WS", "kerong": b"\x02"}
"""Bytes with which a frame begins; noise without them must not hide a frame."""


@pytest.mark.parametrize("make", MAKES)
@given(
    noise=st.lists(st.binary(max_size=12), min_size=4, max_size=4),
    cuts=st.lists(st.integers(0, 90), max_size=8),
)
def test_every_frame_is_found_between_noise_in_any_pieces(
    make: str, noise: list[bytes], cuts: list[int]
) -> None:
    answer = ANSWERS[make]
    quiet = [each.translate(None, QUIET[make]) for each in noise]
    stream = answer.join(quiet)
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    chunks = [stream[start:end] for start, end in pairwise(edges)]

    assert reports(make, *chunks) == reports(make, answer) * 3


@pytest.mark.parametrize("make", MAKES)
@given(st.binary(max_size=400))
def test_anything_can_be_fed(make: str, data: bytes) -> None:
    for report in reports(make, data):
        assert 0 <= report.lock <= 255


@pytest.mark.parametrize("make", MAKES)
def test_no_flipped_bit_gets_through(make: str) -> None:
    answer = ANSWERS[make]
    for bit in range(8 * len(answer)):
        flipped = bytearray(answer)
        flipped[bit // 8] ^= 1 << bit % 8
        assert reports(make, bytes(flipped)) == []


def config(link: Path, make: str, **options: object) -> Config:
    doors = {
        "gate-1": {"role": "gate", "lock": 1, "locked_when": "active"},
        "box-9": {"role": "sealed", "lock": 9, "locked_when": "inactive"},
    }
    stanza = {
        "driver": "lock_board",
        "protocol": make,
        "port": link,
        "poll_ms": 50,
        "answer_ms": 300,
        "doors": doors,
    }
    return Config.model_validate(stanza | options)


def door(name: str, lock: Lock, commanded: Lock | None = None) -> DoorObserved:
    role = Role.GATE if name == "gate-1" else Role.SEALED
    return DoorObserved(name, role, Position.UNKNOWN, lock, commanded=commanded)


def is_(wanted: DoorObserved) -> Callable[[Reading], bool]:
    return lambda reading: reading == wanted


class TestConfig:
    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"address": 64}, "address is 64; expected 1 to 63"),
            (
                {"doors": {"a": {"role": "home", "lock": 1, "locked_when": "active"}}},
                "a home door is only ever watched",
            ),
            ({"doors": {"a": {"role": "gate", "lock": 1}}}, "locked_when"),
            ({"doors": {}}, "at least 1 item"),
            (
                {
                    "doors": {
                        "a": {"role": "gate", "lock": 1, "locked_when": "active"},
                        "b": {"role": "gate", "lock": 1, "locked_when": "active"},
                    }
                },
                r"doors\.b\.lock is 1, as is doors\.a\.lock",
            ),
            (
                {
                    "protocol": "kerong",
                    "doors": {"a": {"role": "gate", "lock": 17, "locked_when": "active"}},
                },
                r"doors\.a\.lock is 17, but the last is 16",
            ),
        ],
    )
    def test_mistakes_are_named(
        self, link: Path, options: dict[str, object], complaint: str
    ) -> None:
        with pytest.raises(ValidationError, match=complaint):
            config(link, **({"make": "xor5"} | options))  # type: ignore[arg-type]


@pytest.mark.usefixtures("no_descriptor_leaks")
@pytest.mark.parametrize("make", MAKES)
class TestDriver:
    async def test_the_feedback_is_read_as_each_lock_is_built(self, link: Path, make: Make) -> None:
        readings = Collector()
        async with (
            LockBoard(link, make) as board,
            running(Driver("locks", config(link, make)), readings),
        ):
            await readings.wait_for(is_(door("gate-1", Lock.LOCKED)))
            await readings.wait_for(is_(door("box-9", Lock.UNLOCKED)))
            board.set_contact(9, active=False)
            await readings.wait_for(is_(door("box-9", Lock.LOCKED)))

        assert readings.readings[0] == DeviceObserved(DeviceState.ONLINE)

    @pytest.mark.parametrize("terse", [False, True])
    async def test_a_release_opens_the_lock_and_nothing_else(
        self, link: Path, make: Make, terse: bool
    ) -> None:
        readings = Collector()
        driver = Driver("locks", config(link, make))
        async with LockBoard(link, make, terse=terse) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(Release("gate-1"))
            assert board.opened == [1]
            await readings.wait_for(
                lambda reading: (
                    isinstance(reading, DoorObserved) and reading.commanded is Lock.UNLOCKED
                )
            )
            await readings.wait_for(is_(door("gate-1", Lock.UNLOCKED)))

        assert board.opened == [1]

    async def test_the_board_lets_go_although_the_gateway_was_killed(
        self, link: Path, make: Make
    ) -> None:
        async with LockBoard(link, make) as board:
            await killed_after("lock_board", config(link, make), Release("gate-1"))
            board.unplug()
            async with asyncio.timeout(10):
                while board.driven:
                    await asyncio.sleep(0.01)

        assert board.opened == [1]

    async def test_nothing_can_be_kept_on(self, link: Path, make: Make) -> None:
        readings = Collector()
        driver = Driver("locks", config(link, make))
        async with LockBoard(link, make) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            with pytest.raises(CommandError, match="no output is called gate-1"):
                await driver.execute(SwitchOutput("gate-1", on=True))

        assert board.opened == []

    async def test_a_silent_board_is_lost_and_its_doors_unknown(
        self, link: Path, make: Make
    ) -> None:
        async with LockBoard(link, make, board=2):
            driver = Driver("locks", config(link, make, answer_ms=50))
            with pytest.raises(DeviceError, match="lock board 1 does not answer"):
                await driver.run(Collector())
        assert driver.lost() == [door("gate-1", Lock.UNKNOWN), door("box-9", Lock.UNKNOWN)]


@pytest.mark.usefixtures("no_descriptor_leaks")
async def test_a_lock_board_and_a_modbus_board_share_a_line(link: Path) -> None:
    locks, inputs = Collector(), Collector()
    stanza = {
        "driver": "modbus_io",
        "port": link,
        "poll_ms": 50,
        "doors": {"gate-2": {"input": 0, "role": "gate"}},
    }
    modbus = ModbusDriver("doors", ModbusConfig.model_validate(stanza))
    with PartyLine(link) as line:
        async with (
            LockBoard(line, "xor5") as board,
            ModbusBoard(line) as other,
            running(Driver("locks", config(link, "xor5")), locks),
            running(modbus, inputs),
        ):
            await locks.wait_for(is_(door("gate-1", Lock.LOCKED)))
            await inputs.wait_for(DoorObserved)
            board.set_contact(1, active=False)
            await other.set_input(0, active=True)
            await locks.wait_for(is_(door("gate-1", Lock.UNLOCKED)))
            await inputs.wait_for(
                lambda reading: (
                    isinstance(reading, DoorObserved) and reading.position is Position.CLOSED
                )
            )


@pytest.mark.usefixtures("no_descriptor_leaks")
async def test_unplugged_and_replugged_a_hundred_times(link: Path) -> None:
    readings = Collector()
    driver = Driver("locks", config(link, "kerong"))
    async with LockBoard(link, "kerong") as board, kept_running(driver, readings):
        await readings.wait_for(is_(door("gate-1", Lock.LOCKED)))
        descriptors = open_descriptors()
        for _ in range(100):
            seen = len(readings.readings)
            board.unplug()
            board.replug()
            await readings.wait_for(is_(door("gate-1", Lock.LOCKED)), after=seen)
        assert open_descriptors() == descriptors
        assert driver.counters.reconnect == 100


@pytest.mark.parametrize(("baud", "notices"), [(9600, 1), (19200, 0)])
def test_says_that_kerong_is_sold_with_another_speed(link: Path, baud: int, notices: int) -> None:
    assert len(config(link, "kerong", baud=baud).notices()) == notices
