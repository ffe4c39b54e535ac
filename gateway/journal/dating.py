"""Puts times right that were recorded with a wrong clock, as soon as that is right."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NoReturn

from gateway.clock import Clock, TimeQuality
from gateway.errors import JournalError
from gateway.journal import records, undated
from gateway.journal.damage import DamageError
from gateway.journal.records import Ledger
from gateway.journal.rows import Recent
from gateway.journal.store import Store
from gateway.journal.writer import Writer
from gateway.ranges import Range, runs

_log = logging.getLogger(__name__)

_LOOK_S = 1.0
_STEP_S = 0.02
"""So long an event that has just come waits behind rows that are being put right."""
_STEP_ROWS = (20, 2000)


class Dating:
    """Seals what is sent, and corrects what is not."""

    def __init__(self, store: Store, ledger: Ledger, writer: Writer, clock: Clock) -> None:
        self._store = store
        self._ledger = ledger
        self._writer = writer
        self._clock = clock
        self._rows = 200
        self._done = False
        """Whether the file still speaks of undated rows and there are none."""
        self._one = asyncio.Lock()  # either a row is sealed or it is corrected

    @property
    def revision(self) -> int:
        """Grows whenever rows have been corrected: what was read of them before is stale."""
        return self._ledger.undated.revision

    def open(self, first: int, last: int) -> Iterator[Range]:
        """The rows from `first` to `last` that may yet be corrected."""
        return self._ledger.undated.open(first - 1, last)

    async def seal(self, numbers: Sequence[int]) -> None:
        """The rows `numbers`, ascending, may be sent from now on: their times stay as they are.

        Where the disk does not take that, they may be sent all the same: delivery comes first, and
        nothing recorded up to now is corrected any more.
        """
        if self._ledger.undated.first is None:
            return
        async with self._one:
            rows = self._ledger.undated
            await self._seal(rows, rows.to_seal(runs(numbers), self._ledger.last_seq))

    async def seal_upto(self, number: int) -> None:
        """No row there is, up to `number`, is put right any more; see `seal`."""
        async with self._one:
            upto = min(number, self._ledger.last_seq)
            await self._seal(self._ledger.undated, list(self.open(1, upto)))

    async def _seal(self, rows: undated.Undated, spans: Sequence[Range]) -> None:
        if not spans:
            return
        try:
            await self._store.write(partial(undated.seal, spans))
        except (JournalError, sqlite3.DatabaseError) as error:
            _log.debug("recorded times stay as they are: %s", error)
            rows.abandon()
            self._done = True
        else:
            rows.seal(spans)

    async def run(self) -> NoReturn:
        """Correct what can be whenever the clock has become right; until cancelled."""
        while True:
            epoch = self._ledger.epoch
            try:
                if self._store.attached:
                    await self._turn()
            except DamageError as damage:
                self._writer.renew_soon(epoch, str(damage))
            except (JournalError, sqlite3.DatabaseError) as error:
                # The writer meets the same disk and says so; here it is left for the next turn.
                _log.debug("times must wait to be put right: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def _turn(self) -> None:
        corrected = 0
        while self._ledger.undated.first and self._clock.now().quality is TimeQuality.SYNC:
            async with self._one:
                corrected += await self._step(self._ledger.undated)
        if corrected:
            _log.info("the clock is right: the times of %d events are corrected", corrected)
        if self._done and self._ledger.undated.first is None:
            await self._store.write(undated.end)
        self._done = False

    async def _step(self, rows: undated.Undated) -> int:
        """Correct some rows, the oldest first; how many."""
        first, ledger = rows.first, self._ledger
        if first is None:
            return 0
        upto = ledger.last_seq
        spans = [
            each
            for start, end in rows.open(first - 1, upto)
            for each in ledger.delivery.gaps(start - 1, end)
        ]
        if not spans:
            rows.dated(None)
            self._done = True
            return 0
        loop = asyncio.get_running_loop()
        started, now = loop.time(), self._clock.now()
        zero_ms = now.wall_ms - now.mono_ns // 1_000_000
        work = partial(_correct, spans, zero_ms, self._rows)
        upto, corrected = await self._store.write(work)
        least, most = _STEP_ROWS
        slow = loop.time() - started > _STEP_S
        self._rows = max(least, self._rows // 2) if slow else min(most, self._rows + 50)
        if ledger.undated is rows:  # else a new life has begun
            rows.dated(upto)
            ledger.recent = Recent()
        return corrected


_ROWS = (
    "SELECT seq, CAST(kind AS BLOB), alarm, mono_ms, wall_ms, upto, crc, body FROM event"
    " WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
)


def _correct(
    spans: Sequence[Range], zero_ms: int, most: int, connection: sqlite3.Connection
) -> tuple[int, int]:
    """Correct up to `most` rows of `spans`; up to which number that was all, and how many."""
    changes = []
    for span in spans:
        found = connection.execute(_ROWS, (*span, most)).fetchall()
        right = [each for columns in found if (each := records.redate(columns, zero_ms))]
        changes += right
        most -= len(found)
        upto = found[-1][0] if found and not most else span[1]
        if not most:
            break
    connection.executemany("UPDATE event SET wall_ms = ?, crc = ?, body = ? WHERE seq = ?", changes)
    undated.move(upto + 1, connection)
    return upto, len(changes)
