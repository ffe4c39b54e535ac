"""What SQLite is busy with, and for how long: a disk may take its time where a program may not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Calls:
    """The calls that connections have made into SQLite, each in a thread of its own."""

    def __init__(self) -> None:
        self._begun: dict[object, float] = {}

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """A call, for as long as the block."""
        call = object()
        self._begun[call] = time.monotonic()
        try:
            yield
        finally:
            del self._begun[call]

    def longest_s(self) -> float:
        """For how many seconds the oldest call has been under way; 0 if there is none."""
        now = time.monotonic()
        # A copy, which is made in one step: the threads go on beginning and ending calls.
        return now - min(list(self._begun.values()), default=now)
