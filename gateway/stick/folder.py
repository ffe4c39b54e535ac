"""A gateway's folder on a stick: what is in it is whole, or has another name.

Made for FAT: no links, no rights, no names beyond eight and three characters but the folders', no
file above 2 MB. A file is written under another name, made durable, read back and then renamed.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from gateway.errors import GatewayError
from gateway.stick.part import MOST_FILE_BYTES, Part, PartError, decoded

FOLDER = "checkpoint-gateway"
"""On the stick, with a folder for each gateway."""
MANIFEST = "manifest.jsn"
IMPORTED = "imported.txt"
_HALF = re.compile(r"([0-9]{8}|manifest|imported)\.tmp")
_PART = re.compile(r"([0-9]{8})\.ndj")
_MOST_PARTS = 100_000
_MOST_GATEWAYS = 10_000


class Folder:
    """One of them; every method may raise OSError, when the stick has been pulled for one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def parts(self) -> list[str]:
        """The names of what should be parts, ascending.

        Raises:
            GatewayError: there are more than anybody has written.
        """
        with os.scandir(self.path) as entries:
            named = (each for each in entries if _PART.fullmatch(each.name))
            plain = (each.name for each in named if each.is_file(follow_symlinks=False))
            found = sorted(islice(plain, _MOST_PARTS + 1))
        if len(found) > _MOST_PARTS:
            raise GatewayError(f"{self.path} holds more than {_MOST_PARTS:,} parts")
        return found

    def read(self, name: str, most_bytes: int = MOST_FILE_BYTES) -> bytes:
        """The content of a plain file.

        Raises:
            PartError: it is something else, or too large.
        """
        # A pipe in its place must not hold us up, nor a link lead elsewhere.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path / name, flags)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PartError("it is not a plain file")
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise PartError(f"it has more than {most_bytes:,} bytes")
        return content

    def part(self, name: str) -> Part:
        """What is in the file `name`.

        Raises:
            PartError: it is not a whole part.
        """
        return decoded(self.read(name))

    def put(self, name: str, content: bytes) -> None:
        """Write a file; when this returns it is on the stick as it should be."""
        half = self.path / f"{name.partition('.')[0]}.tmp"
        half.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(half, flags, 0o600), "r+b") as file:
            file.write(content)
            file.flush()
            settle(file.fileno())
            # From the stick itself: some claim more room than they have, and store nothing there.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            file.seek(0)
            if file.read(len(content) + 1) != content:
                raise OSError(errno.EIO, "what was written does not read back the same")
        half.rename(self.path / name)
        _settle_names(self.path)

    def drop(self, name: str) -> None:
        """Delete a file."""
        (self.path / name).unlink()

    def sweep(self) -> None:
        """Delete what has not become a file."""
        for name in filter(_HALF.fullmatch, os.listdir(self.path)):
            self.drop(name)

    def free_bytes(self) -> int:
        """The room that is left."""
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize


def folder_for(to: Path, gateway: str) -> Folder:
    """The folder of a gateway on the stick that is mounted at `to`, made if need be.

    Raises:
        GatewayError: something on the stick leads elsewhere.
    """
    path = to / FOLDER / gateway
    if path.resolve() != to.resolve() / FOLDER / gateway:
        raise GatewayError(f"{path} is a link that leads to {path.resolve()}; expected a folder")
    path.mkdir(parents=True, exist_ok=True)
    for above in (path.parent, to):
        _settle_names(above)
    return Folder(path)


def settle(descriptor: int) -> None:
    """Return when what was written is on the stick."""
    os.fsync(descriptor)


def name_after(names: Iterable[str]) -> str:
    """Of the part that follows these."""
    last = max((int(name[:8]) for name in names), default=0)
    return f"{last + 1:08}.ndj"


def folders_on(root: Path) -> list[Folder]:
    """Every gateway's folder on the stick that is mounted at `root`, or `root` if it is one.

    Raises:
        GatewayError: there is none.
    """
    try:
        found = [root] if Folder(root).parts() else sorted(_folders(root / FOLDER))
    except (FileNotFoundError, NotADirectoryError):
        found = []
    if not found:
        raise GatewayError(
            f"{root} holds nothing to import; expected {root / FOLDER}/<gateway>/00000001.ndj"
        )
    return [Folder(path) for path in found]


def _folders(path: Path) -> Iterator[Path]:
    with os.scandir(path) as entries:
        real = (each for each in entries if each.is_dir(follow_symlinks=False))
        yield from (path / each.name for each in islice(real, _MOST_GATEWAYS))


def _settle_names(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        settle(directory)
    finally:
        os.close(directory)
