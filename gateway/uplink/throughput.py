"""How many bytes of backlog may be under way, so that a live record does not wait behind them.

Pure. What is written to a socket waits in buffers that nobody can overtake in. So batches are kept
as small as the line is thin: by the time their acknowledgements take beyond that of a message that
finds the line empty.
"""

import math

_FIRST_BYTES = 8 * 1024
"""A quarter of a second at 256 kbit/s."""
_LEAST_BYTES = 2 * 1024
_QUICK_S = 0.1
_SLOW_S = 0.35


class Throughput:
    """The bytes that batches may have in flight: doubled while the line is quick, halved when
    what waits in it takes too long. `most` is never exceeded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._flying = 0
        self._empty_s = math.inf
        self._halved_at = -math.inf
        self.budget = min(most, _FIRST_BYTES)

    def room(self, largest: int) -> int:
        """How many bytes the next batch may have, at most `largest`; 0 if none may go."""
        largest = min(largest, max(self.budget // 2, _LEAST_BYTES))
        return largest if self._flying + largest <= self.budget or not self._flying else 0

    def sent(self, size: int) -> None:
        """A batch of `size` bytes is under way."""
        self._flying += size

    def batch_answered(self, size: int, *, sent_at: float, now: float) -> None:
        """The broker has acknowledged a batch."""
        self._flying -= size
        waited_s = now - sent_at - self.note_round_trip(now - sent_at)
        if waited_s < _QUICK_S:
            self.budget = min(self._most, self.budget + size)
        elif waited_s > _SLOW_S and sent_at >= self._halved_at:
            self.budget = max(_LEAST_BYTES, self.budget // 2)
            self._halved_at = now

    def note_round_trip(self, seconds: float) -> float:
        """A message was acknowledged after `seconds`; the time that takes on an empty line."""
        self._empty_s = min(self._empty_s, seconds)
        return self._empty_s
