"""RTSP, played by OpenCV's FFmpeg: a stream that stalls, breaks, brings garbage and comes back."""

import asyncio
import os
from collections.abc import Callable

import numpy as np
import pytest

from drivers.base import CodeScanned, DeviceObserved
from drivers.camera import Config, Driver
from drivers.emulators.h264 import access_unit
from drivers.emulators.rtp import H264
from drivers.emulators.rtsp import RtspCamera
from drivers.opencv import cv2
from drivers.qr.grey import Grey
from tests.collecting import Collector
from tests.drivers import codes
from tests.drivers.running import kept_running, running

pytestmark = pytest.mark.usefixtures("nothing_left_over")


def scene(payload: bytes) -> Grey:
    """A code in the middle of a grey picture of 320 × 240."""
    grey = np.full((240, 320), 128, np.uint8)
    code = codes.raw(payload)
    rows, columns = code.shape
    grey[20 : 20 + rows, 20 : 20 + columns] = code
    return grey


def picture(payload: bytes) -> bytes:
    """The scene as a JPEG in colours."""
    coloured = cv2.cvtColor(scene(payload), cv2.COLOR_GRAY2BGR)
    return cv2.imencode(".jpg", coloured)[1].tobytes()


def driver(source: str) -> Driver:
    options = {"open_timeout_s": 3.0, "read_timeout_s": 0.5, "gone_after_s": 0.3, "fps": 30}
    return Driver(
        "camera-1", Config.model_validate({"driver": "camera", "source": source, **options})
    )


async def test_codes_are_read() -> None:
    collector = Collector()
    pictures = [picture(b"one")] * 10 + [picture(b"two")] * 10
    async with RtspCamera(pictures) as camera, running(driver(camera.url), collector):
        await collector.wait_for(lambda each: getattr(each, "payload", b"") == b"one")
        await collector.wait_for(lambda each: getattr(each, "payload", b"") == b"two")


async def test_codes_in_h264_are_read() -> None:
    collector = Collector()
    film = [access_unit(scene(payload), turn) for payload in (b"one", b"two") for turn in range(10)]
    async with RtspCamera(film, H264) as camera, running(driver(camera.url), collector):
        await collector.wait_for(lambda each: getattr(each, "payload", b"") == b"one")
        await collector.wait_for(lambda each: getattr(each, "payload", b"") == b"two")


async def test_it_stalls_and_comes_back() -> None:
    collector = Collector()
    async with (
        RtspCamera([picture(b"live")]) as camera,
        kept_running(driver(camera.url), collector) as errors,
    ):
        await collector.wait_for(CodeScanned)
        camera.stalls = True
        await until(lambda: bool(errors))
        assert str(errors[0]) == "no picture from the camera for 0.5 s"
        camera.stalls = False
        await collector.wait_for(DeviceObserved, after=len(collector.readings))


async def test_it_breaks_and_comes_back() -> None:
    collector = Collector()
    async with (
        RtspCamera([picture(b"live")]) as camera,
        kept_running(driver(camera.url), collector) as errors,
    ):
        for _ in range(2):
            await collector.wait_for(DeviceObserved, after=len(collector.readings))
            errors.clear()
            await camera.unplug()
            await until(lambda: any("cannot be opened" in str(error) for error in errors))
            await camera.replug()
        await collector.wait_for(DeviceObserved, after=len(collector.readings))


@pytest.mark.parametrize("garbage", [os.urandom(50_000), b"$\0\xff\xff" + bytes(70_000)])
async def test_garbage_between_the_packets_passes(garbage: bytes) -> None:
    collector = Collector()
    async with (
        RtspCamera([picture(b"live")]) as camera,
        kept_running(driver(camera.url), collector),
    ):
        first = await collector.wait_for(CodeScanned)
        camera.garbage = garbage
        await until(lambda: not camera.garbage)
        # Shown anew, whether the player has found its way again or has started anew.
        camera.pictures[:] = [picture(b"after")]
        after = await collector.wait_for(
            lambda each: isinstance(each, CodeScanned) and each != first, 20
        )
    assert isinstance(after, CodeScanned)
    assert after.payload == b"after"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)
