"""Keeps the journal within its bounds: what has to go goes in order, and never silently."""

import asyncio
import logging
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn

from gateway.clock import Clock
from gateway.config import JournalConfig
from gateway.errors import JournalError
from gateway.events import AlarmState, Draft, GapData, GapReason, Kind, alarm, new_correlation
from gateway.journal import purge
from gateway.journal.aside import closed_bytes, drop_oldest
from gateway.journal.ballast import (
    BALLAST_BYTES,
    LEAST_ROOM_BYTES,
    RESERVE_BYTES,
    Ballast,
    room_beside,
    taken_with,
)
from gateway.journal.purge import Purger
from gateway.journal.records import Ledger
from gateway.journal.retention import Retention
from gateway.journal.store import LOG_BYTES, Store
from gateway.journal.writer import Writer
from gateway.ranges import Range, first_of

_log = logging.getLogger(__name__)

DISK_FULL = "disk-full"
PERIOD_S = 2.0
"""Between two looks; much appended, or a full disk, does not wait for the next."""
EXPIRE_EVERY_S = 60.0
LEAST_BYTES = 1 << 20
"""Of the file, however full the disk: the ballast has left that much, and some events must fit."""
HEADROOM_BYTES = (256 << 10, 4 << 20)
"""Purging begins a twentieth below the limit, within these bounds, and ends twice as far."""
_WINDOW = 20_000
"""Numbers looked through at a time for telemetry: 10 ms."""
_GAP_SPANS = 200
"""Runs between undelivered alarms that one gap spans at most."""


@dataclass(slots=True)
class Room:
    """Bytes on the disk; None until the first look."""

    taken: int | None = None
    """By the journal and what lies beside it."""
    left: int | None = None
    """Of the disk."""


