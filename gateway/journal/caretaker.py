"""Looks after the journal behind its back: checks it, carries over what was set aside, and tells
the centre what is missing."""

import asyncio
import json
import logging
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from gateway.clock import Clock
from gateway.errors import JournalError
from gateway.events import Draft, GapData, GapReason, Kind
from gateway.journal.aside import Aside, asides
from gateway.journal.carried import Carried
from gateway.journal.check import check_structure, sound_rows
from gateway.journal.damage import DamageError
from gateway.journal.records import Ledger
from gateway.journal.salvage import Salvage
from gateway.journal.store import Store
from gateway.journal.writer import Writer
from gateway.ranges import Range, Ranges

_log = logging.getLogger(__name__)

_CHECK_EVERY_S = 24 * 3600.0
_RETRY_S = 30.0
_PAUSE_S = 0.005
"""Between portions of a salvage, each some milliseconds of work."""
_GAPS_AT_ONCE = 500
_MOST_GAPS = 5000
"""Per journal set aside."""


@dataclass(slots=True)
class Condition:
    """What is known of the journal's health, in words and figures."""

    check: str = "not checked yet"
    lost: int = 0
    """Events of this life whose rows were found damaged or missing before they were delivered."""
    set_aside: int = 0
    """Damaged journals beside this one."""
    salvaging: str | None = None
    """The file that is being read for what can be saved."""


class Caretaker:
    """One task beside the writer; nobody waits for it."""

    def __init__(self, store: Store, ledger: Ledger, writer: Writer, clock: Clock) -> None:
        self.carried = Carried(
            store, self.wake, lambda damage: writer.renew_soon(ledger.epoch, str(damage))
        )
        self.condition = Condition()
        self._store = store
        self._ledger = ledger
        self._writer = writer
        self._clock = clock
        self._wake = asyncio.Event()
        self._check_due = -math.inf
        self._failing = False

    def wake(self) -> None:
        """There is something to look after."""
        self._wake.set()

    def check_soon(self) -> None:
        """A row is missing, or all of them are new: look them over."""
        self._check_due = -math.inf
        self._wake.set()

    async def run(self) -> NoReturn:
        """Look after the journal until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            epoch, due = self._ledger.epoch, loop.time() + _RETRY_S
            try:
                await self._carry_over()
                # What was met and failed its check goes at once, as far as it is wanted.
                await self._give_up(list(Ranges.of((seq, seq) for seq in self._ledger.damaged)))
                if loop.time() >= self._check_due:
                    self._check_due = loop.time() + _CHECK_EVERY_S
                    await self._check()
                due = self._check_due
                if self._failing:
                    _log.info("the journal can be looked after again")
                self._failing = False
            except DamageError as damage:
                self._check_due = due
                self._writer.renew_soon(epoch, str(damage))
            except (JournalError, OSError, sqlite3.Error) as error:
                self._check_due = due
                level = logging.DEBUG if self._failing else logging.WARNING
                _log.log(level, "the journal cannot be looked after: %s", error)
                self._failing = True
            await self._until(due)

    async def _until(self, due: float) -> None:
        try:
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _carry_over(self) -> None:
        await self.carried.load()
        found = asides(self._store.path)
        self.condition.set_aside = len(found)
        salvaged = await self.carried.salvaged()
        for aside in found:
            if aside.report.exists():
                continue
            if aside.number not in salvaged:
                await self._salvage(aside)
            elif not self.carried.waiting:
                aside.close_case(salvaged[aside.number])

    async def _salvage(self, aside: Aside) -> None:
        _log.info("reading %s for what can be saved", aside.path.name)
        salvage = Salvage(aside.path)
        portions = salvage.portions()
        self.condition.salvaging = aside.path.name
        try:
            while (portion := await asyncio.to_thread(next, portions, None)) is not None:
                if portion:
                    await self.carried.add(portion)
                await asyncio.sleep(_PAUSE_S)
            await self._conclude(aside, salvage)
        finally:
            self.condition.salvaging = None

    async def _conclude(self, aside: Aside, salvage: Salvage) -> None:
        lost = salvage.lost()
        await self._declare(salvage.epoch, _told(lost) if salvage.epoch else [(None, None)])
        missing = sum(last - first + 1 for first, last in lost)
        report = {"epoch": salvage.epoch, "saved": salvage.saved, "missing": missing}
        upto = {epoch: salvage.upto(epoch) for epoch in salvage.epochs}
        await self.carried.finish(aside.number, json.dumps(report) + "\n", upto)
        _log.info("%s: %d events saved, %d lost", aside.path.name, salvage.saved, missing)
        self.wake()

    async def _check(self) -> None:
        path, upto, hold = self._store.path, self._ledger.last_seq, self._store.hold

        def let_go() -> bool:
            return self._store.away or self._store.hold != hold

        self.condition.check = "under way"
        sound = await sound_rows(path, upto, let_go)
        missing = [
            each for gap in self._unconfirmed(upto) for each in sound.gaps(gap[0] - 1, gap[1])
        ]
        await self._give_up(missing)
        await check_structure(path, let_go)
        self.condition.check = "some rows were damaged" if missing else "sound"
        _log.info("the journal is checked: it is sound")

    def _unconfirmed(self, upto: int) -> Iterator[Range]:
        return self._ledger.delivery.gaps(0, upto)

    async def _give_up(self, ranges: Sequence[Range]) -> None:
        """Tell of those numbers that are unconfirmed, and wait for them no longer."""
        delivery, epoch, hold = self._ledger.delivery, self._ledger.epoch, self._store.hold
        gone = [each for first, last in ranges for each in delivery.gaps(first - 1, last)]
        await self._declare(epoch, gone)
        if epoch != self._ledger.epoch or hold != self._store.hold:
            return  # they were looked for on a disk that is not there any more
        for first, last in gone:
            new = self._ledger.settle(first, last)
            self.condition.lost += new
            self._writer.flush_soon(new)

    async def _declare(
        self, epoch: str | None, ranges: Sequence[Range | tuple[None, None]]
    ) -> None:
        """Record a `gap` event for each of `ranges`; without numbers, nobody knows what is lost."""
        stamp = self._clock.now()
        drafts = [
            Draft(Kind.GAP, "journal", stamp, data)
            for first, last in ranges
            for data in [_gap(epoch, first, last)]
        ]
        for start in range(0, len(drafts), _GAPS_AT_ONCE):
            await self._writer.append(drafts[start : start + _GAPS_AT_ONCE])


def _gap(epoch: str | None, first: int | None, last: int | None) -> GapData:
    count = last - first + 1 if first and last else None
    return GapData(epoch=epoch, first=first, last=last, count=count, why=GapReason.CORRUPT)


def _told(lost: list[Range]) -> list[Range]:
    """At most `_MOST_GAPS`; the last of so many then takes in all the rest, saved or not."""
    if len(lost) <= _MOST_GAPS:
        return lost
    return [*lost[: _MOST_GAPS - 1], (lost[_MOST_GAPS - 1][0], lost[-1][1])]
