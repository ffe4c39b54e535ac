"""Where orders arrive: each is checked, done once at most, answered, and leaves an event."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NoReturn

from msgspec import structs

from gateway.canonical import read
from gateway.clock import Clock, Stamp
from gateway.commands.answers import Answers
from gateway.commands.authority import Authority
from gateway.commands.deeds import Hands
from gateway.commands.once import Once
from gateway.commands.order import (
    LARGEST,
    LONGEST_ID,
    Order,
    Outcome,
    RefusedError,
    told,
    understood,
)
from gateway.config import Ordered
from gateway.events import Draft
from gateway.limits import Bucket
from gateway.messages import Message, Take

_log = logging.getLogger(__name__)

_MOST_WAITING = 32
_AT_ONCE = 4
"""A release does not wait behind a reload."""
_FLUSH_S = 2.0
"""For the answer to be on its way before what it announces is done."""
_FORGET_EVERY_S = 6 * 3600.0

Note = Callable[[Draft], Awaitable[None]]


class Desk:
    """Takes orders from the broker."""

    def __init__(
        self,
        authority: Authority,
        once: Once,
        hands: Hands,
        answers: Answers,
        clock: Clock,
        note: Note,
    ) -> None:
        self.refused: Counter[int] = Counter()
        """By status; 0: what could not be read, or had no room."""
        now = asyncio.get_running_loop().time
        self._authority = authority
        self._once = once
        self._hands = hands
        self._answers = answers
        self._clock = clock
        self._note = note
        self._waiting: asyncio.Queue[tuple[Message, Stamp]] = asyncio.Queue(_MOST_WAITING)
        self._events = Bucket(10, 1 / 60, now)
        self._replies = Bucket(20, 1.0, now)
        self._unsaid = 0
        self._often: Mapping[str, Bucket] = {
            Ordered.RELEASE: Bucket(3, 1 / 10, now),
            Ordered.RESTART: Bucket(1, 1 / 600, now),
        }
        self._usual = Bucket(20, 0.5, now)

    @property
    def takers(self) -> Mapping[str, Take]:
        """What is to be listened to."""
        return dict.fromkeys(self._authority.topics, self.take)

    def take(self, message: Message) -> None:
        """Serve `message` soon."""
        try:
            self._waiting.put_nowait((message, self._clock.now()))
        except asyncio.QueueFull:
            self._count(0, "too many at once")

    async def run(self) -> NoReturn:
        """Serve until cancelled."""
        for event in await self._once.interrupted():
            await self._note(event)
        async with asyncio.TaskGroup() as servants:
            for _ in range(_AT_ONCE):
                servants.create_task(self._serve_each())
            while True:
                await self._once.forget()
                await asyncio.sleep(_FORGET_EVERY_S)

    async def _serve_each(self) -> NoReturn:
        while True:
            message, arrived = await self._waiting.get()
            try:
                members = read(message.payload, most_bytes=LARGEST)
            except ValueError as error:
                self._count(0, str(error))
                continue
            await self._serve(message, members, arrived)

    async def _serve(self, message: Message, members: dict[str, Any], arrived: Stamp) -> None:
        order: Order | None = None
        refused = True
        try:
            order = understood(members)
            outcome = await self._fulfil(order, message, members, arrived)
            refused = False
        except RefusedError as refusal:
            outcome = refusal.outcome
            self._count(outcome.status, outcome.text)
            await self._tell_refused(order, outcome)
        name = members.get("id")
        if isinstance(name, str) and len(name) <= LONGEST_ID and self._heard(message, refused):
            self._answers.give(message, name, outcome)
        if outcome.then:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_S):
                    await self._answers.replies.flushed()
            outcome.then()

    def _heard(self, message: Message, refused: bool) -> bool:
        """Whether it is answered: not nine hundred times over, and nonsense not for ever."""
        return not (self._authority.is_broadcast(message) or (refused and not self._replies.take()))

    async def _fulfil(
        self, order: Order, message: Message, members: Mapping[str, Any], arrived: Stamp
    ) -> Outcome:
        """Do what was ordered.

        Raises:
            RefusedError: it is not even taken up.
        """
        self._authority.check_signed(members, message)
        deed = self._authority.deed(order, message)
        left_s = await self._once.check(order, message.expires_s, arrived)
        do = deed.understand(self._hands, order)
        if not self._often.get(order.command, self._usual).take():
            raise RefusedError(429, "too often; later")
        outcome = await self._once.carry_out(order, deed, do, left_s, arrived)
        _log.info("%s by %s: %d %s", order.command, order.by, outcome.status, outcome.text)
        if not deed.recorded_only or outcome.status != HTTPStatus.OK:
            await self._note(told(order, outcome, self._clock.now()))
        return outcome

    async def _tell_refused(self, order: Order | None, outcome: Outcome) -> None:
        """Leave an event, but not a thousand."""
        if order is None or not self._events.take():
            self._unsaid += 1
            return
        if outcome.status == HTTPStatus.UNAUTHORIZED:  # whoever wrote it is nobody
            order = structs.replace(order, target=None, args={}, by="?", reason=None)
        unsaid, self._unsaid = self._unsaid, 0
        await self._note(told(order, outcome, self._clock.now(), unsaid=unsaid))

    def _count(self, status: int, why: str) -> None:
        # Once as a warning: whoever sends nonsense a thousand times must not fill the disk.
        level = logging.DEBUG if self.refused[status] else logging.WARNING
        self.refused[status] += 1
        _log.log(level, "an order is refused: %s", why)