class Keeper:
    """One journal's bounds, in bytes and days."""

    def __init__(
        self, store: Store, ledger: Ledger, writer: Writer, config: JournalConfig, clock: Clock
    ) -> None:
        self.room = Room()
        self._store = store
        self._ledger = ledger
        self._writer = writer
        self._clock = clock
        self._limit = _bytes(config)
        self._keep_ms = _ms(config)
        self._ballast = Ballast(store.path)
        self._purger = Purger(store, ledger)
        self._retention = Retention(store, ledger, self._purger, clock)
        self._thinned = 0
        self._expire_at = 0.0
        self._full: str | None = None
        """What joins the alarm that was raised to the one that will clear it."""

    def bound(self, config: JournalConfig) -> None:
        """Keep the bounds of `config` from the next turn on."""
        self._limit = _bytes(config)
        self._keep_ms = _ms(config)
        self._expire_at = 0.0

    async def run(self) -> NoReturn:
        """Keep the bounds until cancelled."""
        while True:
            await self._writer.commits.wait_pressed(PERIOD_S)
            try:
                if self._store.attached:
                    await self._turn()
            except (sqlite3.DatabaseError, OSError, JournalError) as error:
                # The writer meets the same disk and says so; here it is left for the next turn.
                _log.debug("the journal's bounds must wait: %s", error)

    async def _turn(self) -> None:
        limit, full = await self._balance()
        await self._purger.limit(limit)
        now = asyncio.get_running_loop().time()
        if now >= self._expire_at:
            self._expire_at = now + EXPIRE_EVERY_S
            await self._retention.expire(self._keep_ms)
        await self._surrender(limit)
        await self._give_back(limit // 10)
        await self._tell(full)
        await self._retention.mark_hourly()

    async def _tell(self, full: bool) -> None:
        """Raise the alarm when there is no room for the ballast, clear it when there is again."""
        if full == (self._full is not None):
            return
        correlation = self._full or new_correlation()
        state = AlarmState.RAISED if full else AlarmState.CLEARED
        reason = f"less than {LEAST_ROOM_BYTES >> 20} MB left" if full else None
        now = self._clock.now()
        await self._writer.append([alarm(DISK_FULL, state, reason, "journal", now, correlation)])
        self._full = correlation if full else None

    async def _balance(self) -> tuple[int, bool]:
        """Drop the ballast on a full disk, make it when there is room, and let go of what was set
        aside and is done with where the file needs its room.

        Returns what the file may fill, and whether there is no room for the ballast.
        """
        path = self._store.path

        def balance(connection: sqlite3.Connection) -> tuple[int, bool]:
            if not self._ballast.relieve():
                self._ballast.make(room_beside(path))
            full = not self._ballast.path.exists()
            self.room.taken, self.room.left = taken_with(path), room_beside(path)
            while True:
                # What the reserve leaves to the log on a full disk the file must not take.
                room = room_beside(path) + path.stat().st_size - RESERVE_BYTES
                limit = max(LEAST_BYTES, min(self._limit - closed_bytes(path), room))
                enough = purge.space(connection).used <= limit - headroom_below(limit)
                if enough or not (gone := drop_oldest(path)):
                    return limit, full
                _log.warning("%s had been delivered and is deleted for want of room", gone.path)

        return await self._store.read(balance)

    async def _surrender(self, limit: int) -> None:
        """With the file nearly at `limit`: telemetry, then the oldest confirmed, then a gap."""
        headroom = headroom_below(limit)
        space = await self._purger.space()
        if space.used <= limit - headroom:
            return
        while (excess := space.used - (limit - 2 * headroom)) > 0:
            share = max(excess, headroom) / space.used  # few gaps, each worth its name
            if rows := await self._delivered():
                await self._purger.delete([seq for seq, _ in rows])
            elif (more := (await self._balance())[0]) > limit:
                # What was set aside and is done with goes before anything undelivered does.
                limit = more
                await self._purger.limit(limit)
            elif not await self._give_up(share, full=limit < self._limit):
                return
            space = await self._purger.space()

    async def _delivered(self) -> list[tuple[int, int]]:
        """Confirmed rows for a step: telemetry, each number looked at once, then the oldest."""
        confirmed = self._purger.confirmed()
        end = confirmed[-1][1] if confirmed else 0
        while self._thinned < end:
            window = (self._thinned + 1, self._thinned + _WINDOW)
            if rows := await self._purger.oldest(within(confirmed, *window), purge.TELEMETRY):
                return rows
            self._thinned = min(end, window[1])
        return await self._purger.oldest(confirmed)

    async def _give_up(self, share: float, *, full: bool) -> bool:
        """Declare `share` of all rows lost, the oldest undelivered; false if there are none.

        Alarms stay while there is anything else, gaps in any case.
        """
        ledger = self._ledger
        most = max(1, round(share * (ledger.last_seq - ledger.first_seq + 1)))
        waiting = list(ledger.delivery.gaps(0, ledger.last_seq - 1))
        spans = first_of(most, islice(between(waiting, ledger.alarms), _GAP_SPANS))
        if not spans:
            alarms = await self._purger.oldest(waiting, set(Kind) - {Kind.GAP})
            spans = [(seq, seq) for seq, _ in alarms[:most]]
        if not spans:
            return False
        await self._declare(spans, GapReason.DISK_FULL if full else GapReason.RETENTION)
        return True

    async def _declare(self, spans: list[Range], why: GapReason) -> None:
        ledger, epoch = self._ledger, self._ledger.epoch
        first, last = spans[0][0], spans[-1][1]
        count = sum(end - start + 1 for start, end in spans)
        seqs = [seq for seq, _ in await self._purger.oldest(spans)]

        def make_room(connection: sqlite3.Connection) -> None:
            if ledger.epoch == epoch:  # else the file was found damaged, and this is another
                purge.delete(seqs, spans, connection)

        gap = GapData(epoch=epoch, first=first, last=last, count=count, why=why)
        draft = Draft(Kind.GAP, "journal", self._clock.now(), gap, alarm=True)
        # In one commit with the first deletions: where there is no room left, they make it.
        await self._writer.append([draft], before=make_room)
        if ledger.epoch == epoch:
            for span in spans:
                ledger.delivery.stored(span[0])
                ledger.settle(*span)
        _log.warning("gave up %d undelivered events, %d to %d: %s", count, first, last, why)

    async def _give_back(self, spare: int) -> None:
        """Return free room to the disk where it is more than the journal will soon need."""
        free = (await self._purger.space()).free
        if free > 2 * spare:
            while free > spare:
                await self._purger.give_back(free - spare)
                free = (await self._purger.space()).free


def _bytes(config: JournalConfig) -> int:
    """What the file may fill, with its log and the ballast beside it."""
    return config.max_mb * 1_000_000 - BALLAST_BYTES - LOG_BYTES


def _ms(config: JournalConfig) -> int:
    """How long what has been delivered is kept."""
    return config.keep_days * 86_400_000


def headroom_below(limit: int) -> int:
    """How far below `limit` purging begins."""
    least, most = HEADROOM_BYTES
    return min(most, max(least, limit // 20))


def within(spans: Iterable[Range], first: int, last: int) -> list[Range]:
    """The parts of `spans` that lie between `first` and `last`."""
    return [
        (max(start, first), min(end, last))
        for start, end in spans
        if start <= last and end >= first
    ]


def between(spans: Iterable[Range], marks: Sequence[int]) -> Iterator[Range]:
    """`spans` without `marks`, which ascend."""
    for start, end in spans:
        inside = marks[bisect_left(marks, start) : bisect_right(marks, end)]
        for mark in inside:
            if start < mark:
                yield start, mark - 1
            start = mark + 1
        if start <= end:
            yield start, end
