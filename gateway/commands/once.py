"""Each order once: written down before it is done, and never done again, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from msgspec import structs

from drivers.base import CommandError
from gateway.clock import Clock, Stamp, TimeQuality
from gateway.commands.deeds import Deed, Do
from gateway.commands.expiry import Expiry
from gateway.commands.ledger import Ledger, LedgerError, Taken
from gateway.commands.order import Order, Outcome, RefusedError, told
from gateway.errors import JournalError
from gateway.events import CommandData, Draft, Kind

Record = Callable[[Sequence[Draft]], Awaitable[object]]
"""Returns when they are durable; raises JournalError if they are not."""

_STEADY_S = 3600.0
"""A clock that was set just now is not believed about what is to be forgotten."""
_UNKNOWN = "the gateway ended meanwhile; whether it was done is not known"

_Result = TypeVar("_Result")


class Once:
    """Has the ledger of what was taken up."""

    def __init__(self, ledger: Ledger, expiry: Expiry, clock: Clock, record: Record) -> None:
        self._ledger = ledger
        self._expiry = expiry
        self._clock = clock
        self._record = record
        self._since_ms: int | None = None
        self._turn = asyncio.Lock()

    async def interrupted(self) -> list[Draft]:
        """The events of orders that a former process took up and did not see through; they are
        settled by this, and not done again."""
        try:
            await self._open()
            found = await self._ask(self._ledger.unsettled)
            settled = [structs.replace(each, status=500, text=_UNKNOWN) for each in found]
            for each in settled:
                await self._ask(self._ledger.settle, each)
        except LedgerError:  # the next order is told
            return []
        return [self._event_of(each) for each in settled]

    async def check(self, order: Order, expires_s: int | None, arrived: Stamp) -> float:
        """In how many seconds since it `arrived` it has to be begun.

        Raises:
            RefusedError: it was taken up before, has expired, or nobody can know.
        """
        try:
            since_ms = await self._open()
            first = await self._ask(self._ledger.find, order.id)
        except LedgerError as error:
            raise RefusedError(500, str(error)) from error
        if first:
            raise _again(first)
        left_s = self._expiry.left_s(order, expires_s, arrived)
        if order.issued_ms <= since_ms:
            raise RefusedError(408, "it is older than what is remembered here")
        return left_s

    async def carry_out(
        self, order: Order, deed: Deed, do: Do, left_s: float, arrived: Stamp
    ) -> Outcome:
        """Do it, unless it has been taken up; what became of it, which is written down.

        Raises:
            RefusedError: it was taken up before, or cannot be written down.
        """
        taken = _taken(order, Outcome(202, "it is being carried out"))
        try:
            if not await self._ask(self._ledger.take, taken, self._until_ms(order)):
                first = await self._ask(self._ledger.find, order.id)
                raise _again(first or taken)
        except LedgerError as error:
            raise RefusedError(500, f"it is not done: {error}") from error
        try:
            async with asyncio.timeout(deed.within_s):
                outcome = await self._do(order, deed, do, left_s, arrived)
        except TimeoutError:
            outcome = Outcome(504, f"not confirmed within {deed.within_s:g} s")
        with suppress(LedgerError):  # it stays taken up: that matters, and what became of it less
            await self._ask(self._ledger.settle, _taken(order, outcome))
        return outcome

    async def _do(self, order: Order, deed: Deed, do: Do, left_s: float, arrived: Stamp) -> Outcome:
        try:
            if deed.recorded_first:
                soon = Outcome(202, "it is about to be done")
                await self._record([told(order, soon, self._clock.now())])
            if (self._clock.now().mono_ns - arrived.mono_ns) / 1e9 > left_s:
                return Outcome(408, "it expired while it waited here")
            outcome = await do()
            if deed.recorded_only:
                await self._record([told(order, outcome, self._clock.now())])
        except RefusedError as refusal:
            return refusal.outcome
        except JournalError as error:
            return Outcome(500, f"it is not done, for it cannot be recorded: {error}")
        except CommandError as error:
            return Outcome(500, str(error))
        return outcome

    async def _open(self) -> int:
        """Since when there is a memory; what was issued before may have been done already."""
        if self._since_ms is None:
            now = self._clock.now()
            certain = now.quality is not TimeQuality.UNSYNC
            now_ms = now.wall_ms if certain else self._clock.floor_ms
            self._since_ms = await self._ask(self._ledger.open, now_ms)
        return self._since_ms

    def _until_ms(self, order: Order) -> int:
        """After this it has expired for certain."""
        now = self._clock.now()
        known_ms = self._clock.floor_ms if now.quality is TimeQuality.UNSYNC else now.wall_ms
        return max(known_ms, order.issued_ms) + order.ttl_s * 1000

    async def forget(self) -> None:
        """Let go of what is older than 30 days, if the time is known well enough for that."""
        if self._clock.steady(_STEADY_S):
            with suppress(LedgerError):  # the next order is told
                await self._ask(self._ledger.forget, self._clock.now().wall_ms)

    async def _ask(self, call: Callable[..., _Result], *arguments: object) -> _Result:
        """One at a time, and beside the loop: it waits for the disk."""
        async with self._turn:
            return await asyncio.to_thread(call, *arguments)

    def _event_of(self, taken: Taken) -> Draft:
        data = CommandData(
            id=taken.id,
            command=taken.command,
            target=taken.target,
            by=taken.by,
            reason=taken.reason,
            status=taken.status,
            text=taken.text,
        )
        return Draft(Kind.COMMAND, taken.target or "gateway", self._clock.now(), data)


def _taken(order: Order, outcome: Outcome) -> Taken:
    return Taken(
        order.id,
        order.command,
        order.target,
        order.by,
        order.reason,
        outcome.status,
        outcome.text,
    )


def _again(first: Taken) -> RefusedError:
    body = {"first": {"status": first.status, "text": first.text}}
    return RefusedError(409, "it was ordered before; see `first`", body)
