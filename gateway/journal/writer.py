"""Group commit: one task writes, and what waits together is committed together."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct

from gateway.errors import JournalError
from gateway.events import Draft
from gateway.journal import records, undated
from gateway.journal.commits import Commits, FullError, Work
from gateway.journal.damage import DamageError
from gateway.journal.delivery import Changes
from gateway.journal.flush import Flush
from gateway.journal.records import Ledger, Record
from gateway.journal.rows import Row
from gateway.journal.store import Store
from gateway.journal.witness import Claim

GROUP_ROWS = 1000
"""Rows per commit at most, so that none waits long for another's; one append is never split."""

Prepare = Callable[[Sequence[Draft], int], list[Record]]
"""Makes the records of drafts whose numbers count from the one given."""

Renew = Callable[[str], Awaitable[None]]
"""Begins a new life of the journal because the file is damaged, and says why."""


class _Append(Struct):
    drafts: Sequence[Draft]
    before: Work | None
    rows: asyncio.Future[list[Row]]


class Writer:
    """Gives numbers, commits, and tells the callers. A number is used up only by a commit."""

    def __init__(self, store: Store, ledger: Ledger, prepare: Prepare, renew: Renew) -> None:
        self.commits = Commits(store, ledger)
        """How its commits fare."""
        self._renew = renew
        self._ledger = ledger
        self._prepare = prepare
        self._queue: deque[_Append] = deque()
        self._wake = asyncio.Event()
        self.appended = asyncio.Event()
        """Set, and replaced, when something has been recorded or a new life has begun."""
        self._flush = Flush(self._wake.set)
        self._closed = False
        self._damage: tuple[int, str] | None = None
        """Which opening of the file was found damaged, and how."""

    async def append(self, drafts: Sequence[Draft], *, before: Work | None = None) -> list[Row]:
        """Durable rows for ``drafts``, and ``before`` done in the same commit; see ``Journal``.

        With ``before`` it goes ahead of all that waits, which may be waiting for what that does.
        """
        if self._closed:
            raise JournalError("The journal is closed.")
        append = _Append(tuple(drafts), before, asyncio.get_running_loop().create_future())
        if before:
            self._queue.appendleft(append)
        else:
            self._queue.append(append)
        self._wake.set()
        return await append.rows

    def flush_soon(self, confirmed: int) -> None:
        """Make ``confirmed`` more confirmations durable: with the next commit, or before long."""
        self._flush.soon(confirmed)

    def renew_soon(self, epoch: str, why: str) -> None:
        """The file of the life ``epoch`` is damaged: begin a new one."""
        if epoch == self._ledger.epoch and not self._closed:
            self._damage = self.commits.hold, why
            self._wake.set()

    def close(self) -> None:
        """Take no more; ``run`` ends when all that is waiting is durable."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Write until closed."""
        try:
            closing = False
            while not closing:
                await self._wake.wait()
                self._wake.clear()
                closing = self._closed and not self._queue
                await self._turn()
                if self._queue or self._closed:
                    self._wake.set()
        finally:
            self._closed = True
            self._flush.stop()
            _refuse(self._queue, JournalError("The journal is closed."))

    async def _turn(self) -> None:
        """One commit: the next group of appends, and whatever has been confirmed."""
        if self._damage and self._damage[0] == self.commits.hold:
            try:
                await self._renew(self._damage[1])
            except JournalError as error:
                self._damage = self.commits.hold, self._damage[1]  # of what is held now, too
                self.commits.note(error)
                _refuse(self._queue, error)
                self._queue.clear()
                return
            # What was to be done before belongs to the former life.
            _refuse((each for each in self._queue if each.before), JournalError("It has ended."))
            self.appended.set()
            self.appended = asyncio.Event()
        self._damage = None
        group = self._next_group()
        batch = _records(group, self._prepare, self._ledger.last_seq + 1)
        changes = self._changes(bool(batch))
        if not batch and not changes:
            return
        claim = Claim(self._ledger.epoch, self._ledger.last_seq + len(batch))
        begins = self._ledger.undated.begins(batch)
        try:
            await self.commits.commit(
                partial(_store, group, batch, changes, begins),
                claim,
                room_is_made=lambda: bool(self._queue and self._queue[0].before),
            )
        except DamageError as damage:  # in a new life they get new numbers
            self._ledger.delivery.put_back(changes)
            self._queue.extendleft(reversed(group))
            group = []
            self._damage = self.commits.hold, str(damage)
            self._wake.set()
        except FullError:  # what makes room first
            self._ledger.delivery.put_back(changes)
            self._queue.extendleft([*reversed(group), self._queue.popleft()])
            group = []
        except JournalError as error:
            self._ledger.delivery.put_back(changes)
            self.flush_soon(0)
            _refuse(group, error)
        else:
            if begins:
                self._ledger.undated.begin(batch[0].row.seq)
            self._publish(group, batch)
        finally:  # whatever else ends the writer must not leave its callers waiting for ever
            _refuse(group, JournalError("The journal's writer has ended."))

    def _next_group(self) -> list[_Append]:
        group: list[_Append] = []
        size = 0
        while self._queue and (not group or size + len(self._queue[0].drafts) <= GROUP_ROWS):
            if group and group[0].before:  # it makes room, and goes alone
                break
            append = self._queue.popleft()
            if not append.rows.done():  # cancelled in time, nothing of it is recorded
                group.append(append)
                size += len(append.drafts)
        return group

    def _changes(self, rows: bool) -> Changes:
        """The confirmations to store now: at once if the rows carry them, else many together."""
        changes = self._ledger.delivery.take_changes()
        if rows and not (changes.only_cursor or self._flush.due or self._closed):
            self._ledger.delivery.put_back(changes)
            return Changes([], [])
        self._flush.done()
        return changes

    def _publish(self, group: list[_Append], batch: list[Record]) -> None:
        ledger, rows = self._ledger, [record.row for record in batch]
        ledger.last_seq += len(rows)
        ledger.alarms += [row.seq for row in rows if row.alarm]
        ledger.recent.add(rows, min(ledger.delivery.upto, ledger.followed))
        at = 0
        for append in group:
            end = at + len(append.drafts)
            if not append.rows.done():
                append.rows.set_result(rows[at:end])
            at = end
        if rows:
            self.appended.set()
            self.appended = asyncio.Event()
        self.commits.appended(sum([len(row.body) for row in rows]))


def _store(
    group: Sequence[_Append],
    batch: list[Record],
    changes: Changes,
    begins: bool,
    connection: sqlite3.Connection,
) -> None:
    for append in group:
        if append.before:
            append.before(connection)
    if begins:
        undated.begin(batch[0].row.seq, batch[0].boot, connection)
    records.store(batch, changes, connection)


def _records(group: list[_Append], prepare: Prepare, first: int) -> list[Record]:
    """Number and encode ``group``; what cannot be encoded leaves it."""
    try:
        return prepare(_drafts(group), first)
    except ValueError:
        group[:] = [append for append in group if _can_be_encoded(append, prepare)]
        return prepare(_drafts(group), first)


def _drafts(group: Sequence[_Append]) -> list[Draft]:
    return [draft for append in group for draft in append.drafts]


def _can_be_encoded(append: _Append, prepare: Prepare) -> bool:
    try:
        prepare(append.drafts, 1)
    except ValueError as error:  # its caller's trouble, nobody else's
        append.rows.set_exception(error)
        return False
    return True


def _refuse(appends: Iterable[_Append], error: JournalError) -> None:
    for append in appends:
        if not append.rows.done():
            append.rows.set_exception(error)
