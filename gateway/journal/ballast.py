"""A file that only takes up room, so that a full disk can be made to work again.

Neither a DELETE nor a checkpoint gets through on a full disk: both need room in the log first.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger(__name__)

BALLAST_BYTES = 4 << 20
"""As much as the log is let grow: 1 MB was too little to get a full ext4 going again with a log of
1,024 pages, 3 MB was enough."""
RESERVE_BYTES = 2 << 20
"""With less than this left the disk counts as full: a DELETE is written to the log first."""
LEAST_ROOM_BYTES = 2 * BALLAST_BYTES
"""The ballast is made where this much is free."""


class Ballast:
    """The file beside a journal; every method may be called at any time."""

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(f"{journal.name}-ballast")

    def make(self, room: int) -> bool:
        """Take it out of the `room` bytes that the disk has left, if that is enough and more.

        Whether it is new.

        Raises:
            OSError: the disk does not let us.
        """
        if self.path.exists() or room < LEAST_ROOM_BYTES:
            return False
        try:
            with self.path.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError:
            self.path.unlink(missing_ok=True)
            raise
        _log.info("%s keeps room for a full disk", self.path)
        return True

    def relieve(self) -> bool:
        """Give the room back if the disk is full; whether there was any.

        Raises:
            OSError: the disk does not let us.
        """
        if not self.path.exists() or room_beside(self.path) >= RESERVE_BYTES:
            return False
        self.path.unlink()
        _log.warning("the disk is full; the journal goes on in the room kept for that")
        return True


def room_beside(path: Path) -> int:
    """Bytes that the disk has left for us."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def taken_with(path: Path) -> int:
    """Bytes that the file `path` takes with all that lies beside it under its name."""
    total = 0
    for entry in os.scandir(path.parent):
        if entry.name.startswith(path.name):
            with suppress(FileNotFoundError):  # it has just been let go
                total += entry.stat().st_size
    return total
