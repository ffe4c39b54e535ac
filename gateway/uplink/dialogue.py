"""What the gateway and the centre say to each other about what has arrived."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from gateway.config import Confirm
from gateway.journal import Journal
from gateway.ranges import Ranges, runs
from gateway.uplink.feed import Feed
from gateway.uplink.link import Link
from gateway.uplink.post import Post
from gateway.uplink.receiver import Ack
from gateway.uplink.reminders import Reminders
from gateway.uplink.streams import Pacing, Streams


class Dialogue:
    """For one link. The centre answers a birth with what it has: so the birth at the beginning
    of a link, and one in between, is also a question."""

    def __init__(
        self,
        link: Link,
        journal: Journal,
        streams: Streams,
        feed: Feed,
        post: Post,
        confirm: Confirm,
        pacing: Pacing,
        wake: Callable[[], None],
    ) -> None:
        self.reminders = Reminders(pacing.resend_after_s)
        self.answer_due = asyncio.get_running_loop().time() + pacing.answer_s
        """So long the first answer is waited for."""
        self._link = link
        self._journal = journal
        self._streams = streams
        self._feed = feed
        self._post = post
        self._confirm = confirm
        self._patience_s = pacing.ask_after_s
        self._wake = wake
        self._answered = False
        self._asked_at: float | None = None

    async def inquire(self, ask: Callable[[], Awaitable[None]]) -> NoReturn:
        """`ask` the centre what it has when it leaves something unconfirmed; until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience_s / 4)
            sent_at = self.reminders.oldest(self._journal.delivery)
            overdue = sent_at is not None and sent_at <= loop.time() - self._patience_s
            if overdue and self._link.in_flight < self._link.limits.window:
                self._asked_at = loop.time()
                await ask()

    def acknowledged(self, ack: Ack) -> None:
        """The centre's own word: what it has committed, and what it wants again, in a batch."""
        former = ack.epoch != self._journal.epoch
        if self._confirm is Confirm.CENTRE and former:
            self._feed.former.confirmed(ack.epoch, ack.safe)
            self._feed.former.wanted(ack.epoch, ack.missing)
        elif self._confirm is Confirm.CENTRE:
            for first, last in ack.safe:
                self._journal.confirm_range(first, last)
        if not former:
            self._feed.recall.arrived(ack.safe)
            self._answered = True
            self._want(ack)
        self._wake()

    def accepted(self, encodings: Sequence[str]) -> None:
        """The centre reads batches that are encoded so."""
        self._post.accepts = encodings

    def _want(self, ack: Ack) -> None:
        wanted = Ranges.of(ack.missing)
        on_their_way = [number for parcel in self._post.flying for number in parcel.numbers]
        for first, last in runs(sorted([*on_their_way, *self._streams.singles()])):
            wanted.remove(first, last)
        for each in self._feed.waiting.rows:  # it has not been sent yet
            wanted.remove(*each)
        if self._asked_at is not None:
            # It has answered, and what was sent before the question is not in the answer.
            for each in self.reminders.sent_before(self._asked_at - self._patience_s / 2):
                wanted.add(*each)
            self._asked_at = None
        for each in wanted:
            self._streams.backlog.add(*each)
        self._feed.recall.ask(wanted)

    async def take_up(self, now: float) -> None:
        """Let the streams have what is to be sent again.

        Raises:
            JournalError: nothing was taken up.
        """
        if self._feed.doubtful and (self._answered or now >= self.answer_due):
            await self._feed.repeat_doubtful()
        for first, last in self.reminders.due(now):
            self._streams.backlog.add(first, last)
