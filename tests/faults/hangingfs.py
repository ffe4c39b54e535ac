"""A file system that never answers for what is on it, as a disk or a USB device that has hung.

`python -m tests.faults.hangingfs MOUNTPOINT` serves it over FUSE. Who asks for a file waits in the
kernel, where not even kill -9 reaches him, until the server is gone.
"""

import asyncio
import os
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mfusepy

from tests.brokers import until

_ROOT = Path(__file__).parents[2]


class HangingFs(mfusepy.Operations):  # type: ignore[misc]
    """One directory, which can be looked at, and nothing else."""

    use_ns = True

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        if path != "/":
            threading.Event().wait()
        return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}


@dataclass
class Hung:
    """A hanging file system in use."""

    path: Path
    server: asyncio.subprocess.Process

    def free(self) -> None:
        """Let everybody who waits go on, with an error; harmless twice."""
        if self.server.returncode is None:
            subprocess.run(["umount", "--lazy", self.path], check=True)
            self.server.kill()


@asynccontextmanager
async def hanging_fs(directory: Path) -> AsyncIterator[Hung]:
    """One that is mounted at `directory`/hung; gone at the end in any case."""
    os.mkdir(directory / "hung")
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.hangingfs", directory / "hung"), cwd=_ROOT
    )
    hung = Hung(directory / "hung", server)
    try:
        await until(lambda: os.path.ismount(hung.path))
        yield hung
    finally:
        hung.free()
        await server.wait()


if __name__ == "__main__":
    mfusepy.FUSE(HangingFs(), sys.argv[1], foreground=True)
