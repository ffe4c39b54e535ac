"""The emulated thermometers answer as documented; their drivers are not needed for that."""

import asyncio
from pathlib import Path

import pytest

from drivers.emulators.gy_614v import Gy614V
from drivers.emulators.gy_mcu90640 import GyMcu90640
from drivers.emulators.instrument import Instrument
from drivers.emulators.lu90614 import Lu90614
from drivers.emulators.optris import Optris
from drivers.wire import serialport
from tests.drivers.test_emulators import read

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")


async def answer(module: Instrument, link: Path, question: str, count: int) -> bytes:
    """The first bytes that come after the question."""
    async with module, serialport.opened(link, baud=module.baud) as port:
        await port.write(bytes.fromhex(question))
        return (await read(port, count))[:count]


@pytest.mark.parametrize(("question", "told"), [("A4 06 03 01 AE A4 03 06 01 AE", "64 12")])
async def test_gy_614v_tells_its_offset(link: Path, question: str, told: str) -> None:
    frame = await answer(Gy614V(link, rate_hz=0.1), link, question, 6)

    assert frame == bytes.fromhex("A4 03 06 01" + told)


async def test_gy_614v_tells_its_temperatures(link: Path) -> None:
    frame = await answer(Gy614V(link, rate_hz=0.1), link, "A4 06 07 62 13 A4 03 07 07 B5", 12)

    assert frame[:5] == bytes.fromhex("A4 03 07 07 62")
    assert frame[7:9] == round(22.0 * 100).to_bytes(2, "big")
    assert frame[11] == sum(frame[:11]) & 0xFF


@pytest.mark.parametrize(("mode", "kind"), [("FA C5 BF", 0xAC), ("FA C6 C0", 0xAA)])
async def test_lu90614_answers_in_its_mode(link: Path, mode: str, kind: int) -> None:
    frame = await answer(Lu90614(link), link, f"{mode} FA CA C4", 9)

    assert frame[:2] == bytes((0xFE, kind))
    assert frame[4:] == bytes((0, 0, 0, 0, sum(frame[:8]) & 0xFF))


@pytest.mark.parametrize(
    ("hs", "question", "told"),
    [(False, "02", "04 C4"), (True, "02", "2F A8"), (False, "04", "03 CA")],
)
async def test_optris_answers_with_two_bytes(
    link: Path, hs: bool, question: str, told: str
) -> None:
    assert await answer(Optris(link, hs=hs), link, question, 2) == bytes.fromhex(told)


async def test_gy_mcu90640_tells_its_emissivity(link: Path) -> None:
    question = "A5 35 01 DB A5 55 01 FB"

    async with (
        GyMcu90640(link, hurry=0.01) as module,
        serialport.opened(link, baud=module.baud) as port,
        asyncio.timeout(10),
    ):
        await port.write(bytes.fromhex(question))
        heard = b""
        while not heard.endswith(bytes.fromhex("5A 5A 5F 13")):
            heard += await port.read()
