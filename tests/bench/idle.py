"""The real daemon at rest: with a thermometer and a board, and with a camera besides."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import NoReturn

from drivers.base import DeviceState
from drivers.emulators.camera import Camera
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from gateway import health
from tests.bench.counter import counting
from tests.bench.figures import Figure, Settings, at_most, median
from tests.bench.process import Process
from tests.brokers import mosquitto
from tests.daemon import GATE, Daemon
from tests.drivers.conftest import children
from tests.ports import free_port
from tests.web.talking import asked

_CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}

[page]
listen = "127.0.0.1:{page}"

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"

[devices.board]
driver = "modbus_io"
port = "board"
doors.gate-1 = {{ input = 0, role = "gate" }}
"""
)
_CAMERA = """
[devices.camera]
driver = "camera"
source = "{url}"
"""
_SETTLE_S = 1.0
_LOOK_S = 2.0
"""As often as the page asks while somebody looks at it."""
_ANY_EVENTS = 1000
_BARE = "import asyncio, sys; print(flush=True); sys.stdin.read()"


@dataclass(frozen=True, slots=True)
class Rest:
    """A process that has nothing to do; `start_s` until it answers."""

    start_s: float
    rss_mb: float
    cpu_percent: float
    threads: int
    watched_percent: float = 0.0
    """Of the processor, while somebody looks at the page."""


def run(settings: Settings) -> Iterator[Figure]:
    """Memory, processor, threads and start, beside an interpreter that only waits."""
    ours, bare = asyncio.run(_both(settings))
    beside = "python with asyncio"
    yield Figure("at rest, memory", ours.rss_mb, "MB", bare.rss_mb, beside, [at_most(60)])
    yield Figure("at rest, processor", ours.cpu_percent, "%", reach=[at_most(0.5)])
    yield Figure("at rest, page open, processor", ours.watched_percent, "%")
    yield Figure("at rest, threads", ours.threads, "", bare.threads, beside)
    yield Figure("start, until it answers", ours.start_s, "s", bare.start_s, beside, [at_most(1)])
    resident, shared_out = asyncio.run(_with_camera(settings))
    name = "with a camera of 15 pictures a second, memory"
    yield Figure(name, resident, "MB", shared_out, "shared pages once (PSS)", [at_most(150)])


async def _both(settings: Settings) -> tuple[Rest, Rest]:
    directory = settings.directory / "idle"
    directory.mkdir()
    async with (
        mosquitto(directory) as broker,
        counting(directory, broker.port, _ANY_EVENTS),
    ):
        page = free_port()
        daemon = Daemon(directory, _CONFIG.format(port=broker.port, page=page))
        starts = [await _started(daemon) for _ in range(settings.scaled(3, 1))]
        async with _devices(directory), daemon:
            await daemon.until(_all_there)
            rest = await _at_rest(daemon.pid, settings.scaled(30, 8), median(starts))
            watching = asyncio.create_task(_look_at(f"http://127.0.0.1:{page}/"))
            watched = await _at_rest(daemon.pid, settings.scaled(15, 8), 0.0)
            watching.cancel()
            return replace(rest, watched_percent=watched.cpu_percent), await _bare()


@asynccontextmanager
async def _devices(directory: Path) -> AsyncIterator[None]:
    async with Thermometer(directory / "thermometer"), ModbusBoard(directory / "board"):
        yield


async def _started(daemon: Daemon) -> float:
    async with _devices(daemon.directory):
        began = perf_counter()
        async with daemon:
            await daemon.until(lambda _: True)
            took = perf_counter() - began
            await daemon.stop()
        return took


def _all_there(picture: health.Health) -> bool:
    states = {device.state for device in picture.devices.values()}
    return picture.link.online and states == {DeviceState.ONLINE}


async def _look_at(url: str) -> NoReturn:
    while True:
        assert (await asked(url, "/status.json")).status == 200
        await asyncio.sleep(_LOOK_S)


async def _with_camera(settings: Settings) -> tuple[float, float]:
    """Resident memory of the daemon and the eye, and that without counting pages twice."""
    directory = settings.directory / "camera"
    directory.mkdir()
    async with mosquitto(directory) as broker, Camera(fps=15) as camera, _devices(directory):
        config = _CONFIG.format(port=broker.port, page=free_port()) + _CAMERA.format(url=camera.url)
        async with Daemon(directory, config) as daemon:
            await daemon.until(_all_there)
            await camera.person(b"somebody")
            await asyncio.sleep(settings.scaled(10, 3))
            family = [Process(pid) for pid in (daemon.pid, *children(daemon.pid))]
            return sum(each.rss_mb for each in family), sum(each.pss_mb for each in family)


async def _at_rest(pid: int, seconds: float, start_s: float) -> Rest:
    process = Process(pid)
    await asyncio.sleep(_SETTLE_S)
    began, before = perf_counter(), process.cpu_s
    await asyncio.sleep(seconds)
    cpu = (process.cpu_s - before) / (perf_counter() - began)
    return Rest(start_s, process.rss_mb, cpu * 100, process.threads)


async def _bare() -> Rest:
    began, pipe = perf_counter(), asyncio.subprocess.PIPE
    bare = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BARE, stdin=pipe, stdout=pipe
    )
    assert bare.stdout is not None
    await bare.stdout.readline()
    took = perf_counter() - began
    rest = Rest(took, Process(bare.pid).rss_mb, 0.0, Process(bare.pid).threads)
    await bare.communicate(b"")
    return rest
