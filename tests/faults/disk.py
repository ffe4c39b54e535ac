"""A file system on a loop device, whose power can be cut under whoever is using it."""

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

_GOINGDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN in fs/ext4/ext4.h; XFS and others answer to it, too."""
_WITHOUT_FLUSH = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: what has not been fsynced is gone, the log's tail included."""


class FileSystem(StrEnum):
    """What can be on it; XFS takes 300 MB at least, and only ext4 can be made to turn read-only."""

    EXT4 = "ext4"
    XFS = "xfs"


class Disk:
    """The file system in `image`, mounted at `mountpoint` while it is in use."""

    def __init__(self, image: Path, mountpoint: Path, kind: FileSystem) -> None:
        self._image = image
        self._kind = kind
        self.mountpoint = mountpoint

    def make(self, megabytes: int) -> None:
        """Create it anew and mount it."""
        with self._image.open("wb") as image:
            image.truncate(megabytes << 20)
        force = {FileSystem.EXT4: "-F", FileSystem.XFS: "-f"}[self._kind]
        _run(f"mkfs.{self._kind}", "-q", force, str(self._image))
        self.mountpoint.mkdir(exist_ok=True)
        self.mount()

    def mount(self) -> None:
        """Mount it; after a cut this is where the file system's journal is replayed."""
        # The loop device goes by itself with the mount, whatever becomes of the test.
        options = {FileSystem.EXT4: "loop,errors=remount-ro", FileSystem.XFS: "loop"}[self._kind]
        _run("mount", "-o", options, str(self._image), str(self.mountpoint))

    def unmount(self) -> None:
        """Unmount it; nobody may have a file open."""
        _run("umount", str(self.mountpoint))

    def make_read_only(self) -> None:
        """What the kernel does when it finds the file system damaged: no more writes."""
        name = Path(os.path.realpath(mounts()[str(self.mountpoint)])).name
        Path(f"/sys/fs/ext4/{name}/trigger_fs_error").write_text("trouble")

    def detach(self) -> None:
        """Take it out of the tree; it lives on while anybody holds a file of it."""
        _run("umount", "--lazy", str(self.mountpoint))

    @property
    def held(self) -> bool:
        """Whether anybody still does."""
        backing = Path("/sys/block").glob("loop*/loop/backing_file")
        return str(self._image) in [file.read_text().strip() for file in backing]

    def repair(self) -> None:
        """Check it and mount it again; nobody may hold a file of it."""
        _run("e2fsck", "-fy", str(self._image), allowed=(0, 1))
        self.mount()

    def fill(self) -> None:
        """Take up all the room there is, as another program's log would."""
        with (self.mountpoint / "filler").open("wb", buffering=0) as file, suppress(OSError):
            for block in (1 << 20, 1 << 12, 1 << 10, 1):
                with suppress(OSError):
                    while file.write(bytes(block)) == block:
                        pass

    def clear(self) -> None:
        """Give back what `fill` has taken."""
        (self.mountpoint / "filler").unlink()

    def cut_power(self) -> None:
        """Lose at once all that has not reached the disk; from now on every access fails."""
        directory = os.open(self.mountpoint, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, _GOINGDOWN, struct.pack("I", _WITHOUT_FLUSH))
        finally:
            os.close(directory)


@contextmanager
def disk(
    directory: Path,
    mountpoint: Path,
    *,
    megabytes: int = 64,
    kind: FileSystem = FileSystem.EXT4,
) -> Iterator[Disk]:
    """A fresh mounted file system whose image lies in `directory`; gone at the end in any case."""
    made = Disk(directory / "disk.img", mountpoint, kind)
    try:
        made.make(megabytes)
        yield made
    finally:
        if str(mountpoint) in mounts():  # of a dead one the path itself says nothing
            _run("umount", "--lazy", str(mountpoint))


@contextmanager
def memory_disk(mountpoint: Path, *, megabytes: int = 1000) -> Iterator[Path]:
    """A file system in memory, for what is about counts and not about durability."""
    mountpoint.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(mountpoint))
    try:
        yield mountpoint
    finally:
        _run("umount", "--lazy", str(mountpoint))


def mounts() -> dict[str, str]:
    """Device by mount point."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return {place: device for device, place, *_ in map(str.split, lines)}


def _run(*command: str, allowed: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in allowed, f"{' '.join(command)}: {done.stderr.strip()}"
