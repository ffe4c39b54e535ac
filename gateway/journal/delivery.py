"""Which events are delivered: a cursor, and the few disjoint ranges that lie beyond it.

A status per row would cost an UPDATE per event and, at a million rows, a search for the next
batch. Deliveries come nearly in order, so their union is nearly always one range.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.ranges import Range, Ranges


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the stored ranges: those to store, and the firsts of those swallowed."""

    stored: list[Range]
    dropped: list[int]

    def __bool__(self) -> bool:
        return bool(self.stored or self.dropped)

    @property
    def only_cursor(self) -> bool:
        """Whether nothing but ``Delivery.upto`` has moved."""
        return not self.dropped and all(first == 1 for first, _ in self.stored)


class Delivery:
    """A set of sequence numbers that only grows, and what of it has not been stored yet."""

    def __init__(self) -> None:
        self._ranges = Ranges()
        self._changed: set[int] = set()
        self.count = 0

    @property
    def upto(self) -> int:
        """Everything up to and including this is confirmed; 0 when number 1 is not."""
        return self._ranges.upto

    @property
    def beyond(self) -> list[Range]:
        """The confirmed ranges after ``upto``, ascending."""
        return [each for each in self._ranges if each[0] > 1]

    def is_confirmed(self, seq: int) -> bool:
        """Whether ``seq`` has been confirmed."""
        return seq in self._ranges

    def confirm(self, first: int, last: int) -> int:
        """Add ``first`` to ``last`` (``1 <= first <= last``); returns how many of them are new."""
        swallowed = self._ranges.add(first, last)
        if swallowed:
            first, last = min(first, swallowed[0][0]), max(last, swallowed[-1][1])
        new = last - first + 1 - sum(end - start + 1 for start, end in swallowed)
        if new:
            self._changed.update(start for start, _ in swallowed)
            self._changed.add(first)
            self.count += new
        return new

    def gaps(self, after: int, upto: int) -> Iterator[Range]:
        """The ranges not confirmed among ``after < seq <= upto``, ascending."""
        return self._ranges.gaps(after, upto)

    def stored(self, first: int) -> None:
        """A range that begins at ``first`` is in the file already, and may be part of a larger."""
        self._changed.add(first)

    def take_changes(self) -> Changes:
        """What has changed since the last call; the caller stores it or puts it back."""
        stored: list[Range] = []
        dropped: list[int] = []
        for first in sorted(self._changed):
            found = self._ranges.around(first)
            if found is not None and found[0] == first:
                stored.append(found)
            else:
                dropped.append(first)
        self._changed.clear()
        return Changes(stored, dropped)

    def put_back(self, changes: Changes) -> None:
        """Count ``changes`` as not stored after all."""
        self._changed.update(first for first, _ in changes.stored)
        self._changed.update(changes.dropped)
