"""Follows the journal: every row in its order, delivered or not, for the one who decides by it."""

from itertools import islice

from msgspec import Struct

from gateway.journal.reader import Reader
from gateway.journal.records import Ledger
from gateway.journal.rows import Row


class Followed(Struct, frozen=True, gc=False):
    """A row, and the boot within which its monotonic time counts."""

    boot: str
    row: Row


class Following:
    """One reader's place in the present life of the journal.

    What is beyond it is kept in memory where there is room, so that nothing is read back which has
    just been written.
    """

    def __init__(self, reader: Reader, ledger: Ledger, boot: str) -> None:
        self._reader = reader
        self._ledger = ledger
        self._boot = boot

    @property
    def place(self) -> int:
        """The number that it is after."""
        return self._ledger.followed

    @property
    def behind(self) -> int:
        """How many numbers are beyond the place; it begins where `start` says."""
        return max(0, self._ledger.last_seq - self._ledger.followed)

    def start(self, after: int) -> None:
        """Be after the number `after`."""
        self._ledger.followed = after

    async def next(self, max_rows: int = 1000) -> list[Followed]:
        """The next rows, at once, and be after them; empty if there are none.

        Numbers that were purged, or whose rows are damaged, are passed over.

        Raises:
            JournalError: the file cannot be read there.
        """
        ledger, after = self._ledger, self._ledger.followed
        if not self.behind:
            return []
        if ledger.recent.has(after + 1):
            rows = ledger.recent.within([(after + 1, ledger.last_seq)])
            found = [Followed(self._boot, row) for row in islice(rows, max_rows)]
            self._be_after(after, found[-1].row.seq)
            return found
        epoch = ledger.epoch
        rows_of_boots, last = await self._reader.follow(after, max_rows)
        if epoch != ledger.epoch:
            return []
        self._be_after(after, last if last > after else ledger.last_seq)
        return [Followed(boot, row) for boot, row in rows_of_boots]

    def _be_after(self, before: int, last: int) -> None:
        if self._ledger.followed == before:  # else a new life has begun, or `start` was called
            self._ledger.followed = last
