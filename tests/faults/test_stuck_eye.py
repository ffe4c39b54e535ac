"""A camera that hangs its process in the kernel: it cannot be killed, and nothing waits for it."""

import asyncio
from pathlib import Path

import pytest

from drivers.base import DeviceError
from drivers.camera import Config
from drivers.camera.process import END_S, Eye
from tests.brokers import until
from tests.drivers.conftest import children
from tests.faults.hangingfs import hanging_fs

LATE_S = 3.0
"""What a loaded machine may add."""


async def test_who_looks_through_it_is_free_again(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with hanging_fs(tmp_path) as disk:
        eye = Eye(Config(driver="camera", source=str(disk.path / "camera.avi")).options)
        async with eye:
            await eye.ready()
            (pid,) = set(children()) - {disk.server.pid}
            await until(lambda: hangs(pid))
            left = loop.time()
        assert loop.time() - left < END_S + LATE_S
        with pytest.raises(DeviceError, match=f"process {pid} was killed and does not end"):
            await eye.__aenter__()

        disk.free()
        await until(lambda: pid not in children())
        async with asyncio.timeout(20):
            while not await begins(eye):
                await asyncio.sleep(0.02)


async def begins(eye: Eye) -> bool:
    """Whether another process can be started."""
    try:
        async with eye:
            await eye.ready()
    except DeviceError:
        return False
    return True


def hangs(pid: int) -> bool:
    """Whether a thread of the process waits in the kernel, and for no signal: D in man 5 proc."""
    stats = [(thread / "stat").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
    return any(stat.rpartition(")")[2].split()[0] == "D" for stat in stats)
