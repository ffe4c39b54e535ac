"""The words for what is done to a disk, and the two that change a file's content."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was done; `SAY` is the one that is no storage operation."""

    CREATE = "create"
    WRITE = "write"
    TRUNCATE = "truncate"
    FSYNC = "fsync"
    SYNC_DIRECTORY = "fsyncdir"
    RENAME = "rename"
    UNLINK = "unlink"
    SAY = "say"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, on the file `inode` or on names; `size` for truncate, `data` at `offset`."""

    kind: Kind
    inode: int = 0
    name: str = ""
    new_name: str = ""
    offset: int = 0
    data: bytes = b""


def write(content: bytearray, offset: int, data: bytes) -> None:
    """Write as a file does: what lies between the end and `offset` is zeros."""
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def truncate(content: bytearray, length: int) -> None:
    """Cut or extend as a file does."""
    del content[length:]
    content.extend(bytes(length - len(content)))
