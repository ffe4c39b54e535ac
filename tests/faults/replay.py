"""What a crash leaves of the operations that came before it.

The model is ext4's in its default mode: contents are durable when their file has been fsynced,
names when anything has been (the file system's journal is one), and whatever is not durable may
be there, or not, or in part: each 512-byte sector for itself.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from tests.faults.faultyfs import FAIL, SAID
from tests.faults.operations import Kind, Operation, truncate, write

_SECTOR = 512


class Crash(Enum):
    """What becomes of that which is not durable."""

    DROPPED = auto()
    """All of it is gone, new and former names included."""
    TORN = auto()
    """Names are there; of contents some sectors."""


@dataclass
class _File:
    content: bytearray = field(default_factory=bytearray)
    """As of the last fsync."""
    pending: list[Operation] = field(default_factory=list)


class Replay:
    """The state of the disk after some operations."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._files: dict[int, _File] = {}
        self._names: dict[str, int] = {}
        self._durable_names: dict[str, int] = {}

    def apply(self, operation: Operation) -> None:
        """Go one operation on."""
        match operation.kind:
            case Kind.CREATE:
                self._files[operation.inode] = _File()
                self._names[operation.name] = operation.inode
            case Kind.WRITE | Kind.TRUNCATE:
                self._files[operation.inode].pending.append(operation)
            case Kind.FSYNC:
                file = self._files[operation.inode]
                _settle(file.content, file.pending)
                file.pending.clear()
                self._durable_names = dict(self._names)
            case Kind.SYNC_DIRECTORY:
                self._durable_names = dict(self._names)
            case Kind.RENAME:
                self._names[operation.new_name] = self._names.pop(operation.name)
            case Kind.UNLINK:
                del self._names[operation.name]

    def crash(self, into: Path, crash: Crash) -> None:
        """Put into the directory `into` what is left if the power goes now."""
        names = self._durable_names if crash is Crash.DROPPED else self._names
        for name, inode in names.items():
            if name not in (SAID, FAIL):
                file = self._files[inode]
                content = bytearray(file.content)
                if crash is Crash.TORN:
                    _settle(content, self._torn(file.pending))
                (into / name).write_bytes(content)

    def _torn(self, pending: Iterable[Operation]) -> Iterable[Operation]:
        for operation in pending:
            if operation.kind is Kind.TRUNCATE:
                if self._rng.random() < 0.5:
                    yield operation
                continue
            for start in range(0, len(operation.data), _SECTOR):
                if self._rng.random() < 0.5:
                    sector = operation.data[start : start + _SECTOR]
                    yield Operation(Kind.WRITE, offset=operation.offset + start, data=sector)


def _settle(content: bytearray, operations: Iterable[Operation]) -> None:
    for operation in operations:
        if operation.kind is Kind.WRITE:
            write(content, operation.offset, operation.data)
        else:
            truncate(content, operation.offset)
