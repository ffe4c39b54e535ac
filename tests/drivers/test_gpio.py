"""GPIO: the driver on an emulated chip, from libgpiod's objects upwards; libgpiod's own errors."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from gpiod.line import Bias, Direction
from pydantic import ValidationError

from drivers.base import (
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
)
from drivers.emulators.gpiochip import GpioChip
from drivers.gpio import Config, Driver
from drivers.gpio.lines import Change, number_of_lost
from tests.collecting import Collector
from tests.drivers.running import kept_running, running

CHIP = "/dev/gpiochip7"
STRIKE, LAMP = 20, 21

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")


def config(**options: object) -> Config:
    stanza = {
        "driver": "gpio",
        "chip": CHIP,
        "doors": {
            "gate-1": {"role": "gate", "input": 4, "strike": STRIKE, "release_ms": 300},
            "home-3": {"role": "home", "input": 5, "tamper_input": 6},
        },
        "outputs": {"lamp": {"output": LAMP}},
    }
    return Config.model_validate(stanza | options)


def driver(chip: GpioChip, **options: object) -> Driver:
    return Driver("contacts", config(**options), chip.request_lines)


@pytest.fixture
def chip() -> GpioChip:
    """A chip to whose lines contacts are wired that are closed to ground: all doors are shut."""
    chip = GpioChip(CHIP)
    for line in (4, 5, 6):
        chip.wire(line, high=False)
    return chip


def gate(position: Position, commanded: Lock | None = None) -> DoorObserved:
    return DoorObserved("gate-1", Role.GATE, position, commanded=commanded)


def home(position: Position, *, tamper: bool | None) -> DoorObserved:
    return DoorObserved("home-3", Role.HOME, position, tamper=tamper)


def commanded(lock: Lock | None) -> Callable[[Reading], bool]:
    return lambda reading: isinstance(reading, DoorObserved) and reading.commanded is lock


class TestConfig:
    @pytest.mark.parametrize(
        ("doors", "complaint"),
        [
            ({"a": {"role": "gate", "input": 4, "strike": 4}}, r"doors\.a\.strike is 4, as is"),
            ({"a": {"role": "gate", "input": 21}}, r"outputs\.lamp\.output is 21, as is doors\.a"),
            ({"a": {"role": "home", "strike": 4}}, "a home door is only ever watched"),
        ],
    )
    def test_mistakes_are_named(self, doors: object, complaint: str) -> None:
        with pytest.raises(ValidationError, match=complaint):
            config(doors=doors)

    def test_says_that_no_chip_times_a_strike(self) -> None:
        [notice] = config().notices()
        assert notice.startswith("doors.gate-1: no GPIO chip times a pulse")


class TestDriver:
    async def test_tells_every_door_at_the_start(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip), readings):
            await readings.wait_for(lambda reading: reading == home(Position.CLOSED, tamper=False))

        assert readings.readings[:2] == [DeviceObserved(DeviceState.ONLINE), gate(Position.CLOSED)]

    async def test_a_cut_wire_is_an_open_door(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip), readings):
            await readings.wait_for(DoorObserved)
            chip.wire(4, high=None)
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN))
            chip.wire(6, high=None)
            await readings.wait_for(lambda reading: reading == home(Position.CLOSED, tamper=True))

    async def test_a_contact_to_the_supply(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip, contact_to="supply"), readings):
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN))
            chip.wire(4, high=True)
            await readings.wait_for(lambda reading: reading == gate(Position.CLOSED))
        [settings] = chip.requests
        contact = settings[4]
        assert contact is not None
        assert (contact.bias, contact.active_low) == (Bias.PULL_DOWN, False)

    async def test_every_edge_is_told_with_its_age(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip), readings):
            await readings.wait_for(lambda reading: reading == home(Position.CLOSED, tamper=False))
            loop = asyncio.get_running_loop()
            began = loop.time()
            # The loop is busy, as with a slow disk, while somebody goes through.
            chip.wire(4, high=True)
            while loop.time() < began + 0.3:
                pass
            chip.wire(4, high=False)
            seen = len(readings.readings)
            await readings.wait_for(lambda reading: reading == gate(Position.CLOSED), after=seen)

        assert readings.readings[seen:] == [gate(Position.OPEN), gate(Position.CLOSED)]
        opened, closed = readings.ages_s[seen:]
        assert opened >= 0.3
        assert closed < opened

    async def test_lost_edges_are_noticed_and_the_levels_read_anew(self, chip: GpioChip) -> None:
        readings = Collector()
        doors = driver(chip)
        async with running(doors, readings):
            await readings.wait_for(lambda reading: reading == home(Position.CLOSED, tamper=False))
            seen = len(readings.readings)
            for _ in range(300):
                chip.wire(4, high=True)
                chip.wire(4, high=False)
            chip.wire(4, high=True)
            degraded = await readings.wait_for(DeviceObserved, after=seen)
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN), after=seen)

        assert isinstance(degraded, DeviceObserved)
        assert (degraded.state, degraded.measured) == (DeviceState.DEGRADED, 601 - 256)
        assert doors.counters.resync == 1

    async def test_levels_are_read_again_from_time_to_time(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip, reread_s=0.1), readings):
            await readings.wait_for(DoorObserved)
            chip.wire(4, high=True, seen=False)
            await readings.wait_for(lambda reading: reading == gate(Position.OPEN))

    async def test_an_expander_is_pulled_and_put_back_a_hundred_times(self, chip: GpioChip) -> None:
        readings = Collector()
        async with kept_running(driver(chip), readings) as errors:
            await readings.wait_for(DoorObserved)
            for _ in range(100):
                seen = len(readings.readings)
                chip.unplug()
                await readings.wait_for(
                    lambda reading: reading == gate(Position.UNKNOWN), after=seen
                )
                chip.replug()
                await readings.wait_for(
                    lambda reading: reading == home(Position.CLOSED, tamper=False), after=seen
                )

        assert all("gone" in str(error) or "does not exist" in str(error) for error in errors)


class TestCommands:
    async def test_outputs_are_off_from_the_first_moment(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip, relay_on="low"), readings):
            await readings.wait_for(DoorObserved)
            assert chip.level(STRIKE)
            assert chip.level(LAMP)
        [settings] = chip.requests
        relay = settings[STRIKE]
        assert relay is not None
        assert (relay.direction, relay.active_low) == (Direction.OUTPUT, True)

    async def test_a_release_is_a_pulse(self, chip: GpioChip) -> None:
        readings = Collector()
        doors = driver(chip)
        async with running(doors, readings):
            await readings.wait_for(DoorObserved)
            await doors.execute(Release("gate-1"))
            assert chip.level(STRIKE)
            await readings.wait_for(commanded(Lock.UNLOCKED))
            seen = len(readings.readings)
            await readings.wait_for(commanded(None), after=seen)
            assert not chip.level(STRIKE)

    async def test_stopping_lets_go_of_the_strike(self, chip: GpioChip) -> None:
        readings = Collector()
        doors = driver(chip)
        async with running(doors, readings):
            await readings.wait_for(DoorObserved)
            await doors.execute(PulseOutput("lamp", 100))
            assert chip.level(LAMP)
        assert not chip.level(LAMP)

    async def test_outputs_are_switched(self, chip: GpioChip) -> None:
        readings = Collector()
        doors = driver(chip)
        async with running(doors, readings):
            await readings.wait_for(DoorObserved)
            await doors.execute(SwitchOutput("lamp", on=True))
            assert chip.level(LAMP)
            await doors.execute(SwitchOutput("lamp", on=False))
            assert not chip.level(LAMP)

    async def test_a_chip_that_is_gone_is_said(self, chip: GpioChip) -> None:
        readings = Collector()
        doors = driver(chip)
        async with running(doors, readings):
            await readings.wait_for(DoorObserved)
            chip.unplug()
            with pytest.raises(CommandError, match="is gone"):
                await doors.execute(Release("gate-1"))


class TestErrors:
    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("missing", "does not exist"),
            ("/dev/null", "is no GPIO chip"),
        ],
    )
    async def test_libgpiod_itself_is_understood(self, tmp_path: Path, path: str, why: str) -> None:
        chip = tmp_path / path
        with pytest.raises(DeviceError) as caught:
            await Driver("contacts", config(chip=str(chip))).run(Collector())
        assert str(caught.value) == f"{chip} {why}"

    async def test_a_line_in_use_and_a_line_too_many(self, chip: GpioChip) -> None:
        readings = Collector()
        async with running(driver(chip), readings):
            await readings.wait_for(DoorObserved)
            with pytest.raises(DeviceError, match="has a line that is in use by another program"):
                await driver(chip).run(Collector())
        small = GpioChip(CHIP, lines=4)
        with pytest.raises(DeviceError, match="does not have all of these lines"):
            await driver(small).run(Collector())


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [([(4, 1), (4, 2), (5, 1)], 0), ([(4, 3)], 2), ([(4, 1), (4, 4), (5, 2)], 3), ([], 0)],
)
def test_lost_edges_are_counted_for_each_line(numbers: list[tuple[int, int]], lost: int) -> None:
    changes = [Change(line, True, 0.0, number) for line, number in numbers]
    assert number_of_lost(changes, {}) == lost
