"""A camera that is covered, facing the sun, out of focus or frozen, before the real eye."""

import asyncio
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from drivers.base import DeviceObserved, DeviceState, Reading
from drivers.camera import Config, Driver
from drivers.camera.conditions import RULES
from drivers.emulators.scene import Scene
from drivers.opencv import cv2
from drivers.qr.grey import Grey
from tests.collecting import Collector
from tests.drivers import codes
from tests.drivers.running import running
from tests.drivers.streams import HEAD, ScriptedServer, part

pytestmark = pytest.mark.usefixtures("nothing_left_over")

ONLINE = DeviceObserved(DeviceState.ONLINE)
IMPATIENT = [
    replace(rule, hold_s=0.2, clear_s=0.2, begins=1.5 if "frozen" in rule.reason else rule.begins)
    for rule in RULES
]


def tells(why: str, reading: Reading) -> bool:
    return isinstance(reading, DeviceObserved) and str(reading.reason).startswith(why)


def views_of_a_gate() -> tuple[list[bytes], dict[str, list[bytes]]]:
    """Parts of a stream: the gate with nobody in it, and what its camera may show instead."""
    scene = Scene()
    usual = [cv2.cvtColor(scene.empty(), cv2.COLOR_BGR2GRAY).astype(np.uint8) for _ in range(4)]
    troubles = {
        "nothing to see": [codes.grainy(np.full_like(usual[0], 60), 2, seed=n) for n in range(2)],
        "overexposed": [codes.grainy(np.full_like(usual[0], 255), 2, seed=n) for n in range(2)],
        "out of focus": [codes.blurred(grey, 4) for grey in usual],
        "frozen": usual[:1],
    }
    return streamed(usual), {reason: streamed(greys) for reason, greys in troubles.items()}


def streamed(greys: list[Grey]) -> list[bytes]:
    return [part(codes.jpeg(grey)) for grey in greys]


async def test_each_trouble_with_the_picture_is_told_and_so_is_its_end() -> None:
    """By the real rules, but for their patience."""
    usual, troubles = views_of_a_gate()
    shown = usual

    async def script(server: ScriptedServer, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        while not server.over.is_set():
            for picture in shown:
                writer.write(picture)
                await asyncio.sleep(0.02)

    collector = Collector()
    async with ScriptedServer(script) as server:
        config = Config(driver="camera", source=server.url, fps=60)
        async with running(Driver("camera-1", config, IMPATIENT), collector):
            await collector.wait_for(ONLINE.__eq__)
            for reason, view in troubles.items():
                told, shown = len(collector.readings), view
                trouble = await collector.wait_for(partial(tells, reason), 20, after=told)
                assert isinstance(trouble, DeviceObserved)
                assert (trouble.state, trouble.measured is None) == (DeviceState.DEGRADED, False)
                told, shown = len(collector.readings), usual
                await collector.wait_for(ONLINE.__eq__, 20, after=told)
