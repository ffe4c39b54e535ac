"""Sets of sequence numbers kept as ranges: small however many numbers they hold."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

Range = tuple[int, int]
"""First and last number, both included."""


class Ranges:
    """Whole numbers as disjoint closed ranges in ascending order; neighbours are joined."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Self:
        """A set of every number in `ranges`, which may overlap."""
        made = cls()
        for first, last in ranges:
            made.add(first, last)
        return made

    def add(self, first: int, last: int) -> list[Range]:
        """Put in every number from `first` to `last`; nothing if `last` is smaller.

        Returns the ranges that the new one has swallowed.
        """
        if last < first:
            return []
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        swallowed = list(zip(self._firsts[low:high], self._lasts[low:high], strict=True))
        if swallowed:
            first = min(first, swallowed[0][0])
            last = max(last, swallowed[-1][1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]
        return swallowed

    def remove(self, first: int, last: int) -> None:
        """Take out every number from `first` to `last`."""
        low = bisect_left(self._lasts, first)
        high = bisect_right(self._firsts, last)
        if low >= high or last < first:
            return
        rest = [(self._firsts[low], first - 1), (last + 1, self._lasts[high - 1])]
        rest = [(start, end) for start, end in rest if start <= end]
        self._firsts[low:high] = [start for start, _ in rest]
        self._lasts[low:high] = [end for _, end in rest]

    def gaps(self, after: int, upto: int) -> Iterator[Range]:
        """The ranges that are not in here among `after < number <= upto`, ascending."""
        start = after + 1
        at = bisect_left(self._lasts, start)
        while start <= upto:
            if at == len(self._lasts):
                yield start, upto
                return
            if start < self._firsts[at]:
                yield start, min(upto, self._firsts[at] - 1)
            start = self._lasts[at] + 1
            at += 1

    def around(self, number: int) -> Range | None:
        """The range that `number` is in; None if it is in none."""
        at = bisect_left(self._lasts, number)
        if at < len(self._firsts) and self._firsts[at] <= number:
            return self._firsts[at], self._lasts[at]
        return None

    @property
    def first(self) -> Range:
        """The lowest range; there must be one."""
        return self._firsts[0], self._lasts[0]

    @property
    def upto(self) -> int:
        """Every number from 1 to this is in here; 0 if 1 is not."""
        return self._lasts[0] if self._firsts and self._firsts[0] == 1 else 0

    @property
    def last(self) -> int:
        """The largest number; 0 if there is none."""
        return self._lasts[-1] if self._lasts else 0

    def __contains__(self, number: int) -> bool:
        return self.around(number) is not None

    def __iter__(self) -> Iterator[Range]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._firsts)


def runs(numbers: Sequence[int]) -> Iterator[Range]:
    """Ascending `numbers` as ranges without a hole."""
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1:
        yield numbers[0], numbers[-1]
        return
    start = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            yield numbers[start], numbers[place - 1]
            start = place


def first_of(most: int, spans: Iterable[Range]) -> list[Range]:
    """The first `most` numbers of `spans`."""
    found: list[Range] = []
    for start, end in spans:
        if most <= 0:
            break
        end = min(end, start + most - 1)
        found.append((start, end))
        most -= end - start + 1
    return found


def total(ranges: Iterable[Range]) -> int:
    """How many numbers there are in disjoint `ranges`."""
    return sum(last - first + 1 for first, last in ranges)
