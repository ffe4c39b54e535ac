"""A file system in memory whose every storage operation is logged, and may be made to fail.

`python -m tests.faults.faultyfs MOUNTPOINT LOG` serves it over FUSE until it is unmounted. LOG gets
one pickled `Operation` each; `tests.faults.replay` makes from it what a crash would have left.
What is written to the file `.said` is not stored but logged in its place among the operations:
it is what the program under test has promised up to there. What is written to `.fail` says which
operation fails: `eio write 3` the third write from now, `eio fsync 1 5` the next five fsyncs,
`heal` none.
"""

import asyncio
import errno
import os
import pickle
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import mfusepy

from tests.brokers import until
from tests.faults.operations import Kind, Operation, truncate, write

SAID = ".said"
FAIL = ".fail"
_ROOT = Path(__file__).parents[2]


@dataclass
class _Failing:
    """Which operations fail: after `skip` more of `kind`, the next `times`."""

    code: int = 0
    kind: str = ""
    skip: int = 0
    times: int = 0

    def meets(self, kind: Kind) -> bool:
        if kind != self.kind or not self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class _Files:
    """What is in memory."""

    contents: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    opened: int = 0


class FaultyFs(mfusepy.Operations):  # type: ignore[misc]
    """One directory without subdirectories."""

    use_ns = True

    def __init__(self, log: BinaryIO) -> None:
        self._log = log
        self._files = _Files()
        self._failing = _Failing()

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        content = self._files.contents[fh or self._inode(path)]
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": len(content)}

    def readdir(self, path: str, fh: int) -> Iterator[str]:
        yield from (".", "..", *(name[1:] for name in self._files.names))

    def statfs(self, path: str) -> dict[str, int]:
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 1 << 20, "f_bavail": 1 << 20}

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        self._files.opened += 1
        inode = self._files.opened
        self._note(Operation(Kind.CREATE, inode, path[1:]))
        self._files.names[path] = inode
        self._files.contents[inode] = bytearray()
        return inode

    def open(self, path: str, flags: int) -> int:
        return self._inode(path)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return bytes(self._files.contents[fh][offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        if path == f"/{SAID}":
            self._note(Operation(Kind.SAY, data=data))
        elif path == f"/{FAIL}":
            self._failing = _failing(data.decode())
        else:
            self._note(Operation(Kind.WRITE, fh, offset=offset, data=data))
            write(self._files.contents[fh], offset, data)
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        inode = fh or self._inode(path)
        self._note(Operation(Kind.TRUNCATE, inode, offset=length))
        truncate(self._files.contents[inode], length)
        return 0

    def fallocate(self, path: str, mode: int, offset: int, size: int, fh: int) -> int:
        if mode:  # a loop device then writes the zeros itself
            raise mfusepy.FuseOSError(errno.EOPNOTSUPP)
        return self.truncate(path, max(offset + size, len(self._files.contents[fh])), fh)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self._note(Operation(Kind.FSYNC, fh))
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self._note(Operation(Kind.SYNC_DIRECTORY))
        return 0

    def rename(self, old: str, new: str, flags: int = 0) -> int:
        self._note(Operation(Kind.RENAME, name=old[1:], new_name=new[1:]))
        self._files.names[new] = self._files.names.pop(old)
        return 0

    def unlink(self, path: str) -> int:
        self._note(Operation(Kind.UNLINK, name=path[1:]))
        del self._files.names[path]
        return 0

    def chmod(self, path: str, mode: int) -> int:
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def _inode(self, path: str) -> int:
        if path not in self._files.names:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return self._files.names[path]

    def _note(self, operation: Operation) -> None:
        if self._failing.meets(operation.kind):
            raise mfusepy.FuseOSError(self._failing.code)
        pickle.dump(operation, self._log)


def _failing(words: str) -> _Failing:
    match words.split():
        case ["heal"]:
            return _Failing()
        case [code, kind, nth, *times]:
            number = getattr(errno, code.upper())
            return _Failing(number, kind, int(nth) - 1, int(times[0]) if times else 1)
    raise mfusepy.FuseOSError(errno.EINVAL)


def serve(mountpoint: str, log: Path) -> None:
    """Serve until unmounted."""
    with log.open("wb", buffering=0) as file:
        # Without hard_remove an open file that is unlinked would be renamed instead.
        mfusepy.FUSE(FaultyFs(file), mountpoint, foreground=True, nothreads=True, hard_remove=True)


@dataclass(frozen=True)
class Mounted:
    """A faulty file system in use; it runs in a process of its own."""

    path: Path
    log: Path

    def fail(self, kind: Kind, *, nth: int = 1, times: int = 1, code: str = "eio") -> None:
        """Let the `nth` operation of `kind` from now fail, and the next ones up to `times`."""
        self._say(f"{code} {kind} {nth} {times}")

    def heal(self) -> None:
        """From now on everything works."""
        self._say("heal")

    def operations(self) -> Iterator[Operation]:
        """What has been done up to now."""
        with self.log.open("rb") as file:
            while file.peek(1):
                yield pickle.load(file)

    def unmount(self) -> None:
        """Take it away from whoever may still use it; harmless twice."""
        if os.path.ismount(self.path):
            subprocess.run(["umount", "--lazy", self.path], check=True)

    def _say(self, words: str) -> None:
        with (self.path / FAIL).open("wb", buffering=0) as file:
            file.write(words.encode())


@asynccontextmanager
async def faulty_fs(directory: Path) -> AsyncIterator[Mounted]:
    """A mounted empty file system at `directory`/faulty; gone at the end in any case."""
    mounted = Mounted(directory / "faulty", directory / "operations")
    mounted.path.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.faultyfs", mounted.path, mounted.log), cwd=_ROOT
    )
    try:
        await until(lambda: os.path.ismount(mounted.path))
        (mounted.path / SAID).touch()
        (mounted.path / FAIL).touch()
        yield mounted
    finally:
        mounted.unmount()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:  # somebody still has a file open
            process.kill()
            await process.wait()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
