"""The input board: its stanza, and its driver against pymodbus's server on a pty."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.base import (
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    Role,
)
from drivers.emulators.modbus_board import ModbusBoard
from drivers.modbus_io import Config, Driver
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import kept_running, running

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
            ({}, "at least 1 item"),
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

    async def test_unplugged_and_replugged_twenty_times(self, link: Path) -> None:
        readings = Collector()
        driver = Driver("doors", config(link))
        async with ModbusBoard(link) as board, kept_running(driver, readings) as errors:
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN))
            descriptors = open_descriptors()
            for _ in range(20):
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

        assert len(errors) >= 20
        assert all("is gone" in str(error) for error in errors)
