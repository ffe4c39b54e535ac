"""What the centre misses although it was confirmed: its database may have been lost, or a broker
dropped what it had acknowledged. As far as it is kept it goes again, after everything else."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NoReturn

from gateway.clock import Clock
from gateway.errors import JournalError
from gateway.events import Draft, GapData, GapReason, Kind
from gateway.journal import Journal
from gateway.ranges import Range, Ranges, first_of, runs
from gateway.uplink.packing import Order, Packed, pack
from gateway.uplink.tally import Tally

_MOST_UNTOLD = 100
"""What a full disk keeps from being told is asked for again."""


class Recall:
    """For one link. Nothing of it changes what is confirmed."""

    def __init__(self, journal: Journal, tally: Tally, clock: Clock) -> None:
        self._journal = journal
        self._epoch = journal.epoch
        self._tally = tally
        self._clock = clock
        self._flying = Ranges()
        self._gone: asyncio.Queue[Sequence[Range]] = asyncio.Queue(_MOST_UNTOLD)
        self._closed = False

    def ask(self, wanted: Iterable[Range]) -> None:
        """The centre wants these; what of them is not confirmed goes in any case."""
        first_kept = self._journal.counts().first_seq
        for first, last in wanted:
            confirmed = Ranges.of([(first, last)])
            for unconfirmed in self._journal.delivery.gaps(first - 1, last):
                confirmed.remove(*unconfirmed)
            for start, end in confirmed:
                self._tally.recalled.add(max(start, first_kept), end)
                if start < first_kept:
                    self._give_up([(start, min(end, first_kept - 1))])

    def waits(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._next(1))

    async def batch(self, order: Order) -> Packed | None:
        """The next batch; None if nothing of what was next is kept any more.

        Raises:
            JournalError: it cannot be read.
        """
        if not (spans := self._next(order.rows)):
            return None
        make = partial(pack, order=order)
        packed = await self._journal.gather(spans, max_bytes=order.plain_bytes - 2, make=make)
        if self._journal.epoch != self._epoch:
            return None
        sent = Ranges.of(runs(packed.numbers)) if packed else Ranges()
        for first, last in spans:
            for gone in sent.gaps(first - 1, min(last, sent.last or last)):
                self._tally.recalled.remove(*gone)
        for each in sent:
            self._flying.add(*each)
        # Holes among rows that are kept: the centre says once more which they are. A gap over them
        # would settle the others, too, which may be dropped on their way.
        if not packed:
            self._give_up(spans)
        return packed

    def answered(self, numbers: Sequence[int], *, accepted: bool) -> None:
        """The broker has answered the message with these."""
        for each in runs(numbers) if self._tally.recalled else ():
            self._flying.remove(*each)
            if accepted:
                self._tally.recalled.remove(*each)

    def arrived(self, ranges: Iterable[Range]) -> None:
        """The centre has these."""
        for each in ranges:
            self._tally.recalled.remove(*each)

    def close(self) -> None:
        """Send nothing more: the gateway is about to stop, and the centre will ask again."""
        self._closed = True

    async def declare(self) -> NoReturn:
        """Record once what is not kept any more, so that the centre need not ask for ever."""
        while True:
            told, spans = self._tally.told, await self._gone.get()
            gone = [each for first, last in spans for each in told.gaps(first - 1, last)]
            if not gone:
                continue
            try:
                await self._journal.append([self._gap(gone)])
            except JournalError:  # who owns the journal says so
                continue
            for each in gone:
                told.add(*each)

    def _next(self, most: int) -> list[Range]:
        if self._closed or not self._tally.recalled:
            return []
        kept_back = ((each, each) for each in self._tally.kept_back)
        not_now = Ranges.of([*self._flying, *kept_back])
        recalled = self._tally.recalled
        return first_of(most, (span for a, b in recalled for span in not_now.gaps(a - 1, b)))

    def _give_up(self, spans: Sequence[Range]) -> None:
        if not self._gone.full():
            self._gone.put_nowait(spans)

    def _gap(self, spans: Sequence[Range]) -> Draft:
        data = GapData(
            epoch=self._epoch,
            first=spans[0][0],
            last=spans[-1][1],
            count=sum(last - first + 1 for first, last in spans),
            why=GapReason.RETENTION,
        )
        return Draft(Kind.GAP, "journal", self._clock.now(), data)
