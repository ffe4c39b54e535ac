"""The backlog as batches: each is read and packed while the one before it is being sent."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from gateway.errors import JournalError
from gateway.journal import Journal
from gateway.ranges import Range, Ranges
from gateway.uplink.packing import Order, Packed, pack
from gateway.uplink.streams import Streams
from gateway.uplink.tally import Tally


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A batch that is being read before anybody has asked for it; None if that fails."""

    spans: Sequence[Range]
    packed: asyncio.Task[Packed | None]


class Batches:
    """What one link's backlog holds, in the order of its numbers.

    What is read ahead stays in the backlog, and is used only if the very same is asked for next.
    """

    def __init__(self, journal: Journal, streams: Streams, tally: Tally) -> None:
        self._journal = journal
        self._streams = streams
        self._tally = tally
        self._ahead: _Ahead | None = None
        self._closed = False

    async def next(self, order: Order) -> Packed | None:
        """The next batch, which leaves the backlog; None if what was there need not be sent.

        Raises:
            JournalError: nothing has left the backlog.
        """
        spans = self._spans(order.rows)
        end = spans[-1][1] if spans else self._streams.backlog.last
        taken = [each for each in self._streams.backlog if each[0] <= end]
        packed = await self._take(spans, order) if spans else None
        if packed:
            end = packed.numbers[-1]
        for first, last in taken:
            self._streams.backlog.remove(first, min(last, end))
        if packed:
            await self._read_ahead(order)
        return packed

    def close(self) -> None:
        """Read nothing ahead any more."""
        self._closed = True
        self.drop()

    def drop(self) -> None:
        """Let go of what has been read ahead."""
        if self._ahead:
            self._ahead.packed.cancel()
        self._ahead = None

    def _spans(self, most: int) -> list[Range]:
        """The next `most` numbers that are to be sent."""
        kept_back = Ranges.of((each, each) for each in self._tally.kept_back)
        found: list[Range] = []
        for each in self._streams.backlog:
            for first, last in self._journal.delivery.gaps(each[0] - 1, each[1]):
                for start, end in kept_back.gaps(first - 1, last):
                    end = min(end, start + most - 1)
                    found.append((start, end))
                    most -= end - start + 1
                    if not most:
                        return found
        return found

    async def _take(self, spans: Sequence[Range], order: Order) -> Packed | None:
        if self._ahead and self._ahead.spans == spans:
            packed = await self._ahead.packed
            if packed and order.allows(packed):
                return packed
        self.drop()
        return await self._read(spans, order)

    async def _read(self, spans: Sequence[Range], order: Order) -> Packed | None:
        make = partial(pack, order=order)
        return await self._journal.gather(spans, max_bytes=order.plain_bytes - 2, make=make)

    async def _read_ahead(self, order: Order) -> None:
        self.drop()
        if not self._closed and (spans := self._spans(order.rows)):
            self._ahead = _Ahead(spans, asyncio.create_task(self._try_to_read(spans, order)))
            await asyncio.sleep(0)  # let it begin

    async def _try_to_read(self, spans: Sequence[Range], order: Order) -> Packed | None:
        with suppress(JournalError):  # who asks for it will know
            return await self._read(spans, order)
        return None
