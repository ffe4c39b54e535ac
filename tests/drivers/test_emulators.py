"""The emulated devices keep to their documents, heard through a bare port without any driver."""

import asyncio
from pathlib import Path

import pytest

from drivers.emulators.cable import Cable
from drivers.emulators.lock_board import LockBoard, Make
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from drivers.wire import serialport
from drivers.wire.serialport import SerialPort

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")


async def read(port: SerialPort, count: int) -> bytes:
    """The next ``count`` bytes or a few more."""
    received = b""
    async with asyncio.timeout(10):
        while len(received) < count:
            received += await port.read()
    return received


async def is_silent(port: SerialPort) -> bool:
    try:
        async with asyncio.timeout(0.1):
            await port.read()
    except TimeoutError:
        return True
    return False


def is_port(path: Path) -> bool:
    return path.is_char_device()


class TestCable:
    async def test_the_path_outlives_the_pty(self, link: Path) -> None:
        cable = Cable(link, lambda _: None)
        cable.plug()
        assert is_port(link)
        cable.unplug()
        assert not is_port(link)
        cable.plug()
        assert is_port(link)
        cable.unplug()

    async def test_plugging_twice_is_plugging_once(self, link: Path) -> None:
        cable = Cable(link, lambda _: None)
        cable.plug()
        cable.plug()
        assert cable.plugged
        cable.unplug()
        cable.unplug()
        assert not cable.plugged
        assert cable.baud == 0

    async def test_what_nobody_listens_to_is_lost(self, link: Path) -> None:
        cable = Cable(link, lambda _: None)
        cable.send(b"unplugged")
        cable.plug()
        cable.send(b"nobody there")
        async with serialport.opened(link, baud=9600) as port:
            assert await is_silent(port)
        cable.unplug()


class TestThermometer:
    async def test_says_nothing_until_told(self, link: Path) -> None:
        async with Thermometer(link, rate_hz=100), serialport.opened(link, baud=9600) as port:
            assert await is_silent(port)
            await port.write(bytes.fromhex("A5 45 EA"))
            assert (await read(port, 9)).startswith(bytes.fromhex("5A 5A 45 04"))

    async def test_gives_one_reading_when_asked_for_one(self, link: Path) -> None:
        async with Thermometer(link, rate_hz=100), serialport.opened(link, baud=9600) as port:
            await port.write(bytes.fromhex("A5 15 BA"))
            assert len(await read(port, 9)) == 9
            assert await is_silent(port)

    async def test_passes_over_noise_and_bad_sums(self, link: Path) -> None:
        async with Thermometer(link, rate_hz=100), serialport.opened(link, baud=9600) as port:
            await port.write(bytes.fromhex("00 A5 45 EB A5"))
            assert await is_silent(port)
            await port.write(bytes.fromhex("A5 45 EA"))
            assert len(await read(port, 9)) >= 9

    async def test_settings_count_from_the_next_power_up(self, link: Path) -> None:
        async with Thermometer(link, rate_hz=100) as module:
            async with serialport.opened(link, baud=9600) as port:
                await port.write(bytes.fromhex("A5 AF 54 A5 51 F6 A5 15 BA"))
                assert len(await read(port, 9)) == 9
                assert await is_silent(port)
            module.unplug()
            module.replug()
            async with serialport.opened(link, baud=115200) as port:
                await port.write(b"hello")
                assert (await read(port, 9)).startswith(bytes.fromhex("5A 5A 45 04"))

    async def test_temperatures_below_zero(self, link: Path) -> None:
        async with Thermometer(link, rate_hz=100) as module:
            module.object_celsius, module.ambient_celsius = -10.0, -10.5
            async with serialport.opened(link, baud=9600) as port:
                await port.write(bytes.fromhex("A5 15 BA"))
                frame = await read(port, 9)

        assert int.from_bytes(frame[4:6], "big", signed=True) == pytest.approx(-1000, abs=6)
        assert frame[6:8] == bytes.fromhex("FB E6")
        assert frame[8] == sum(frame[:8]) & 0xFF


class TestModbusBoard:
    @pytest.mark.parametrize(
        ("request_", "answer"),
        [
            ("01 02 00 00 00 08 79 CC", "01 02 01 05 61 8B"),
            ("01 01 00 00 00 08 3D CC", "01 01 01 00 51 88"),
        ],
    )
    async def test_documented_frames(self, link: Path, request_: str, answer: str) -> None:
        async with ModbusBoard(link) as board:
            await board.set_input(0, active=True)
            await board.set_input(2, active=True)
            async with serialport.opened(link, baud=9600) as port:
                await port.write(bytes.fromhex(request_))
                expected = bytes.fromhex(answer)
                assert await read(port, len(expected)) == expected

    async def test_a_board_without_modes_refuses_to_tell_them(self, link: Path) -> None:
        async with ModbusBoard(link, modes=()), serialport.opened(link, baud=9600) as port:
            await port.write(bytes.fromhex("01 03 10 00 00 08 40 CC"))
            assert await read(port, 5) == bytes.fromhex("01 83 02 C0 F1")


class TestBoards:
    async def test_a_documented_flash_switches_on_and_off_again(self, link: Path) -> None:
        flash = bytes.fromhex("01 05 02 00 00 07 8D B0")
        async with ModbusBoard(link) as board, serialport.opened(link, baud=9600) as port:
            await port.write(flash)
            assert await read(port, 8) == flash
            async with asyncio.timeout(10):
                while not await board.is_on(0):
                    await asyncio.sleep(0.01)
                while await board.is_on(0):
                    await asyncio.sleep(0.01)

    async def test_switching_off_does_not_end_a_delay_of_eletechsup_but_zero_does(
        self, link: Path
    ) -> None:
        board = ModbusBoard(link, dialect="eletechsup")
        async with board, serialport.opened(link, baud=9600) as port:
            for frame in ("01 06 00 01 06 0A 5B AD", "01 06 00 01 02 00 D9 6A"):
                await port.write(bytes.fromhex(frame))
                assert await read(port, 8) == bytes.fromhex(frame)
            async with asyncio.timeout(10):
                while not await board.is_on(1):
                    await asyncio.sleep(0.01)
            await port.write(bytes.fromhex("01 06 00 01 06 00 DB AA"))
            await read(port, 8)
            async with asyncio.timeout(10):
                while await board.is_on(1):
                    await asyncio.sleep(0.01)

    @pytest.mark.parametrize(
        ("make", "number", "question", "answer"),
        [
            ("xor5", 1, "80 01 01 33 B3", "80 01 01 11 91"),
            ("xor5", 1, "8A 01 01 11 9B", "8A 01 01 00 8A"),
            ("wkly", 0, "57 4B 4C 59 09 00 82 01 83", "57 4B 4C 59 0B 00 82 00 01 00 81"),
            ("kerong", 1, "02 10 30 03 45", "02 10 35 FF FF 00 00 03 48"),
        ],
    )
    async def test_lock_boards_answer_as_documented(
        self, link: Path, make: Make, number: int, question: str, answer: str
    ) -> None:
        board = LockBoard(link, make, board=number)
        async with board, serialport.opened(link, baud=9600) as port:
            await port.write(bytes.fromhex(question))
            assert await read(port, len(bytes.fromhex(answer))) == bytes.fromhex(answer)
