"""The input board: its stanza, and its driver against pymodbus's server on a pty."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.base import (
    Command,
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    PulseOutput,
    Reading,
    Release,
    Role,
    SwitchOutput,
    TriggerScan,
)
from drivers.emulators.modbus_board import Dialect, ModbusBoard
from drivers.modbus_io import Config, Driver
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import hot_unplugs, kept_running, killed_after, running

GATE = {"input": 0, "role": "gate"}
HOME = {"input": 1, "open_when": "active", "role": "home", "tamper_input": 2}


def config(link: Path, **options: object) -> Config:
    stanza = {
        "driver": "modbus_io",
        "port": link,
        "poll_ms": 20,
        "doors": {"gate-1": GATE, "home-3": HOME},
    }
    return Config.model_validate(stanza | options)


def gate(position: Position) -> DoorObserved:
    return DoorObserved("gate-1", Role.GATE, position, Lock.UNKNOWN, tamper=None)


def home(position: Position, *, tamper: bool | None) -> DoorObserved:
    return DoorObserved("home-3", Role.HOME, position, Lock.UNKNOWN, tamper=tamper)


class TestConfig:
    @pytest.mark.parametrize(
        ("doors", "complaint"),
        [
            (
                {"a": {"input": 3, "role": "gate"}, "b": {"input": 3, "role": "home"}},
                r"doors\.b\.input is 3, as is doors\.a\.input",
            ),
            (
                {"a": {"input": 3, "role": "gate", "tamper_input": 3}},
                r"doors\.a\.tamper_input is 3, as is doors\.a\.input",
            ),
            ({"a": {"input": 8, "role": "gate"}}, r"doors\.a\.input is 8, but the last input is 7"),
            (
                {"a": {"input": 0, "role": "gate", "tamper_input": 9}},
                r"doors\.a\.tamper_input is 9, but the last input is 7",
            ),
            ({}, "doors or outputs are missing"),
            ({"a": {"role": "home", "input": 0, "strike": 1}}, "a home door is only ever watched"),
            (
                {"a": {"role": "gate", "strike": 8}},
                r"doors\.a\.strike is 8, but the last relay is 7",
            ),
            (
                {"a": {"role": "gate", "strike": 1}, "b": {"role": "sealed", "strike": 1}},
                r"doors\.b\.strike is 1, as is doors\.a\.strike",
            ),
            ({"a": {"role": "gate", "input": 0, "release_ms": 5000}}, "strike is missing"),
            ({"a": {"input": 0}}, "role"),
            ({"a": {"input": 0, "role": "gate", "lock": 1}}, "lock"),
            ({"Haus 3": {"input": 0, "role": "home"}}, "Haus 3"),
        ],
    )
    def test_mistakes_are_named(self, link: Path, doors: object, complaint: str) -> None:
        with pytest.raises(ValidationError, match=complaint):
            config(link, doors=doors)

    def test_a_door_is_open_while_its_input_is_inactive_unless_told_otherwise(
        self, link: Path
    ) -> None:
        assert config(link).doors["gate-1"].open_when == "inactive"

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            ({"profile": "generic"}, "map is missing"),
            ({"map": {}}, 'profile = "generic" is missing'),
            ({"profile": "generic", "map": {"on": 0x5500}}, "found 0x5500, a toggle"),
            ({"profile": "generic", "map": {"on": 0}}, "found 0x0000 as on and as off"),
            ({"profile": "ryn4"}, r"doors\.gate-1\.input is 0, but this board has no inputs"),
            (
                {"outputs": {"lamp": {"output": 1}, "horn": {"output": 1}}},
                r"outputs\.horn\.output is 1, as is outputs\.lamp\.output",
            ),
            ({"outputs": {"lamp": {"output": 64}}}, "the last relay is 7"),
            ({"answer_ms": 20, "baud": 1200}, "answer_ms: 20 is too short"),
        ],
    )
    def test_mistakes_of_a_board_are_named(
        self, link: Path, options: dict[str, object], complaint: str
    ) -> None:
        with pytest.raises(ValidationError, match=complaint):
            config(link, **options)

    @pytest.mark.parametrize(
        ("profile", "release_ms", "notices"),
        [
            ("waveshare", 3000, 0),
            ("r4d8", 3000, 0),
            ("ryn4", 60_000, 0),
            ("generic", 3000, 1),
        ],
    )
    def test_says_which_strikes_nothing_but_the_gateway_switches_off(
        self, link: Path, profile: str, release_ms: int, notices: int
    ) -> None:
        doors = {"gate-1": {"role": "gate", "strike": 0, "release_ms": release_ms}}
        generic: dict[str, object] = {"map": {}} if profile == "generic" else {}
        told = [
            notice
            for notice in config(link, profile=profile, doors=doors, **generic).notices()
            if "position" not in notice
        ]
        assert len(told) == notices
        assert all("cannot time 3000 ms; the gateway switches" in each for each in told)

    def test_constructing_touches_nothing(self, tmp_path: Path) -> None:
        Driver("doors", config(tmp_path / "not" / "there"))


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestDriver:
    async def test_tells_every_door_at_the_start(self, link: Path) -> None:
        readings = Collector()
        async with ModbusBoard(link) as board:
            await board.set_input(0, active=True)
            await board.set_input(2, active=True)
            async with running(Driver("doors", config(link)), readings):
                await readings.wait_for(lambda reading: reading == gate(Position.CLOSED))
                await readings.wait_for(
                    lambda reading: reading == home(Position.CLOSED, tamper=False)
                )

        assert readings.readings[0] == DeviceObserved(DeviceState.ONLINE)

    async def test_tells_every_change_once(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", config(link))
        async with ModbusBoard(link) as board, running(driver, readings):
            await readings.wait_for(lambda reading: reading == home(Position.CLOSED, tamper=True))
            await board.set_input(0, active=True)
            await readings.wait_for(lambda reading: reading == gate(Position.CLOSED))
            await board.set_input(1, active=True)
            await readings.wait_for(lambda reading: reading == home(Position.OPEN, tamper=True))
            await board.set_input(2, active=True)
            await readings.wait_for(lambda reading: reading == home(Position.OPEN, tamper=False))

        assert readings.matching(DoorObserved) == [
            gate(Position.OPEN),
            home(Position.CLOSED, tamper=True),
            gate(Position.CLOSED),
            home(Position.OPEN, tamper=True),
            home(Position.OPEN, tamper=False),
        ]

    async def test_a_lost_link_makes_every_door_unknown_once(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", config(link))
        unknown = [gate(Position.UNKNOWN), home(Position.UNKNOWN, tamper=None)]
        async with ModbusBoard(link) as board:
            async with running(driver, readings) as task:
                await readings.wait_for(
                    lambda reading: reading == home(Position.CLOSED, tamper=True)
                )
                board.unplug()
                with pytest.raises(DeviceError, match="is gone"):
                    await task
            assert driver.lost() == unknown
            with pytest.raises(DeviceError, match="does not exist"):
                await driver.run(readings)
            assert driver.lost() == []

    async def test_a_board_that_never_answered_leaves_the_doors_unknown(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", config(link))
        with pytest.raises(DeviceError, match="does not exist"):
            await driver.run(readings)

        assert readings.readings == []
        assert driver.lost() == [gate(Position.UNKNOWN), home(Position.UNKNOWN, tamper=None)]

    @pytest.mark.parametrize(("mode", "called"), [(1, "linkage"), (2, "toggle"), (3, "edge")])
    async def test_a_board_that_drives_its_relays_by_itself_is_refused(
        self, link: Path, mode: int, called: str
    ) -> None:
        readings = Collector()
        async with ModbusBoard(link, modes=[0, 0, 0, 0, 0, 0, 0, mode]):
            with pytest.raises(DeviceError) as caught:
                await Driver("doors", config(link)).run(readings)

        assert str(caught.value) == (
            f"{link}: channel 7 of board 1 is in control mode {mode} ({called}), in which its "
            "input drives a relay without the gateway; set it to 0 (normal)"
        )
        assert readings.matching(DeviceObserved) == []

    async def test_a_board_without_modes_is_taken(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", config(link))
        async with ModbusBoard(link, modes=()), running(driver, readings):
            await readings.wait_for(DoorObserved)

    async def test_a_board_at_another_address_is_no_answer(self, link: Path) -> None:
        readings = Collector()
        async with ModbusBoard(link, address=7):
            async with running(Driver("doors", config(link, address=7)), readings):
                await readings.wait_for(DoorObserved)
            with pytest.raises(DeviceError, match="Modbus device 1 does not answer"):
                await Driver("doors", config(link, answer_ms=50)).run(readings)

    @hot_unplugs
    async def test_unplugged_and_replugged(self, link: Path, rounds: int) -> None:
        readings = Collector()
        driver = Driver("doors", config(link))
        async with ModbusBoard(link) as board, kept_running(driver, readings) as errors:
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN))
            descriptors = open_descriptors()
            for _ in range(rounds):
                seen = len(readings.readings)
                board.unplug()
                board.replug()
                await readings.wait_for(
                    lambda reading: reading == gate(Position.UNKNOWN), after=seen
                )
                await readings.wait_for(
                    lambda reading: reading == home(Position.CLOSED, tamper=True), after=seen
                )
                assert open_descriptors() == descriptors

        assert len(errors) >= rounds
        assert all("is gone" in str(error) for error in errors)


STRIKE = {"input": 0, "role": "gate", "strike": 2, "release_ms": 700}
RELEASED = {
    "waveshare": (0x0202, 7),
    "r4d8": (3, 0x0601),
    "ryn4": (2, 0x0601),
}
NO_TIMER: dict[str, object] = {"profile": "generic", "map": {}}


def released(board: dict[str, object], link: Path) -> Config:
    door = STRIKE if board.get("profile") not in ("r4d8", "ryn4") else STRIKE | {"input": None}
    outputs = {"lamp": {"output": 5}}
    return config(link, doors={"gate-1": door}, outputs=outputs, **board)


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.01)


def commanded(lock: Lock | None) -> Callable[[Reading], bool]:
    return lambda reading: isinstance(reading, DoorObserved) and reading.commanded is lock


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestCommands:
    @pytest.mark.parametrize("profile", RELEASED)
    async def test_a_release_is_timed_by_the_board(self, link: Path, profile: str) -> None:
        dialect: Dialect = "waveshare" if profile == "waveshare" else "eletechsup"
        relay = 3 if profile == "r4d8" else 2
        readings = Collector()
        driver = Driver("doors", released({"profile": profile}, link))
        async with ModbusBoard(link, dialect=dialect) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(Release("gate-1"))
            await until(lambda: board.is_on(relay))
            await readings.wait_for(commanded(Lock.UNLOCKED))
            told = len(readings.readings)
            await readings.wait_for(commanded(None), after=told)
            await until(lambda: is_off(board, relay))

        assert board.written == [RELEASED[profile]]

    async def test_the_strike_drops_although_the_gateway_was_killed(self, link: Path) -> None:
        async with ModbusBoard(link) as board:
            await killed_after("modbus_io", released({}, link), Release("gate-1"))
            board.unplug()
            await until(lambda: is_off(board, 2))

        assert board.written == [(0x0202, 7)]

    async def test_the_strike_drops_although_the_cable_was_pulled(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", released({}, link))
        async with ModbusBoard(link) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(Release("gate-1"))
            board.unplug()
            assert await board.is_on(2)
            await until(lambda: is_off(board, 2))

    async def test_where_the_board_cannot_time_it_it_is_switched_off_twice(
        self, link: Path
    ) -> None:
        readings = Collector()
        driver = Driver("doors", released(NO_TIMER, link))
        async with ModbusBoard(link) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(Release("gate-1"))
            assert await board.is_on(2)
            await until(lambda: is_off(board, 2))
            await until(lambda: have_been_written(board, 4))

        # Stopped before the last of them was confirmed, it says so once more.
        assert board.written[:4] == [(2, 0), (2, 0xFF00), (2, 0), (2, 0)]
        assert set(board.written[4:]) <= {(2, 0)}

    async def test_what_was_left_on_by_a_crash_is_switched_off_at_the_start(
        self, link: Path
    ) -> None:
        async with ModbusBoard(link) as board:
            await killed_after("modbus_io", released(NO_TIMER, link), Release("gate-1"))
            assert await board.is_on(2)
            readings = Collector()
            async with running(Driver("doors", released(NO_TIMER, link)), readings):
                await readings.wait_for(DoorObserved)
                assert not await board.is_on(2)

    async def test_stopping_switches_off_what_is_on_for_a_while(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", released(NO_TIMER, link))
        async with ModbusBoard(link) as board:
            async with running(driver, readings):
                await readings.wait_for(DoorObserved)
                await driver.execute(PulseOutput("lamp", 600))
                assert await board.is_on(5)
            assert not await board.is_on(5)

    async def test_it_drops_while_the_gateway_can_take_no_more_readings(self, link: Path) -> None:
        full = FullInbox()
        driver = Driver("doors", released(NO_TIMER, link))
        async with ModbusBoard(link) as board, running(driver, full):
            await full.online.wait()
            await driver.execute(Release("gate-1"))
            assert await board.is_on(2)
            await until(lambda: is_off(board, 2))

    async def test_outputs_are_switched_and_pulsed(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", released({}, link))
        async with ModbusBoard(link) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            await driver.execute(SwitchOutput("lamp", on=True))
            assert await board.is_on(5)
            await driver.execute(SwitchOutput("lamp", on=False))
            assert not await board.is_on(5)
            await driver.execute(PulseOutput("lamp", 0.1))
            await until(lambda: is_off(board, 5))

        assert board.written == [(5, 0xFF00), (5, 0), (0x0205, 1)]

    @pytest.mark.parametrize(
        ("command", "complaint"),
        [
            (Release("gate-9"), "nothing here releases gate-9"),
            (SwitchOutput("gate-1", on=True), "no output is called gate-1"),
            (PulseOutput("gate-1", 1), "no output is called gate-1"),
            (PulseOutput("lamp", 0), "a pulse has up to 3600 s, not 0"),
            (PulseOutput("lamp", math.inf), "a pulse has up to 3600 s, not inf"),
            (TriggerScan(), "this device cannot do TriggerScan"),
        ],
    )
    async def test_what_it_cannot_do_is_said(
        self, link: Path, command: Command, complaint: str
    ) -> None:
        readings = Collector()
        driver = Driver("doors", released({}, link))
        async with ModbusBoard(link) as board, running(driver, readings):
            await readings.wait_for(DoorObserved)
            with pytest.raises(CommandError, match=complaint):
                await driver.execute(command)

        assert board.written == []

    async def test_without_a_board_nothing_is_promised(self, link: Path) -> None:
        driver = Driver("doors", released({}, link))
        with pytest.raises(CommandError, match="the device is not connected"):
            await driver.execute(Release("gate-1"))

        readings = Collector()
        async with ModbusBoard(link) as board, running(driver, readings) as task:
            await readings.wait_for(DoorObserved)
            board.unplug()
            with pytest.raises(CommandError):
                await driver.execute(Release("gate-1"))
            with pytest.raises(DeviceError):
                await task

    async def test_a_board_with_its_inputs_in_a_register(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", config(link, profile="25iob16", inputs=16))
        async with ModbusBoard(link, dialect="eletechsup") as board, running(driver, readings):
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN))
            await board.set_input(0, active=True)
            await readings.wait_for(lambda reading: reading == gate(Position.CLOSED))


class FullInbox:
    """An ``Emit`` that takes one reading and then waits for ever, as before a full disk."""

    def __init__(self) -> None:
        self.online = asyncio.Event()

    async def __call__(self, reading: Reading, *, age_s: float = 0.0) -> None:
        if self.online.is_set():
            await asyncio.Event().wait()
        self.online.set()


async def is_off(board: ModbusBoard, relay: int) -> bool:
    return not await board.is_on(relay)


async def have_been_written(board: ModbusBoard, count: int) -> bool:
    return len(board.written) >= count
