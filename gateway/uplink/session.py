"""The gateway's life on one connection: will, birth, the streams, and a clean goodbye."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from gateway.clock import Clock
from gateway.config import Compress, Config, Confirm
from gateway.errors import JournalError, LinkError
from gateway.journal import Journal
from gateway.messages import Down
from gateway.topics import CENTRE_STATE, Topics
from gateway.turns import Turns
from gateway.uplink.alarms import Alarms
from gateway.uplink.bulletins import (
    Bulletins,
    DeviceReports,
    HealthReport,
    Reports,
    Standing,
)
from gateway.uplink.client import Will
from gateway.uplink.downlink import Downlink
from gateway.uplink.link import Link, open_link, run_on
from gateway.uplink.options import link_options
from gateway.uplink.packing import zstd_here
from gateway.uplink.receiver import Ack, Receiver
from gateway.uplink.sender import Sender, Terms
from gateway.uplink.states import States
from gateway.uplink.streams import ACCEPTED, Pacing
from gateway.uplink.tally import Tally

_log = logging.getLogger(__name__)

_GRACE_S = 2.0
"""For what waits and what is in flight when the gateway stops."""
_OFFLINE_S = 1.0
"""For the broker to acknowledge the goodbye."""
_EXCHANGES = 3
"""Answers of the broker before anything is sent: to two subscriptions and the birth."""
_SLACK_S = 5.0
"""By which a time-out may be noticed late."""

_FULL_S = 0.2
"""Between looks whether there is a free place in flight."""


class Session:
    """What is needed for a connection; `run` makes one, and may be called again when it ended."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        clock: Clock,
        devices: DeviceReports,
        health: HealthReport | None,
        alarms: Alarms,
        pacing: Pacing,
        turns: Turns,
        down: Down,
    ) -> None:
        self._config = config
        self._journal = journal
        self._clock = clock
        self._alarms = alarms
        self._turns = turns
        self._topics = Topics(config.gateway)
        self._reports = Reports(config.gateway.source, self._topics, clock, devices, health)
        self._terms = Terms(self._topics, config.uplink.confirm, config.uplink.compress, pacing)
        self._number = 0
        self._epoch: str | None = None
        self._sender: Sender | None = None
        self._down = down
        self._downlink = Downlink(down)
        self.standing = Standing()
        self.states = States(config, journal, clock, devices, down)
        self.receiver = Receiver(journal, self._topics.ack, down.takers)
        self.tally = Tally()

    @property
    def in_flight(self) -> int:
        """Events that are on their way."""
        return sum(len(each.numbers) for each in self._sender.post.flying) if self._sender else 0

    async def run(self, stop: asyncio.Event, connected: Callable[[], None]) -> None:
        """Connect, say `connected`, send until `stop` is set, say goodbye.

        Raises:
            LinkError: the link could not be made, or has ended before `stop`.
        """
        self._begin_life()
        await self._doubt_exported()
        number = await self._next_number()
        will = Will(self._topics.state, self.states.end("lost", number))
        options = link_options(self._config, will, self._clock)
        self._turns.waits(options.opening_s + _SLACK_S)
        async with open_link(options) as link:
            exchanges = _EXCHANGES + len(self._downlink.topics)
            self._turns.waits(exchanges * options.ack_timeout_s + _SLACK_S)
            sender = Sender(
                link,
                self._journal,
                self._terms,
                self.tally,
                self._alarms,
                self._clock,
                self._turns,
            )
            await self._listen(link, sender)
            self.states.news.clear()
            self._down.born(self._journal.epoch, number)
            await self._say(link, self.states.birth(number))
            connected()
            await self._deliver(link, sender, number, stop)
            await self._say_goodbye(link, sender, self.states.end("offline", number))

    def resend(self, epoch: str, first: int, last: int) -> str | None:
        """Send these events once more, as far as they are kept, and also those that no broker
        would take; why not, or None."""
        ack = Ack(epoch=epoch, missing=[(first, last)])
        if self._sender is None:
            return "there is no link"
        if fault := ack.fault(self._journal):
            return fault
        if epoch == self._journal.epoch:
            self.tally.take_back_all(first, last)
        self._sender.dialogue.acknowledged(ack)
        return None

    async def _deliver(self, link: Link, sender: Sender, number: int, stop: asyncio.Event) -> None:
        async def ask() -> None:
            await self._say(link, self.states.birth(number))

        self._sender = sender
        bulletins = Bulletins(
            link, sender.post, self._reports, self.standing, self._journal.epoch, number
        )
        work = (
            sender.run(),
            sender.watch(),
            sender.dialogue.inquire(ask),
            self._tell(link, ask),
            bulletins.run(),
            self._downlink.answer(link, sender.post),
        )
        try:
            await run_on(link, *work, until=stop)
        except LinkError as error:
            error.provoked |= sender.lost()
            error.provoked |= self.standing.link_ended(asyncio.get_running_loop().time())
            raise
        finally:
            self._sender = None

    async def _tell(self, link: Link, ask: Callable[[], Awaitable[None]]) -> NoReturn:
        while True:
            await self.states.news.wait()
            if link.in_flight < link.limits.window:
                self.states.news.clear()
                await ask()
            else:
                await asyncio.sleep(_FULL_S)

    def _begin_life(self) -> None:
        """Whatever was learned counts for one life of the journal."""
        if self._epoch == self._journal.epoch:
            return
        self._epoch = self._journal.epoch
        self.tally = Tally()
        if self._config.uplink.confirm is Confirm.CENTRE:  # a former process may have sent it
            self.tally.sent([(1, self._journal.last_seq)])

    async def _doubt_exported(self) -> None:
        """What was taken out by stick the centre may have; it is asked before that is sent."""
        if self._config.uplink.confirm is Confirm.CENTRE:
            self.tally.sent(await asyncio.to_thread(self._journal.exports.of, self._journal.epoch))

    async def _next_number(self) -> int:
        number = 0
        with suppress(JournalError):  # a full disk is no reason to deliver nothing
            number = await self._journal.next_session()
        self._number = max(number, self._number + 1)
        return self._number

    async def _listen(self, link: Link, sender: Sender) -> None:
        topics = [self._topics.ack]
        if self._terms.compress in (Compress.AUTO, Compress.ZSTD) and zstd_here():
            topics.append(CENTRE_STATE)  # not without need: some services punish what is denied
        take = partial(self.receiver.receive, sender.dialogue)
        for topic in topics:
            if not await link.subscribe(topic, take):
                _log.warning("the broker refuses the subscription to %s", topic)
        await self._downlink.listen(link, take)  # before the birth, which invites orders

    async def _say(self, link: Link, state: bytes) -> None:
        code = await link.publish(self._topics.state, state, retain=True)
        if code != ACCEPTED:
            _log.debug("the state message got reason 0x%02x", code)

    async def _say_goodbye(self, link: Link, sender: Sender, state: bytes) -> None:
        with suppress(TimeoutError, LinkError, JournalError):
            async with asyncio.timeout(_GRACE_S):
                await sender.finish()
        # Without a free place the broker may take one message more as a breach of its limit.
        if link.in_flight < link.limits.window:
            with suppress(TimeoutError, LinkError):
                async with asyncio.timeout(_OFFLINE_S):
                    await self._say(link, state)
        await link.disconnect()
