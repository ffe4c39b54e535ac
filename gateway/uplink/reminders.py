"""Remembers what was sent but not confirmed by the centre, and when it is to go again."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from gateway.journal import Delivery
from gateway.ranges import Range, Ranges, runs

_SLOTS = 60
"""Rows are remembered by the slot of time they were sent in: a million rows cost as little as one,
and go again at most a sixtieth of the time too late."""


class Reminders:
    """Sequence numbers by the time they were sent."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._slots: deque[tuple[float, Ranges]] = deque()

    def note(self, seqs: Sequence[int], now: float) -> None:
        """`seqs` (ascending) have been sent."""
        slot_s = self._after_s / _SLOTS
        if not self._slots or now - self._slots[-1][0] >= slot_s:
            self._slots.append((now, Ranges()))
        for first, last in runs(seqs):
            self._slots[-1][1].add(first, last)

    def due(self, now: float) -> Iterator[Range]:
        """What was sent too long ago; it is forgotten here."""
        while (due_at := self.due_at()) is not None and due_at <= now:
            yield from self._slots.popleft()[1]

    def sent_before(self, time: float) -> Iterator[Range]:
        """What was sent before `time`; it is forgotten here."""
        while self._slots and self._slots[0][0] <= time:
            yield from self._slots.popleft()[1]

    def oldest(self, delivery: Delivery) -> float | None:
        """When the oldest was sent of what is still unconfirmed; the rest is forgotten."""
        while self._slots:
            sent_at, ranges = self._slots[0]
            if any(list(islice(delivery.gaps(first - 1, last), 1)) for first, last in ranges):
                return sent_at
            self._slots.popleft()
        return None

    def due_at(self) -> float | None:
        """When the next rows go again."""
        if not self._slots:
            return None
        return self._slots[0][0] + self._after_s * (1 + 1 / _SLOTS)
