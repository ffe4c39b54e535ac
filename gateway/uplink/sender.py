"""Sends the journal's unconfirmed rows over one link until told otherwise; drops nothing."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import NoReturn

from gateway.clock import Clock
from gateway.config import Compress, Confirm
from gateway.errors import JournalError, LinkError
from gateway.journal import Journal
from gateway.ranges import Range, runs
from gateway.topics import Topics
from gateway.turns import Turns
from gateway.uplink.alarms import Alarms
from gateway.uplink.dialogue import Dialogue
from gateway.uplink.feed import Feed
from gateway.uplink.link import Link
from gateway.uplink.packing import pack
from gateway.uplink.post import Post
from gateway.uplink.streams import Pacing, Stream, Streams
from gateway.uplink.tally import LINK_LOST, Tally
from gateway.uplink.verdicts import Verdicts

_log = logging.getLogger(__name__)

_MOST_RETRY_S = 5.0
"""So long a disk that is back may go unnoticed here."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to deliver."""

    topics: Topics
    confirm: Confirm
    compress: Compress
    pacing: Pacing


class Sender:
    """The three streams on one link; a new link gets a new sender."""

    def __init__(
        self,
        link: Link,
        journal: Journal,
        terms: Terms,
        tally: Tally,
        alarms: Alarms,
        clock: Clock,
        turns: Turns,
    ) -> None:
        pacing, now = terms.pacing, asyncio.get_running_loop().time()
        self._link = link
        self._journal = journal
        self._epoch = journal.epoch
        self._terms = terms
        self._tally = tally
        self._most_retry_s = pacing.retry_aside_s
        self._clock = clock
        self._turns = turns
        self._streams = Streams(pacing, link.limits.window)
        self._feed = Feed(journal, self._streams, pacing, tally, clock)
        self._wake = asyncio.Event()
        self.post = Post(link, terms.topics, self._streams, pacing, terms.compress, self._wake.set)
        self.dialogue = Dialogue(
            link,
            journal,
            self._streams,
            self._feed,
            self.post,
            terms.confirm,
            pacing,
            self._wake.set,
        )
        self._verdicts = Verdicts(
            journal,
            self._streams,
            self._feed,
            self.dialogue.reminders,
            tally,
            alarms,
            confirm=terms.confirm,
            pacing=pacing,
        )
        self._finishing = False
        self._trial_due = now + pacing.trial_after_s

    async def run(self) -> NoReturn:
        """Send until cancelled.

        Raises:
            LinkError: the link has ended, or the journal has begun a new life.
        """
        failures = 0
        self._turns.wake = self._wake.set
        with closing(self._feed.batches):
            while True:
                try:
                    await self._turn()
                    if failures:
                        _log.info("events can be read again")
                    failures = 0
                except JournalError as error:
                    level = logging.DEBUG if failures else logging.WARNING
                    _log.log(level, "nothing can be read to be sent: %s", error)
                    await asyncio.sleep(min(_MOST_RETRY_S, 0.5 * 2**failures))
                    failures = min(failures + 1, 10)

    async def watch(self) -> NoReturn:
        """Wake `run` when something has been recorded or carried over; runs beside it."""
        seen = self._journal.last_seq
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self._feed.former.watch(self._wake.set))
            beside.create_task(self._feed.recall.declare())
            while True:
                await self._journal.wait_appended(seen)
                seen = self._journal.last_seq
                self._wake.set()

    async def finish(self) -> None:
        """Send what still waits, and wait for every answer, when `run` has been cancelled.

        Raises:
            LinkError: the link has ended.
            JournalError: what waits cannot be read.
        """
        self._finishing = True
        self._feed.recall.close()
        while self._left:
            await self._turn()

    @property
    def _left(self) -> bool:
        """Whether anything is in flight, waits, or waits to be known."""
        waiting = self.post.flying or self._streams.waiting or self._feed.behind
        return bool(waiting or self._feed.doubtful)

    def lost(self) -> bool:
        """The link has ended; whether that was provoked by a trial."""
        flying = self.post.flying
        held = self._tally.trials.held
        on_trial = any(number in held for each in flying for number in each.numbers)
        self._tally.ended_at = asyncio.get_running_loop().time()
        self._tally.sent(each for parcel in flying for each in _own(parcel.numbers))
        guilty = self._tally.trials.lost([parcel.numbers for parcel in flying])
        if guilty is not None:
            now = asyncio.get_running_loop().time()
            self._verdicts.set_aside(flying[0], LINK_LOST, now)
        return on_trial

    async def _turn(self) -> None:
        self._turns.taken()
        now = asyncio.get_running_loop().time()
        if self._journal.epoch != self._epoch:
            raise LinkError("the journal has begun a new life", provoked=True)
        for parcel, code in self.post.collect(now):
            self._verdicts.take(parcel, code, now)
        await self._feed.former.settle()
        await self._take_up(now)
        self._streams.window = 1 if self._tally.trials.careful else self._link.limits.window
        if self._trial_is_on(now):
            sent = await self._try_alone()
        else:
            sent = self.post.ready_at(now) <= now and await self._send_next(now)
        if not sent:
            await self._rest(now)

    async def _take_up(self, now: float) -> None:
        """Let the streams have what has become due."""
        if not self._streams.begun:
            await self._feed.begin(self._clock.now().wall_ms, now)
            self._streams.begun = True
        await self.dialogue.take_up(now)
        await self._feed.follow(now)
        if self._tally.set_aside and now >= self._tally.retry_at(self._most_retry_s):
            self._tally.aside_at = now
            self._tally.trials.retry(self._tally.take_back())

    def _trial_is_on(self, now: float) -> bool:
        due = now >= self._trial_due or not self._streams.waiting
        return self._tally.trials.waiting and due and not self._finishing

    async def _try_alone(self) -> bool:
        """When nothing else is in flight, send what may be at fault; false if it is too early."""
        if self.post.flying:
            return False
        trials = self._tally.trials
        numbers = trials.next()
        with ExitStack() as unread:  # it may fail, or be cut short by the link's end
            unread.callback(trials.hold, numbers)
            batch = await self._feed.read(numbers)
            unread.pop_all()
        found = batch.numbers if batch else []
        trials.passed([each for each in numbers if each not in found])
        if batch:
            packed = pack(batch, self.post.order(len(found)))
            self.post.send_batch(packed)
            if left := found[len(packed.numbers) :]:
                trials.hold(left)
        return True

    async def _send_next(self, now: float) -> bool:
        """Send one message; false if nothing may go."""
        match stream := self._streams.choose(now):
            case Stream.ALARM | Stream.LIVE:
                rows = self._streams.alarms if stream is Stream.ALARM else self._streams.live
                if await self._feed.are_final([rows[0].seq]):
                    self.post.send_single(stream, rows.popleft())
            case Stream.BATCH:
                order = self.post.order(self._verdicts.batch_rows)
                if order.plain_bytes and (packed := await self._feed.batch(order, now)):
                    if await self._feed.are_final(packed.numbers):
                        self.post.send_batch(packed)
                    else:
                        self._feed.put_back(packed.numbers)
                return order.plain_bytes > 0
        return stream is not None

    async def _rest(self, now: float) -> None:
        """Wait for an answer, a record, the centre's word, or the end of a pause."""
        times = [*self._streams.resume_times(), self.post.ready_at(now), self._trial_due]
        times += [self.dialogue.answer_due, self.dialogue.reminders.due_at() or now]
        times += [self._feed.former.repeat_at or now, self._tally.retry_at(self._most_retry_s)]
        times += [now + (self._feed.waiting.look_in_s or 0.0)]
        due = min((at for at in times if at > now), default=None)
        try:
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()


def _own(numbers: Sequence[int]) -> list[Range]:
    """The numbers of this life as ranges."""
    return list(runs(numbers)) if numbers and numbers[0] > 0 else []
