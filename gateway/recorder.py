"""Turns observations into durable events, in the order in which they came; one task does it all."""

import asyncio
import logging
from contextlib import suppress
from typing import NoReturn

from gateway.clock import Clock, Stamp
from gateway.errors import JournalError
from gateway.events import (
    AlarmState,
    Assessor,
    Draft,
    GapData,
    GapReason,
    Kind,
    Observation,
    alarm,
    draft,
    new_correlation,
)
from gateway.holding import Holding
from gateway.journal import Journal
from gateway.turns import Turns

_log = logging.getLogger(__name__)

_AT_ONCE = 100
"""Events in the first commits after a fault: where there is little room, a few still fit."""


class Recorder:
    """Takes observations from a bounded inbox into the journal.

    While the journal is busy the inbox fills up and presses back on the devices. While the disk
    takes nothing the inbox goes on being emptied, into a bounded holding, so that no device is held
    up; what that had no room for is counted, and declared when the disk is back.
    """

    INBOX = 500
    """Events that may wait, and that one commit then takes. A rush at eight lanes makes about ten a
    second; 500 have 200 kB, for which there is room even where the journal is at its smallest."""

    def __init__(
        self, journal: Journal, assessor: Assessor, clock: Clock, *, retry_s: float = 1.0
    ) -> None:
        self.held = Holding()
        """What waits in memory for the disk to come back."""
        self._journal = journal
        self._assessor = assessor
        self._clock = clock
        self._retry_s = retry_s
        self._inbox: asyncio.Queue[Draft | None] = asyncio.Queue(self.INBOX)
        self._taken = 0
        self.turns = Turns(self._wake)
        """Its loop's rounds."""

    async def take(self, observation: Observation) -> None:
        """Queue the event that records `observation`; waits while the inbox is full."""
        await self._inbox.put(draft(observation, self._assessor))

    async def note(self, event: Draft) -> None:
        """Queue an event of the gateway itself; waits while the inbox is full."""
        await self._inbox.put(event)

    async def run(self) -> NoReturn:
        """Record until cancelled; whatever waits together is committed together."""
        while True:
            drafts = await self._next()
            try:
                await self._journal.append(drafts)
            except JournalError as error:
                await self._endure(error, drafts)
            for _ in range(self._taken):
                self._inbox.task_done()
            self._taken = 0

    async def drained(self) -> None:
        """Wait until everything taken so far is durable."""
        await self._inbox.join()

    async def _next(self) -> list[Draft]:
        """All that waits, as soon as there is any; nothing if it was only woken."""
        found = [await self._inbox.get()]
        while not self._inbox.empty():
            found.append(self._inbox.get_nowait())
        self._taken += len(found)
        self.turns.taken()
        return [each for each in found if each]

    def _wake(self) -> None:
        """Let the loop come round though there may be nothing to record."""
        if self._inbox.empty():
            self._inbox.put_nowait(None)

    async def _endure(self, error: JournalError, drafts: list[Draft]) -> None:
        """Hold on to `drafts` and whatever comes until the disk takes it."""
        _log.error("nothing can be recorded; the most important is kept in memory: %s", error)
        trouble = new_correlation()
        self.held.put(_alarm(AlarmState.RAISED, str(error), drafts[0].stamp, trouble))
        for each in drafts:
            self.held.put(each)
        while not await self._release(trouble):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_s):
                    while True:
                        for each in await self._next():
                            self.held.put(each)

    async def _release(self, trouble: str) -> bool:
        """Record what is held, then what had to be let go, and that the `trouble` is over; false
        if the disk takes no more."""
        try:
            while some := self.held.oldest(_AT_ONCE):
                await self._journal.append(some)
                self.held.remove_oldest(len(some))
                self.turns.taken()
            now, lost = self._clock.now(), self.held.lost_since_told
            told = [_gap(lost, now)] if lost else []
            await self._journal.append([*told, _alarm(AlarmState.CLEARED, None, now, trouble)])
        except JournalError as error:
            _log.debug("still nothing can be recorded: %s", error)
            return False
        self.held.told()
        _log.info("recording again; %d events were lost", lost)
        return True


def _alarm(state: AlarmState, reason: str | None, stamp: Stamp, correlation: str) -> Draft:
    return alarm("journal-failing", state, reason, "journal", stamp, correlation)


def _gap(lost: int, stamp: Stamp) -> Draft:
    data = GapData(epoch=None, first=None, last=None, count=lost, why=GapReason.UNRECORDED)
    return Draft(Kind.GAP, "journal", stamp, data, alarm=True)
