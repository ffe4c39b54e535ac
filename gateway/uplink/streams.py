"""What goes next: alarms before live records before backlog, and backlog always goes on.

Pure: rows and times come in as arguments, nothing is read, sent or logged.
"""

import math
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

from gateway.journal import Row
from gateway.ranges import Ranges

ACCEPTED = 0x00
NOBODY_SUBSCRIBED = 0x10
DENIED = 0x87
QUOTA_EXCEEDED = 0x97
_BACK_OFF_S = {
    # Cheap to try, and the centre should not wait long once it is back.
    NOBODY_SUBSCRIBED: (0.5, 10.0),
    # Somebody must change a setting first.
    DENIED: (10.0, 300.0),
    QUOTA_EXCEEDED: (1.0, 60.0),
}
_OTHER_BACK_OFF_S = (1.0, 60.0)


class Stream(StrEnum):
    """The three ways up, the most urgent first."""

    ALARM = "alarm"
    LIVE = "live"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Pacing:
    """The figures of the sender; bytes of payload, seconds."""

    batch_rows: int = 500
    batch_bytes: int = 120 * 1024
    batch_window: int = 8
    """Batches in flight: 8 of 500 events drain 600,000/s on loopback, more adds only memory."""
    reserve: int = 4
    """Places in flight that batches leave to alarms and live records."""
    fair_share: int = 8
    """After so many single messages with no batch in flight, a batch has its turn."""
    live_rows: int = 64
    """More than this waiting is a flood: one by one they would only get later."""
    live_age_s: float = 60.0
    """What is older when the link comes up goes in batches."""
    first_rows: int = 24
    """So many of the younger ones go one by one then: what is recorded next waits behind them, for
    0.4 s at 256 kbit/s."""
    resend_after_s: float = 600.0
    """What the centre has not confirmed by then goes again."""
    ask_after_s: float = 30.0
    """What the centre has not confirmed by then makes the gateway ask what it has."""
    clock_s: float = 60.0
    """So long at most a backlog with wrong times waits for the clock, which comes with the network:
    NTP takes 10 s, and a name server that is not there yet makes it try again."""
    answer_s: float = 1.0
    """So long a fresh link waits for the centre's word before it repeats what was sent before."""
    trial_after_s: float = 1.0
    """So long a fresh link is left to the others before an event is tried that may end it."""
    retry_aside_s: float = 3600.0
    """At the latest after this, what links were lost over is tried again."""
    messages_per_s: float = math.inf
    bytes_per_s: float = math.inf


class Pace:
    """How fast one stream may go, after what the broker said to it."""

    def __init__(self) -> None:
        self.resumes_at = 0.0
        self.denied = False
        """Whether the broker lets nothing through here, whatever it is."""
        self._failures = 0

    def ready(self, now: float, in_flight: int) -> bool:
        """Whether another message may go: none while pausing, then a single one to find out."""
        return now >= self.resumes_at and not (self._failures and in_flight)

    def accepted(self) -> None:
        """A message got through: full speed."""
        self._failures = 0
        self.denied = False

    def refused(self, code: int, now: float) -> None:
        """Pause, twice as long each time; further refusals of one window count once."""
        if now < self.resumes_at:
            return
        self.denied = code == DENIED
        first_s, most_s = _BACK_OFF_S.get(code, _OTHER_BACK_OFF_S)
        self.resumes_at = now + min(most_s, first_s * 2 ** min(self._failures, 20))
        self._failures += 1


class Streams:
    """The rows that wait on one link and the messages that are in flight, by stream."""

    def __init__(self, pacing: Pacing, window: int) -> None:
        self._pacing = pacing
        self.window = window
        """Messages that may be in flight."""
        self._singles_in_a_row = 0
        self.alarms: deque[Row] = deque()
        self.live: deque[Row] = deque()
        self.backlog = Ranges()
        self.former = False
        """Whether something of former lives waits beyond the backlog."""
        self.recalled = False
        """Whether something confirmed is to go again, when nothing else is left."""
        self.in_flight: Counter[Stream] = Counter()
        self.begun = False
        """Whether it is known what waits."""
        self.beside = 0
        """Messages in flight that are no events."""
        self.paces = {stream: Pace() for stream in Stream}

    @property
    def waiting(self) -> bool:
        """Whether anything that is not confirmed has not been sent yet."""
        return bool(self.alarms or self.live or self.backlog or self.former)

    def offer(self, row: Row, now: float) -> None:
        """A fresh row; where its own stream is stopped at present, the backlog takes it."""
        if row.alarm and not self.paces[Stream.ALARM].denied:
            self.alarms.append(row)
        elif row.alarm or now < self.paces[Stream.LIVE].resumes_at:
            self.backlog.add(row.seq, row.seq)
        else:
            self.live.append(row)

    def flooded(self, fresh: int) -> bool:
        """Whether `fresh` more rows are too many to go one by one."""
        return len(self.live) + fresh > self._pacing.live_rows

    def live_to_backlog(self) -> None:
        """Let every waiting live row go in a batch."""
        for row in self.live:
            self.backlog.add(row.seq, row.seq)
        self.live.clear()

    def singles(self) -> list[int]:
        """The rows that wait to go as messages of their own."""
        return [row.seq for rows in (self.alarms, self.live) for row in rows]

    def choose(self, now: float) -> Stream | None:
        """The stream whose turn it is; None while nothing may go."""
        free = self.free()
        if free <= 0:
            return None
        batch = self._batch_may_go(now, free)
        starving = self._singles_in_a_row >= self._pacing.fair_share
        if batch and starving and not self.in_flight[Stream.BATCH]:
            return Stream.BATCH
        for stream, waiting in ((Stream.ALARM, self.alarms), (Stream.LIVE, self.live)):
            if waiting and self.paces[stream].ready(now, self.in_flight[stream]):
                return stream
        return Stream.BATCH if batch else None

    def sent(self, stream: Stream) -> None:
        """A message of `stream` is in flight now."""
        self.in_flight[stream] += 1
        self._singles_in_a_row = 0 if stream is Stream.BATCH else self._singles_in_a_row + 1

    def room_beside(self) -> bool:
        """Whether something that is no event may go: no alarm waits, and there are places left."""
        taken = self.in_flight.total() + self.beside
        left = taken < max(1, self.window - self._pacing.reserve)
        return self.begun and not self.alarms and left

    def free(self) -> int:
        """Messages that may be put in flight now."""
        return self.window - self.in_flight.total() - self.beside

    def resume_times(self) -> list[float]:
        """When pausing streams go on; times in the past belong to streams that do not pause."""
        return [pace.resumes_at for pace in self.paces.values()]

    def _batch_may_go(self, now: float, free: int) -> bool:
        flying = self.in_flight[Stream.BATCH]
        # A window of one or two has nothing to reserve: turns are all there is.
        reserve = min(self._pacing.reserve, self.window - 1)
        return (
            bool(self.backlog or self.former or self.recalled)
            and self.paces[Stream.BATCH].ready(now, flying)
            and flying < self._pacing.batch_window
            and (free > reserve or not flying)
        )
