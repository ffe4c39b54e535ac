"""A USB stick: exFAT, as sticks are sold, on a loop device, and pulled at the worst moment.

Its driver runs as a process (FUSE). Killing that is the pull: what it had not written yet is gone,
and whoever uses the stick gets errors.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.brokers import until
from tests.faults.disk import memory_disk, mounts


class Stick:
    """One stick; made by `exfat_stick`."""

    def __init__(self, image: Path, mountpoint: Path) -> None:
        self._image = image
        self.mountpoint = mountpoint
        self._device = ""
        self._driver: asyncio.subprocess.Process | None = None

    def make(self, megabytes: int) -> None:
        """Format it anew."""
        with self._image.open("wb") as image:
            image.truncate(megabytes << 20)
        _run("mkfs.exfat", self._image)
        self.mountpoint.mkdir(exist_ok=True)

    async def plug(self) -> None:
        """Put it in, and mount it."""
        self._device = _run("losetup", "--find", "--show", self._image).strip()
        # -d keeps it in the foreground, so that it can be found to be killed.
        self._driver = await asyncio.create_subprocess_exec(
            *("mount.exfat-fuse", "-d", self._device, self.mountpoint),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await until(lambda: os.path.ismount(self.mountpoint))

    async def pull(self) -> None:
        """Pull it out, whatever is going on."""
        assert self._driver is not None
        self._driver.kill()
        await self._let_go()

    async def unplug(self) -> None:
        """Unmount it first, as one should."""
        _run("umount", self.mountpoint)
        await self._let_go()

    async def gone(self) -> None:
        """See that nothing of it is left."""
        if self._device:
            await self.pull()

    async def _let_go(self) -> None:
        assert self._driver is not None
        await self._driver.wait()
        if str(self.mountpoint) in mounts():
            _run("umount", "--lazy", self.mountpoint)
        _run("losetup", "--detach", self._device)
        self._device = ""


@asynccontextmanager
async def exfat_stick(directory: Path, *, megabytes: int = 64) -> AsyncIterator[Stick]:
    """A fresh stick that is plugged in; gone at the end in any case."""
    with memory_disk(directory / "memory") as memory:  # it is the driver that is killed
        stick = Stick(memory / "stick.img", directory / "stick")
        stick.make(megabytes)
        try:
            await stick.plug()
            yield stick
        finally:
            await stick.gone()


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.strip()}"
    return done.stdout
