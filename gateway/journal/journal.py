"""The journal: what is in it is durable, has its number for ever, and waits for delivery."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sqlite3 import DatabaseError

from gateway.clock import Clock, TimeQuality
from gateway.config import JournalConfig
from gateway.errors import JournalError
from gateway.events import Draft, encode
from gateway.journal import records, undated
from gateway.journal.caretaker import Caretaker
from gateway.journal.damage import DamageError
from gateway.journal.dating import Dating
from gateway.journal.exports import Exports
from gateway.journal.following import Following
from gateway.journal.keeper import Keeper
from gateway.journal.reader import Reader
from gateway.journal.records import Ledger, Record
from gateway.journal.rows import Row
from gateway.journal.store import Store
from gateway.journal.writer import Prepare, Writer

_RENEW_AFTER_S = 5.0
"""Between two new lives at least: a dying disk must not be filled with damaged journals."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is: events of this epoch, and the numbers of the oldest and newest kept.

    ``first_seq`` is ``last_seq + 1`` while nothing is kept.
    """

    recorded: int
    confirmed: int
    waiting: int
    first_seq: int
    last_seq: int
    failing: str | None = None
    """What the disk says while it takes nothing more."""


class Journal:
    """The only owner of the database; made by ``open``, used within one event loop."""

    def __init__(
        self, store: Store, ledger: Ledger, source: str, clock: Clock, config: JournalConfig
    ) -> None:
        self.epoch = ledger.epoch
        """Random name of this journal's life: 8 characters, `a-z2-7`. When the file is found
        damaged while it is in use another life begins, with numbers from 1 and nothing read from
        the former: the rows saved from that are in `carried`."""
        self.delivery = ledger.delivery
        """What has been confirmed in this life; changed only through ``confirm_range``."""
        self.calls = store.calls
        """What its disk is busy with, and for how long."""
        self._renewed_at = -math.inf
        self._store = store
        self._ledger = ledger
        self._writer = Writer(store, ledger, _preparing(ledger, source, clock), self._renew)
        self._writing = asyncio.create_task(self._writer.run(), name="journal-writer")
        self._caretaker = Caretaker(store, ledger, self._writer, clock)
        self._caring = asyncio.create_task(self._caretaker.run(), name="journal-caretaker")
        self._reader = Reader(
            store,
            ledger,
            self._caretaker.wake,
            self._caretaker.check_soon,
            self._writer.renew_soon,
        )
        self.follow = Following(self._reader, ledger, clock.boot)
        """Everything that is recorded, in order, for whoever decides by it."""
        self.gather = self._reader.gather
        """Reads many rows at once, to be sent together; see there."""
        self.carried = self._caretaker.carried
        """Undelivered rows of damaged journals, which still have to be sent."""
        self.exports = Exports(store.path)
        """What was taken out of here by stick."""
        self.condition = self._caretaker.condition
        """What is known of the file's health."""
        self.dating = Dating(store, ledger, self._writer, clock)
        """Which rows still get their true time; who sends one has it sealed first."""
        self._dating = asyncio.create_task(self.dating.run(), name="journal-dating")
        keeper = Keeper(store, ledger, self._writer, config, clock)
        self.room = keeper.room
        """Bytes that are taken and left, as of the keeper's last look."""
        self.confirmed_at: float | None = None
        """When something was last confirmed for the first time, by the loop's clock."""
        self.bound = keeper.bound
        """Takes other bounds into force; see there."""
        self._keeping = asyncio.create_task(keeper.run(), name="journal-keeper")
        self.tasks = (self._writing, self._caring, self._keeping, self._dating)
        """What it lives by: where one of them ends before ``close``, so should the process."""

    @classmethod
    async def open(
        cls, path: Path, *, source: str, clock: Clock, config: JournalConfig | None = None
    ) -> "Journal":
        """Open or create the journal ``path`` of the gateway ``source`` (``/gateways/<id>``).

        A damaged file is set aside, and what can be read of it is carried over in the background.

        Raises:
            JournalError: it cannot be used; an existing file has not been changed.
        """
        async with AsyncExitStack() as opened:
            store = await Store.open(path)
            opened.push_async_callback(store.close)
            try:
                ledger = await store.read(records.load)
            except DamageError as damage:
                await store.renew(str(damage))
                ledger = await store.read(records.load)
            ledger.undated = await store.read(partial(undated.load, clock.boot))
            opened.pop_all()
        return cls(store, ledger, source, clock, config or JournalConfig())

    @property
    def last_seq(self) -> int:
        """The highest durable number; 0 when nothing has been recorded."""
        return self._ledger.last_seq

    async def append(self, drafts: Sequence[Draft]) -> list[Row]:
        """Record ``drafts`` together, under consecutive numbers; durable when this returns.

        Cancelled, it may or may not have recorded them, but all or none.

        Raises:
            JournalError: not recorded, for all that is known; the numbers are not used up.
            ValueError: a draft cannot be encoded.
        """
        return await self._writer.append(drafts) if drafts else []

    async def wait_appended(self, after: int) -> None:
        """Return once ``last_seq`` is above ``after``, or a new life has begun."""
        epoch = self.epoch
        while self.epoch == epoch and self.last_seq <= after:
            await self._writer.appended.wait()

    async def read(
        self, after: int, *, upto: int | None = None, max_rows: int, max_bytes: int
    ) -> list[Row]:
        """Unconfirmed rows with ``after < seq <= upto``, ascending, their check values verified.

        At most ``max_rows`` rows and ``max_bytes`` of bodies, but one row if there is any.

        Raises:
            JournalError: the file cannot be read there.
        """
        end = self.last_seq if upto is None else min(upto, self.last_seq)
        return await self._reader.read(after, end, max_rows, max_bytes)

    async def alarms(self, *, max_rows: int = 500, max_bytes: int = 1 << 20) -> list[Row]:
        """The oldest unconfirmed alarms, ascending; free of cost while there are none."""
        return await self._reader.alarms(max_rows, max_bytes)

    def confirm_range(self, first: int, last: int) -> None:
        """Count ``first`` to ``last`` as delivered, as far as they have been recorded.

        Seen here at once; durable with the next commit, or within half a minute.
        """
        first, last = max(first, 1), min(last, self.last_seq)
        if first <= last and (new := self._ledger.settle(first, last)):
            self.confirmed_at = asyncio.get_running_loop().time()
            self._writer.flush_soon(new)

    async def next_session(self) -> int:
        """1, 2, 3 … over the whole life of the file, durable when this returns.

        Where the file cannot be written, the same number again: the caller must count on.

        Raises:
            JournalError: the file cannot even be read.
        """
        try:
            return await self._store.write(records.next_session)
        except DatabaseError:
            return await self._store.read(records.sessions) + 1

    def counts(self) -> Counts:
        """Figures from memory."""
        recorded, confirmed = self.last_seq, self.delivery.count
        return Counts(
            recorded=recorded,
            confirmed=confirmed,
            waiting=recorded - confirmed,
            first_seq=self._ledger.first_seq,
            last_seq=self.last_seq,
            failing=self._writer.commits.failing,
        )

    async def close(self) -> None:
        """Finish what waits, make the confirmations durable, let go of the file."""
        self._writer.close()
        beside = [self._caring, self._dating, self._keeping]
        for task in beside:
            task.cancel()
        try:
            await asyncio.wait(beside)
            await self._writing
        finally:
            await self._store.close()

    async def _renew(self, why: str) -> None:
        if self._store.away:  # a lost disk looks damaged; what comes back of it may be sound
            try:
                await self._writer.commits.regain()
            except DamageError as damage:
                why = str(damage)
            except (OSError, DatabaseError) as error:
                raise JournalError(f"The disk of the journal is not back: {error}.") from error
            else:
                return
        now = asyncio.get_running_loop().time()
        if now < self._renewed_at + _RENEW_AFTER_S:
            raise JournalError("The journal is damaged again within seconds: is the disk sound?")
        await self._store.renew(why)
        self._renewed_at = now
        self._ledger.become(await self._store.read(records.load))
        self.epoch, self.delivery = self._ledger.epoch, self._ledger.delivery
        self._caretaker.check_soon()


def _preparing(ledger: Ledger, source: str, clock: Clock) -> Prepare:
    """Makes records of what the gateway ``source`` has to say in the present life."""

    def prepare(drafts: Sequence[Draft], first: int) -> list[Record]:
        mono_ns, upto, epoch = clock.now().mono_ns, ledger.delivery.upto, ledger.epoch
        records = []
        for seq, draft in enumerate(drafts, first):
            stamp = draft.stamp
            # Not what the wall clock says: that may have been set since.
            recorded_ms = stamp.wall_ms + max(0, mono_ns - stamp.mono_ns) // 1_000_000
            body = encode(draft, source=source, epoch=epoch, seq=seq, recorded_ms=recorded_ms)
            mono_ms, wall_ms = stamp.mono_ns // 1_000_000, stamp.wall_ms
            row = Row(seq, draft.kind, draft.alarm, mono_ms, wall_ms, body)
            undated = stamp.quality is TimeQuality.UNSYNC
            records.append(Record(row, stamp.boot, upto, undated))
        return records

    return prepare
