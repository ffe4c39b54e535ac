"""Events of former lives of the journal, saved from damage: they go with the backlog.

In a parcel such a row goes by a number of its own, the journal's key for it below zero.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from gateway.errors import JournalError
from gateway.journal import Batch, Journal
from gateway.journal.carried import CarriedRow
from gateway.ranges import Range, Ranges
from gateway.uplink.tally import Tally


class Former:
    """Follows what the journal has carried over, for one link."""

    def __init__(self, journal: Journal, skip: Tally, repeat_after_s: float) -> None:
        self._carried = journal.carried
        self._skip = skip
        self._repeat_after_s = repeat_after_s
        self._cursor = 0
        self._ended_at: float | None = None
        self._again = Ranges()
        """Keys that the cursor has passed."""
        self._keys: list[int] = []
        self._ranges: list[tuple[str, Range]] = []
        self._wanted: list[tuple[str, Range]] = []

    def waits(self, now: float) -> bool:
        """Whether something is to be sent, perhaps again."""
        if self._ended_at is not None:
            if now >= self._ended_at + self._repeat_after_s:
                self._cursor, self._ended_at = 0, None
            elif self._carried.last_key > self._cursor:  # more has been carried over since
                self._ended_at = None
        return bool(self._carried.waiting and (self._again or self._ended_at is None))

    @property
    def repeat_at(self) -> float | None:
        """When what has been sent and still waits goes again; None if that is not known yet."""
        if self._ended_at is None or not self._carried.waiting:
            return None
        return self._ended_at + self._repeat_after_s

    async def batch(self, most_rows: int, most_bytes: int, now: float) -> Batch | None:
        """The next rows; none when all have been sent.

        Raises:
            JournalError: they cannot be read.
        """
        last_key = self._carried.last_key
        again = self._again.first if self._again else None
        after, upto = (again[0] - 1, again[1]) if again else (self._cursor, None)
        found = await self._carried.next(after, upto=upto, max_rows=most_rows, max_bytes=most_bytes)
        if again:
            self._again.remove(again[0], found[-1].key if found else again[1])
        elif found:
            self._cursor = found[-1].key
        else:
            self._cursor, self._ended_at = last_key, now
        return _batch(each for each in found if -each.key not in self._skip)

    async def read(self, numbers: Sequence[int]) -> Batch | None:
        """These, as far as they still wait.

        Raises:
            JournalError: they cannot be read.
        """
        keys = sorted(-number for number in numbers)
        span = keys[-1] - keys[0] + 1  # others may lie between them
        found = await self._carried.next(
            keys[0] - 1, upto=keys[-1], max_rows=span, max_bytes=1 << 20
        )
        return _batch(each for each in found if each.key in keys)

    async def watch(self, wake: Callable[[], None]) -> NoReturn:
        """Call `wake` whenever more has been carried over; until cancelled."""
        while True:
            await self._carried.wait_added(self._carried.last_key)
            wake()

    def put_back(self, numbers: Iterable[int]) -> None:
        """These go again."""
        for number in numbers:
            self._again.add(-number, -number)

    def delivered(self, numbers: Iterable[int]) -> None:
        """These need not be sent again."""
        self._keys += [-number for number in numbers]

    def confirmed(self, epoch: str, ranges: Iterable[Range]) -> None:
        """The centre has these of a former life."""
        self._ranges += [(epoch, each) for each in ranges]

    def wanted(self, epoch: str, ranges: Iterable[Range]) -> None:
        """The centre asks for these of a former life."""
        self._wanted += [(epoch, each) for each in ranges]

    async def settle(self) -> None:
        """Let the journal drop what is delivered, and take up what is wanted again; what it does
        not take now, it is told again."""
        try:
            if self._keys:
                await self._carried.confirm(self._keys)
                self._keys = []
            while self._ranges:  # more may come while one is being dealt with
                epoch, (first, last) = self._ranges.pop()
                await self._carried.confirm_range(epoch, first, last)
            while self._wanted:
                epoch, (first, last) = self._wanted.pop()
                for key in await self._carried.keys(epoch, first, last):
                    if key <= self._cursor:  # or its turn is still to come
                        self._again.add(key, key)
        except JournalError:  # sent twice at worst
            self._keys, self._ranges, self._wanted = [], [], []


def _batch(rows: Iterable[CarriedRow]) -> Batch | None:
    found = list(rows)
    return Batch([-each.key for each in found], [each.body for each in found]) if found else None
