"""A line with several boards on one pty: in turn, fair, and none slowed by a silent neighbour."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from drivers.base import DeviceError, DeviceState, DoorObserved
from drivers.emulators.cable import Cable
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.party import PartyLine
from drivers.modbus_io import Config, Driver
from drivers.wire import bus
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import hot_unplugs, kept_running

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

SETTINGS = bus.Settings(9600)
SILENCE_MS = 200


def driver(link: Path, address: int) -> Driver:
    stanza = {
        "driver": "modbus_io",
        "port": link,
        "address": address,
        "inputs": 1,
        "poll_ms": 20,
        "answer_ms": SILENCE_MS,
        "doors": {f"gate-{address}": {"input": 0, "role": "gate"}},
    }
    return Driver(f"board-{address}", Config.model_validate(stanza))


class Line:
    """Three boards on one line, each with its driver, kept running without a pause."""

    def __init__(self, boards: list[ModbusBoard], readings: list[Collector]) -> None:
        self.boards = boards
        self.readings = readings

    async def answers_within(self, seconds: float) -> list[int]:
        """How often each board is asked in this time."""
        before = [board.asked for board in self.boards]
        await asyncio.sleep(seconds)
        return [board.asked - was for board, was in zip(self.boards, before, strict=True)]


@asynccontextmanager
async def three_boards(link: Path) -> AsyncIterator[Line]:
    with PartyLine(link) as party:
        async with AsyncExitStack() as stack:
            line = Line([], [])
            for address in (1, 2, 3):
                board = ModbusBoard(party, address=address, inputs=1, modes=())
                line.boards.append(await stack.enter_async_context(board))
                line.readings.append(Collector())
                running = kept_running(driver(link, address), line.readings[-1])
                await stack.enter_async_context(running)
            for readings in line.readings:
                await readings.wait_for(DoorObserved)
            yield line


async def test_three_boards_share_one_open_port(link: Path) -> None:
    async with three_boards(link):
        together = open_descriptors()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(ModbusBoard(link, inputs=1))
        readings = Collector()
        await stack.enter_async_context(kept_running(driver(link, 1), readings))
        await readings.wait_for(DoorObserved)
        assert open_descriptors() == together


async def test_they_are_asked_equally_often(link: Path) -> None:
    async with three_boards(link) as line:
        counts = await line.answers_within(2)

    assert min(counts) > 10
    assert max(counts) - min(counts) <= max(3, max(counts) // 10)


async def test_a_silent_one_costs_the_others_one_time_out_a_round(link: Path) -> None:
    async with three_boards(link) as line:
        line.boards[1].unplug()
        seen = len(line.readings[1].readings)
        await line.readings[1].wait_for(DoorObserved, after=seen)  # unknown now
        first, _, third = await line.answers_within(4)

    # It is asked without a pause here, where the gateway waits longer after every failure.
    rounds = 4 / (SILENCE_MS / 1000)
    assert rounds / 2 <= first <= rounds * 1.5
    assert abs(first - third) <= 3


async def test_a_silent_one_that_is_left_alone_costs_nothing(link: Path) -> None:
    with PartyLine(link) as party:
        async with ModbusBoard(party, inputs=1, modes=()) as board:
            readings = Collector()
            async with kept_running(driver(link, 1), readings):
                await readings.wait_for(DoorObserved)
                with pytest.raises(DeviceError, match="Modbus device 2 does not answer"):
                    await driver(link, 2).run(Collector())
                before = board.asked
                await asyncio.sleep(1)
                assert board.asked - before > 10


@hot_unplugs
async def test_all_come_back_after_the_adapter_was_pulled(link: Path, rounds: int) -> None:
    async with AsyncExitStack() as stack:
        party = stack.enter_context(PartyLine(link))
        everybody = [Collector() for _ in range(3)]
        for address, readings in enumerate(everybody, start=1):
            board = ModbusBoard(party, address=address, inputs=1, modes=())
            await stack.enter_async_context(board)
            await stack.enter_async_context(kept_running(driver(link, address), readings))
            await readings.wait_for(DoorObserved)
        descriptors = open_descriptors()
        for _ in range(rounds):
            seen = [len(readings.readings) for readings in everybody]
            party.cable.unplug()
            party.cable.plug()
            for readings, after in zip(everybody, seen, strict=True):
                await readings.wait_for(
                    lambda reading: getattr(reading, "state", None) is DeviceState.ONLINE,
                    after=after,
                )
        assert open_descriptors() == descriptors


async def test_settings_must_agree(link: Path) -> None:
    with PartyLine(link):
        async with bus.joined(link, SETTINGS), AsyncExitStack() as stack:
            with pytest.raises(DeviceError) as caught:
                await stack.enter_async_context(bus.joined(link, bus.Settings(19200, "E")))
        assert str(caught.value) == (
            f"{link} is in use by another device at 9600 baud, parity N; this one wants 19200 baud,"
            " parity E"
        )
        async with bus.joined(link, bus.Settings(19200, "E", echo=True)):
            pass


async def test_two_names_of_one_port_are_one_line(link: Path) -> None:
    other = link.with_name("other")
    other.symlink_to(link)
    with PartyLine(link):
        async with bus.joined(link, SETTINGS) as one, bus.joined(other, SETTINGS) as two:
            assert one is two


async def test_what_is_told_keeps_the_line_until_it_is_through(link: Path) -> None:
    times: list[float] = []
    heard = bytearray()

    def hear(data: bytes) -> None:
        heard.extend(data)
        times.append(asyncio.get_running_loop().time())

    cable = Cable(link, hear)
    cable.plug()
    try:
        async with bus.joined(link, SETTINGS) as line:
            async with asyncio.timeout(10):
                await line.tell(b"!")
                while not heard:  # from now on the far end hears at once
                    await asyncio.sleep(0.01)
                began = asyncio.get_running_loop().time()
                await line.tell(bytes(100))
                await line.tell(b"next")
                while len(heard) < 105:
                    await asyncio.sleep(0.01)
    finally:
        cable.unplug()
    assert times[-1] - began >= 100 * 11 / 9600
