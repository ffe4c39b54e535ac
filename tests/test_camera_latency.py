"""From a code's being in the picture to its being a durable event: below 150 ms."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from drivers.base import CodeScanned, Reading
from drivers.camera import Config, Driver
from drivers.opencv import cv2
from drivers.qr.grey import Grey
from gateway.clock import Clock
from gateway.events import Draft, Kind, Observation, Origin, Pseudonyms, Unjudged
from gateway.journal import Journal, Row
from gateway.recorder import Recorder
from tests.drivers import codes
from tests.drivers.running import running
from tests.drivers.streams import HEAD, ScriptedServer, part

FPS = 15
CODES = 40


class TimedJournal(Journal):
    """Notes when each scan has become durable."""

    durable_s: list[float]

    async def append(self, drafts: Sequence[Draft]) -> list[Row]:
        rows = await super().append(drafts)
        self.durable_s += [time.monotonic() for draft in drafts if draft.kind is Kind.SCAN]
        return rows


async def shows_the_time(server: ScriptedServer, writer: asyncio.StreamWriter) -> None:
    """A script: each picture holds a code that says when it was drawn."""
    scene = (codes.noise(720, 1280) // 32 + 110).astype(np.uint8)
    writer.write(HEAD)
    while not server.over.is_set():
        began_s = time.monotonic()
        code = codes.raw(b"%.6f" % began_s)
        scene[300 : 300 + code.shape[0], 600 : 600 + code.shape[1]] = code
        writer.write(part(codes.jpeg(cast(Grey, cv2.blur(scene, (2, 2))))))
        await writer.drain()
        await asyncio.sleep(began_s + 1 / FPS - time.monotonic())


async def test_from_the_picture_to_the_disk(tmp_path: Path) -> None:
    clock = Clock()
    journal = await TimedJournal.open(tmp_path / "journal.db", source="/gateways/1", clock=clock)
    assert isinstance(journal, TimedJournal)
    journal.durable_s = []
    recorder = Recorder(journal, Unjudged(Pseudonyms(b"k" * 32)), clock)
    drawn_s: list[float] = []

    async def emit(reading: Reading, *, age_s: float = 0.0) -> None:
        if isinstance(reading, CodeScanned):
            drawn_s.append(float(reading.payload))
        origin = Origin("camera-1", "camera", "in-1")
        await recorder.take(Observation(origin, clock.now().earlier(age_s), reading))

    recording = asyncio.create_task(recorder.run())
    async with ScriptedServer(shows_the_time) as server:
        camera = Driver("camera-1", Config(driver="camera", source=server.url, fps=FPS))
        async with running(camera, emit), asyncio.timeout(60):
            while len(journal.durable_s) < CODES:
                await asyncio.sleep(0.01)
    recording.cancel()
    await asyncio.wait([recording])
    await journal.close()

    took_s = [then - drawn for drawn, then in zip(drawn_s, journal.durable_s, strict=False)]
    assert statistics.median(took_s) < 0.150, sorted(took_s)
