"""A file that only takes up room, so that a full disk can be made to work again.

Neither a DELETE nor a checkpoint gets through on a full disk: both need room in the log first.
"""

import os
from pathlib import Path

BALLAST_BYTES = 4 << 20
"""As much as the log is let grow: 1 MB was too little to get a full ext4 going again with a log of
1,024 pages, 3 MB was enough."""


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
        if self.path.exists() or room < 2 * BALLAST_BYTES:
            return False
        try:
            with self.path.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError:
            self.path.unlink(missing_ok=True)
            raise
        return True

    def drop(self) -> bool:
        """Give the room back; whether there was any.

        Raises:
            OSError: the disk does not let us.
        """
        was_there = self.path.exists()
        self.path.unlink(missing_ok=True)
        return was_there


def room_beside(path: Path) -> int:
    """Bytes that the disk has left for us."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize
