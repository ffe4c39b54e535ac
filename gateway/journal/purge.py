"""Makes room in a journal, in steps so small that no commit waits long behind one."""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gateway.events import Kind
from gateway.journal.pages import PAGE_BYTES
from gateway.journal.records import Ledger
from gateway.journal.store import Store
from gateway.ranges import Range

T = TypeVar("T")

TELEMETRY = frozenset({Kind.DEVICE})
"""What tells of the gate's equipment and not of people or doors: the least to lose. The last state
of each device reaches the centre anew with every connection, so an older one is only history."""

_STEP_S = 0.02
"""A step that took longer is followed by a smaller one, and the other way round."""
_STEP_ROWS = (20, 2000)


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of the file: all, and those that are free to be used again."""

    size: int
    free: int

    @property
    def used(self) -> int:
        """Bytes that hold something."""
        return self.size - self.free


def space(connection: sqlite3.Connection) -> Space:
    """The room in the file at this moment; costs nothing."""
    pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count")
    )
    return Space(pages * PAGE_BYTES, free * PAGE_BYTES)


def limit(size: int, connection: sqlite3.Connection) -> None:
    """Let the file grow to `size` bytes and no further."""
    connection.execute(f"PRAGMA max_page_count = {size // PAGE_BYTES}")


def give_back(size: int, connection: sqlite3.Connection) -> None:
    """Return up to `size` free bytes to the disk; pages from the end fill the holes."""
    connection.execute(f"PRAGMA incremental_vacuum({size // PAGE_BYTES})").fetchall()


def oldest(
    spans: Iterable[Range], kinds: Collection[Kind], most: int, connection: sqlite3.Connection
) -> list[tuple[int, int]]:
    """Number and wall time (ms) of the oldest rows of some `kinds` within `spans`."""
    named = ", ".join(f"'{kind}'" for kind in kinds)
    query = (
        f"SELECT seq, wall_ms FROM event WHERE seq BETWEEN ? AND ? AND kind IN ({named})"
        " ORDER BY seq LIMIT ?"
    )
    found: list[tuple[int, int]] = []
    for span in spans:
        found += connection.execute(query, (*span, most - len(found))).fetchall()
        if len(found) >= most:
            break
    return found


def delete(seqs: Sequence[int], settled: Sequence[Range], connection: sqlite3.Connection) -> int:
    """Delete the rows `seqs`, all within the ranges `settled`; the oldest number then kept.

    The ranges go into the same commit: a row that a power cut makes unconfirmed must be there.
    """
    connection.executemany("INSERT OR REPLACE INTO confirmed VALUES (?, ?)", settled)
    connection.executemany("DELETE FROM event WHERE seq = ?", ((seq,) for seq in seqs))
    (first,) = connection.execute("SELECT min(seq) FROM event").fetchone()
    return int(first)


class Purger:
    """Deletes rows of one journal, and gives room back."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._rows = 200

    async def space(self) -> Space:
        """The room in the file at this moment."""
        return await self._store.read(space)

    async def limit(self, size: int) -> None:
        """Let the file grow to `size` bytes and no further."""
        await self._store.write(partial(limit, size))

    def confirmed(self) -> list[Range]:
        """What has been confirmed, but for the newest row: that one is never purged."""
        delivery, newest = self._ledger.delivery, self._ledger.last_seq
        ranges = [(1, delivery.upto), *delivery.beyond]
        return [(first, min(last, newest - 1)) for first, last in ranges if first < newest and last]

    async def oldest(
        self, spans: Iterable[Range], kinds: Collection[Kind] = tuple(Kind)
    ) -> list[tuple[int, int]]:
        """Number and wall time (ms) of the oldest rows within `spans`, for one step."""
        return await self._store.read(partial(oldest, list(spans), kinds, self._rows))

    async def delete(self, seqs: Sequence[int]) -> None:
        """Delete the confirmed rows `seqs`."""
        if seqs:
            settled = [
                span for span in self.confirmed() if span[0] <= seqs[-1] and span[1] >= seqs[0]
            ]
            self._ledger.first_seq = await self._step(partial(delete, seqs, settled))

    async def give_back(self, size: int) -> None:
        """Return up to `size` free bytes to the disk, a step at most."""
        await self._step(partial(give_back, min(size, self._rows * PAGE_BYTES // 4)))

    async def _step(self, work: Callable[[sqlite3.Connection], T]) -> T:
        now = asyncio.get_running_loop().time
        started = now()
        result = await self._store.write(work)
        least, most = _STEP_ROWS
        slow = now() - started > _STEP_S
        self._rows = max(least, self._rows // 2) if slow else min(most, self._rows + 50)
        return result
