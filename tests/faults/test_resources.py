"""A small box: what the daemon takes of it, and that it works where there is no more than that."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from drivers.base import DeviceState
from drivers.emulators.camera import Camera
from gateway import health
from tests.bench.process import Process
from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import GATE, Daemon
from tests.drivers.conftest import children
from tests.faults.account import Account
from tests.faults.cgroups import MemoryGroup, memory_group
from tests.faults.site import ROOT, killed_at_the_end
from tests.faults.soak import Rush
from tests.ports import free_port
from tests.receiving import Received, listening

MEMORY_MB = 128
DESCRIPTORS = 64
DEVICES = 8
BACKLOG = 10_000
"""Events; a day of a busy gate."""
REST_MB = 60
REST_WITH_CAMERA_MB = 150
"""Resident memory of daemon and eye, what they share counted twice."""

_CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
"""
)
_THERMOMETER = """
[devices.{name}]
driver = "gy_mcu906"
port = "{name}"
baud = 9600
measuring = {{ report = "every", every_s = 0 }}
"""
_CAMERA = """
[devices.camera]
driver = "camera"
source = "{url}"
"""


def all_online(picture: health.Health) -> bool:
    states = {device.state for device in picture.devices.values()}
    return picture.link.online and states == {DeviceState.ONLINE}


@asynccontextmanager
async def thermometers(directory: Path, count: int) -> AsyncIterator[list[str]]:
    """Emulated ones, in a hurry; their names."""
    names = [f"thermometer-{number}" for number in range(count)]
    async with AsyncExitStack() as plugged:
        for name in names:
            await plugged.enter_async_context(Rush(directory / name, rate_hz=20, together=20))
        yield names


def confined(directory: Path, config: str, group: MemoryGroup, descriptors: int) -> Daemon:
    """A daemon that has no more memory than `group`, and no more descriptors than that."""
    return Daemon(
        directory,
        config,
        environment={"PYTHONPATH": str(ROOT)},
        program=("tests.faults.cgroups", str(group.directory), str(descriptors)),
    )


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    with memory_group(MEMORY_MB) as made:
        yield made


async def test_it_is_small(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, thermometers(tmp_path, 1) as [name]:
        config = _CONFIG.format(port=broker.port) + _THERMOMETER.format(name=name)
        async with Daemon(tmp_path, config) as daemon:
            await daemon.until(all_online)
            assert Process(daemon.pid).rss_mb < REST_MB


async def test_it_is_small_with_a_camera(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, Camera() as camera:
        config = _CONFIG.format(port=broker.port) + _CAMERA.format(url=camera.url)
        async with Daemon(tmp_path, config) as daemon:
            await daemon.until(all_online)
            await camera.person(b"somebody")
            await daemon.until(lambda now: now.journal.recorded > 1)
            family = [daemon.pid, *children(daemon.pid)]
            assert len(family) == 2
            assert sum(Process(pid).rss_mb for pid in family) < REST_WITH_CAMERA_MB


async def test_it_works_in_a_small_box(
    tmp_path: Path, group: MemoryGroup, account: Account
) -> None:
    """With its devices at work and no broker, then with a day's backlog."""
    broker = Mosquitto(tmp_path)
    async with thermometers(tmp_path, DEVICES) as names:
        stanzas = [_THERMOMETER.format(name=name) for name in names]
        config = _CONFIG.format(port=broker.port) + "".join(stanzas)
        daemon = confined(tmp_path, config, group, DESCRIPTORS)
        async with killed_at_the_end(daemon):
            await daemon.start()
            await daemon.until(lambda now: now.journal.recorded > BACKLOG, within_s=60)
            await broker.start()
            async with listening(broker.port, Received()) as received:
                now = await daemon.until(
                    lambda now: all_online(now) and now.journal.confirmed > BACKLOG, within_s=60
                )
                await until(lambda: len(received.contents) > BACKLOG)
            assert await daemon.stop() == 0
            assert "Too many open files" not in daemon.log
        await broker.kill()
    assert group.kills == 0
    entry = account.of("128 MB of memory and 64 descriptors")
    entry.count += 1
    entry.recorded += BACKLOG
    entry.lost += len(set(range(1, BACKLOG + 1)) - set(received.seqs(now.epoch)))
    entry.duplicates = received.duplicates
    assert entry.lost == 0


async def test_too_little_memory_is_found_out(tmp_path: Path, group: MemoryGroup) -> None:
    group.limit(16)
    daemon = confined(tmp_path, _CONFIG.format(port=free_port()), group, DESCRIPTORS)
    async with killed_at_the_end(daemon):
        await daemon.start()
        assert await daemon.ended() == -signal.SIGKILL
    assert group.kills > 0


async def test_too_few_descriptors_are_found_out(tmp_path: Path, group: MemoryGroup) -> None:
    daemon = confined(tmp_path, _CONFIG.format(port=free_port()), group, 8)
    async with killed_at_the_end(daemon):
        await daemon.start()
        assert await daemon.ended() == 1
