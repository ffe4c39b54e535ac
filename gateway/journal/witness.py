"""A second small record of how far the journal has come, outside of it.

SQLite takes a log that was lost, emptied or cut short for a shorter history, and says nothing.
The witness is written after a commit has been synchronised and is not synchronised itself: after
a power cut it may be half a minute behind, but it never claims an event that was not durable. It
is one overwrite in place of 24 bytes, so the kernel writes one page in half a minute for it.
"""

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import google_crc32c

_RECORD = struct.Struct("<4s8sQI")
"""Magic, epoch, last sequence number, CRC-32C of the former."""
_MAGIC = b"cgw1"


@dataclass(frozen=True, slots=True)
class Claim:
    """The journal of `epoch` had durable events up to `seq`."""

    epoch: str
    seq: int


def witness_path(journal: Path) -> Path:
    """Where the witness of the file `journal` is."""
    return journal.with_name(f"{journal.name}-witness")


def claim_of(journal: Path) -> Claim | None:
    """What the witness of `journal` says; None if there is none or it is damaged."""
    try:
        raw = witness_path(journal).read_bytes()
        magic, epoch, seq, crc = _RECORD.unpack(raw)
        if magic == _MAGIC and crc == google_crc32c.value(raw[:-4]):
            return Claim(epoch.decode(), seq)
    except (OSError, struct.error, UnicodeDecodeError):
        pass
    return None


class Witness:
    """Writes the record; whatever goes wrong costs its testimony, not the journal."""

    def __init__(self, journal: Path) -> None:
        self._path = witness_path(journal)
        self._file: int | None = None

    def note(self, claim: Claim) -> None:
        """Write down `claim`, which is durable."""
        with suppress(OSError):
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
            head = _RECORD.pack(_MAGIC, claim.epoch.encode(), claim.seq, 0)[:-4]
            os.pwrite(self._file, head + struct.pack("<I", google_crc32c.value(head)), 0)

    def close(self) -> None:
        """Bring the last word to the disk and let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                os.fsync(self._file)
            os.close(self._file)
            self._file = None
