"""Supplies one link's streams from the journal: what is live, what is backlog, what comes next."""

from collections import deque
from collections.abc import Sequence

from gateway.clock import Clock
from gateway.journal import Batch, Journal, Row
from gateway.ranges import Ranges, runs
from gateway.uplink.batches import Batches
from gateway.uplink.former import Former
from gateway.uplink.packing import Order, Packed, pack
from gateway.uplink.recall import Recall
from gateway.uplink.streams import Pacing, Streams
from gateway.uplink.tally import Tally
from gateway.uplink.waiting import Waiting

_SINGLES_BYTES = 1 << 20
"""Of waiting live rows in memory; rarely reached, a row has a few hundred."""
_MESSAGE_BYTES = 1 << 26
"""More than the rows of one message have, before they are compressed."""


class Feed:
    """Follows the journal for one link."""

    def __init__(
        self, journal: Journal, streams: Streams, pacing: Pacing, tally: Tally, clock: Clock
    ) -> None:
        self._journal = journal
        self._streams = streams
        self._pacing = pacing
        self._tally = tally
        self._tail = 0
        self._revision = journal.dating.revision
        self.former = Former(journal, tally, pacing.resend_after_s)
        self.batches = Batches(journal, streams, tally)
        self.waiting = Waiting(journal, tally, clock, pacing.clock_s)
        self.recall = Recall(journal, tally, clock)
        self.doubtful = Ranges()
        """What the centre may have: kept back until it has said what it has."""

    async def begin(self, wall_ms: int, now: float) -> None:
        """Take up everything unconfirmed: alarms and young rows singly, the rest as backlog.

        Raises:
            JournalError: nothing was taken up.
        """
        pacing, last = self._pacing, self._journal.last_seq
        newest = await self._journal.read(
            max(0, last - pacing.first_rows),
            upto=last,
            max_rows=pacing.first_rows,
            max_bytes=_SINGLES_BYTES,
        )
        alarms = [row for row in await self._journal.alarms() if row.seq <= last]
        self._tail = last
        self._part_from_doubtful(last)
        # Live are the newest rows without a break: what is older than one in the backlog is older.
        young: list[Row] = []
        for row in reversed(newest):
            if wall_ms - row.wall_ms > pacing.live_age_s * 1000:
                break
            young.append(row)
        for row in [*alarms, *(row for row in reversed(young) if not row.alarm)]:
            if row.seq not in self._tally and row.seq not in self.doubtful:
                self._streams.backlog.remove(row.seq, row.seq)
                self._streams.offer(row, 0.0)
        self.waiting.part(self._streams.backlog, now)

    def _part_from_doubtful(self, last: int) -> None:
        unconfirmed = list(self._journal.delivery.gaps(0, last))
        for each in self._journal.dating.open(1, last):
            self._tally.doubtful.remove(*each)  # what has been sent is sealed
        self._streams.backlog = Ranges.of(unconfirmed)
        for each in self._tally.doubtful:
            self._streams.backlog.remove(*each)
        self.doubtful = Ranges.of(unconfirmed)
        for each in self._streams.backlog:
            self.doubtful.remove(*each)
        self._tally.doubtful = Ranges.of(self.doubtful)

    async def repeat_doubtful(self) -> None:
        """Send what the centre has not confirmed of what was sent before; its alarms first.

        Raises:
            JournalError: nothing was taken up.
        """
        alarms = await self._journal.alarms()
        doubtful, self.doubtful = self.doubtful, Ranges()
        for each in doubtful:
            self._streams.backlog.add(*each)
        for row in alarms:
            if row.seq in doubtful and row.seq not in self._tally:
                self._streams.backlog.remove(row.seq, row.seq)
                self._streams.offer(row, 0.0)

    @property
    def behind(self) -> bool:
        """Whether something has been recorded that the streams do not have yet."""
        return self._journal.last_seq != self._tail

    async def follow(self, now: float) -> None:
        """Take up what has been recorded since the last call.

        Raises:
            JournalError: nothing was taken up.
        """
        if self._revision != self._journal.dating.revision:
            await self._refresh()
        self.waiting.release(self._streams.backlog, now)
        self._streams.former = self.former.waits(now)
        self._streams.recalled = self.recall.waits()
        last = self._journal.last_seq
        if last == self._tail:
            return
        if self._streams.flooded(last - self._tail):
            await self._divert(last)
            return
        rows = await self._journal.read(
            self._tail,
            upto=last,
            max_rows=self._pacing.live_rows,
            max_bytes=_SINGLES_BYTES,
        )
        self._tail = rows[-1].seq if rows else last
        for row in rows:
            self._streams.offer(row, now)

    async def batch(self, order: Order, now: float) -> Packed | None:
        """The next batch of the backlog, which it leaves, or of what comes after it; None if
        there is none at present.

        Raises:
            JournalError: nothing has left the backlog.
        """
        if self._streams.backlog:
            return await self.batches.next(order)
        if self._streams.recalled and not self._streams.former:
            return await self.recall.batch(order)
        batch = await self.former.batch(order.rows, order.plain_bytes, now)
        if batch is None:
            return None
        packed = pack(batch, order)
        self.put_back(batch.numbers[len(packed.numbers) :])
        return packed

    def put_back(self, numbers: Sequence[int]) -> None:
        """These go later, after all."""
        for first, last in runs([number for number in numbers if number > 0]):
            self._streams.backlog.add(first, last)
        self.former.put_back(number for number in numbers if number < 0)

    async def read(self, numbers: Sequence[int]) -> Batch | None:
        """These, as far as they are unconfirmed or recalled; all of this life or of former ones.

        Raises:
            JournalError: they cannot be read.
        """
        if numbers[0] < 0:
            return await self.former.read(numbers)
        confirmed, recalled = self._journal.delivery.is_confirmed, self._tally.recalled
        spans = list(runs([each for each in numbers if not confirmed(each) or each in recalled]))
        return await self._journal.gather(spans, max_bytes=_MESSAGE_BYTES, make=lambda it: it)

    async def are_final(self, numbers: Sequence[int]) -> bool:
        """Whether these, as they were read since the last `follow`, will be so for ever; else they
        have to be read again."""
        if numbers[0] < 0 or numbers[0] in self._tally.recalled:
            return True  # of former lives, or confirmed: never corrected
        await self._journal.dating.seal(numbers)
        return self._journal.dating.revision == self._revision

    async def _refresh(self) -> None:
        """Let go of what was read before times were corrected."""
        revision = self._journal.dating.revision
        alarms = {row.seq: row for row in await self._journal.alarms()}
        waiting = [row.seq for row in self._streams.alarms]
        self._streams.alarms = deque(alarms[seq] for seq in waiting if seq in alarms)
        for seq in waiting:
            if seq not in alarms:
                self._streams.backlog.add(seq, seq)
        self._streams.live_to_backlog()
        self.batches.drop()
        self._revision = revision

    async def _divert(self, last: int) -> None:
        """A flood: its rows go in batches, but not its alarms."""
        alarms = await self._journal.alarms()
        after, self._tail = self._tail, last
        self._streams.live_to_backlog()
        self._streams.backlog.add(after + 1, last)
        for row in alarms:
            if after < row.seq <= last:
                self._streams.backlog.remove(row.seq, row.seq)
                self._streams.alarms.append(row)
