"""A journal with delivered rows that grow old, by clocks that are set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.clock import Clock
from gateway.journal import records
from gateway.journal.purge import Purger
from gateway.journal.records import Ledger
from gateway.journal.retention import Retention
from gateway.journal.store import Store
from tests.journal.journals import filled, opened, query

DAY_S = 86_400
KEEP_MS = 14 * DAY_S * 1000
NOON_S = 1_800_000_000


class Box:
    """A journal of ten delivered rows and one more, and a clock set by hand."""

    def __init__(self, path: Path, store: Store, ledger: Ledger) -> None:
        self.path = path
        self.right = True
        self.wall_s = NOON_S
        self.mono_s = 1000
        self._store = store
        self._ledger = ledger
        self.retention = self.booted("boot-1")

    def booted(self, boot: str) -> Retention:
        """The process is started; with another name the box, too."""
        clock = Clock(
            wall_ns=lambda: self.wall_s * 10**9,
            mono_ns=lambda: self.mono_s * 10**9,
            synchronised=lambda: self.right,
            boot=boot,
        )
        purger = Purger(self._store, self._ledger)
        return Retention(self._store, self._ledger, purger, clock)

    def passes(self, seconds: int) -> None:
        self.wall_s += seconds
        self.mono_s += seconds

    async def kept(self) -> int:
        """How many rows there are after a look."""
        await self.retention.expire(KEEP_MS)
        return int(query(self.path, "SELECT count(*) FROM event")[0][0])


@asynccontextmanager
async def ageing(path: Path) -> AsyncIterator[Box]:
    """Its rows have just been marked."""
    async with opened(path) as journal:
        await filled(journal, 11)
        journal.confirm_range(1, 10)
    store = await Store.open(path)
    try:
        box = Box(path, store, await store.read(records.load))
        await box.retention.mark()
        yield box
    finally:
        await store.close()
