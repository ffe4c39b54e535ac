"""Keeps within the messages and bytes per second that a service allows. Pure."""

import math


class Allowance:
    """Two buckets that fill with time; what is urgent may take the last message."""

    def __init__(self, messages_per_s: float, bytes_per_s: float) -> None:
        self._rates = messages_per_s, bytes_per_s
        # A second's worth may go at once, half of it where that is still more than one message.
        self._sizes = max(2.0, messages_per_s / 2), bytes_per_s
        self._levels = self._sizes
        self._filled_at = -math.inf

    def ready_at(self, now: float, *, urgent: bool) -> float:
        """When the next message may go; `now` or earlier means at once."""
        self._fill(now)
        messages, octets = self._levels
        wanted = 1.0 if urgent else 2.0
        wait_s = 0.0
        if messages < wanted:
            wait_s = (wanted - messages) / self._rates[0]
        if octets < 0:
            wait_s = max(wait_s, -octets / self._rates[1])
        return now + wait_s

    def spend(self, size: int, now: float) -> None:
        """A message of `size` bytes goes."""
        self._fill(now)
        self._levels = self._levels[0] - 1, self._levels[1] - size

    def _fill(self, now: float) -> None:
        since_s = now - self._filled_at
        if since_s > 0:
            filled = (
                level + rate * since_s
                for level, rate in zip(self._levels, self._rates, strict=True)
            )
            messages, octets = map(min, filled, self._sizes)
            self._levels = messages, octets
            self._filled_at = now
