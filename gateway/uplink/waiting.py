"""The backlog whose times may soon be put right: kept back for a while when the link comes up.

With the network a box without a battery-backed clock gets the time, too, but some seconds later; a
backlog would be gone by then, with wrong times. A box whose clock has never been right has no time
source, and waits for none.
"""

from gateway.clock import Clock, TimeQuality
from gateway.journal import Journal
from gateway.ranges import Ranges
from gateway.uplink.tally import Tally


class Waiting:
    """For one link. Alarms and what is young never wait."""

    _LOOK_S = 1.0

    def __init__(self, journal: Journal, tally: Tally, clock: Clock, most_s: float) -> None:
        self._journal = journal
        self._tally = tally
        self._clock = clock
        self._most_s = most_s
        self._until = 0.0
        self.rows = Ranges()
        """What is kept back."""

    def part(self, backlog: Ranges, now: float) -> None:
        """Take from `backlog` what is better sent later: for as long as the link was away, so that
        one which comes and goes delivers, and a minute at most."""
        away_s = now - self._tally.ended_at if self._tally.ended_at is not None else self._most_s
        if self._clock.floor_ms or self._clock.now().quality is TimeQuality.SYNC:
            self._until = now + min(self._most_s, away_s)
        if now < self._until:
            for first, last in list(backlog):
                for each in self._journal.dating.open(first, last):
                    self.rows.add(*each)
                    backlog.remove(*each)

    def release(self, backlog: Ranges, now: float) -> None:
        """Give back to `backlog` what has its right time now, or has waited long enough."""
        for first, last in list(self.rows):
            released = Ranges.of([(first, last)])
            if now < self._until:
                for each in self._journal.dating.open(first, last):
                    released.remove(*each)
            for each in released:
                self.rows.remove(*each)
                backlog.add(*each)

    @property
    def look_in_s(self) -> float | None:
        """How many seconds until the next `release`; None if nothing waits."""
        return self._LOOK_S if self.rows else None
