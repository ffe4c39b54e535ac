"""Events of former lives of the journal, saved from damage: they go with the backlog.

In a parcel such a row goes by a number of its own, the journal's key for it below zero.
"""

from collections.abc import Iterable, Sequence

from gateway.errors import JournalError
from gateway.events import Kind
from gateway.journal import Journal, Row
from gateway.ranges import Range
from gateway.uplink.tally import Tally


class Former:
    """Follows what the journal has carried over, for one link."""

    def __init__(self, journal: Journal, skip: Tally, repeat_after_s: float) -> None:
        self._carried = journal.carried
        self._skip = skip
        self._repeat_after_s = repeat_after_s
        self._cursor = 0
        self._ended_at: float | None = None
        self._keys: list[int] = []
        self._ranges: list[tuple[str, Range]] = []

    def waits(self, now: float) -> bool:
        """Whether something is to be sent, perhaps again."""
        if self._ended_at is not None and now - self._ended_at >= self._repeat_after_s:
            self._cursor, self._ended_at = 0, None
        return bool(self._carried.waiting) and self._ended_at is None

    async def batch(self, most_rows: int, most_bytes: int, now: float) -> list[Row]:
        """The next rows; none when all have been sent.

        Raises:
            JournalError: they cannot be read.
        """
        found = await self._carried.next(self._cursor, max_rows=most_rows, max_bytes=most_bytes)
        if not found:
            self._ended_at = now
            return []
        self._cursor = found[-1].key
        return [_row(each.key, each.body) for each in found if -each.key not in self._skip]

    async def read(self, numbers: Sequence[int]) -> list[Row]:
        """These, as far as they still wait.

        Raises:
            JournalError: they cannot be read.
        """
        keys = sorted(-number for number in numbers)
        found = await self._carried.next(keys[0] - 1, max_rows=len(keys), max_bytes=1 << 20)
        return [_row(each.key, each.body) for each in found if each.key in keys]

    def delivered(self, numbers: Iterable[int]) -> None:
        """These need not be sent again."""
        self._keys += [-number for number in numbers]

    def confirmed(self, epoch: str, ranges: Iterable[Range]) -> None:
        """The centre has these of a former life."""
        self._ranges += [(epoch, each) for each in ranges]

    async def settle(self) -> None:
        """Let the journal drop what is delivered; what it does not take now, it is told again."""
        try:
            if self._keys:
                await self._carried.confirm(self._keys)
                self._keys = []
            while self._ranges:
                epoch, (first, last) = self._ranges[-1]
                await self._carried.confirm_range(epoch, first, last)
                self._ranges.pop()
        except JournalError:  # sent twice at worst
            self._keys, self._ranges = [], []


def _row(key: int, body: bytes) -> Row:
    return Row(-key, Kind.DEVICE, False, 0, body)  # a batch asks for neither kind nor time
