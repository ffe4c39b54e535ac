"""What the three protocols of lock-control boards have in common, from the gateway's side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.counters import Counters


@dataclass(frozen=True, slots=True)
class LockReport:
    """What a board says of one lock, counted from 1.

    ``active`` is its feedback contact, which means locked or unlocked as the lock is built; it is
    ``None`` if nothing is said of it. ``opening`` answers the command to open: done or refused.
    """

    board: int
    lock: int
    active: bool | None = None
    opening: bool | None = None


class Codec(Protocol):
    """Bytes to reports."""

    def feed(self, data: bytes) -> list[LockReport]:
        """Take the next bytes and return the reports that are now complete."""


@dataclass(frozen=True, slots=True)
class Family:
    """One protocol: its questions, how its answers are read, and what is usual."""

    baud: int
    boards: range
    locks: range
    open: Callable[[int, int], bytes]
    query: Callable[[int, int], bytes]
    codec: Callable[[Counters], Codec]
