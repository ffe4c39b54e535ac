"""Follows the journal and has the checkpoint decide: by its nature on nothing but records."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from msgspec import Raw

from drivers.base import DeviceError
from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.machine import Act, Deeds, Recorded
from gateway.clock import Clock, Stamp
from gateway.conduct import memory
from gateway.errors import JournalError
from gateway.events import decode
from gateway.journal import Journal
from gateway.journal.following import Followed
from gateway.supervisor import contained

_log = logging.getLogger(__name__)

Build = Callable[[Mapping[str, Raw]], Checkpoint]
"""Makes the decisions by the rules in force, with what their parts remembered."""

_FRESH_S = 3.0
"""What was decided longer ago is not done any more: whoever it was for does not stand there."""
_LAG_S = 0.2
"""By which time runs late here: what was observed before must have come through the journal."""
_KEEP_EVERY_S = 600.0
_RETRY_S = 1.0
_REPLAY_MOST = 200_000
"""Events that are gone through where nothing is remembered; a day of the largest gate."""


class Decider:
    """One gate's decisions at work.

    `carry_out` must not wait; it is given what is decided once the records of that are durable.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        path: Path,
        build: Build,
        carry_out: Callable[[Deeds], None],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._path = path
        self._build = build
        self._carry_out = carry_out
        self._changed = asyncio.Event()
        self.checkpoint = build({})
        """What decides at present; another takes its place when the rules change."""
        self.live = False
        """Whether it has caught up with the journal once."""
        self._keep_at = 0.0
        self._kept: tuple[str, int] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._owed: list[Deeds] = []
        """What is to be done once all that is pending is recorded."""

    def change(self, build: Build) -> None:
        """Go on by other rules; what is known stays known."""
        self._build = build
        self._changed.set()

    async def run(self) -> NoReturn:
        """Decide until cancelled; then keep what is known."""
        self._remember()
        try:
            while True:
                try:
                    await self._turn()
                except JournalError as error:
                    _log.debug("the decisions must wait for the journal: %s", error)
                    await asyncio.sleep(_RETRY_S)
        finally:
            if self._keeping:
                await asyncio.wait([self._keeping])
            self._keep()

    def _remember(self) -> None:
        known = memory.load(self._path)
        self.checkpoint = self._build(known.machines if known else {})
        last = self._journal.last_seq
        same_life = known is not None and known.epoch == self._journal.epoch
        after = known.seq if known and same_life else max(0, last - _REPLAY_MOST)
        self._journal.follow.start(min(after, last))

    async def _turn(self) -> None:
        follow = self._journal.follow
        rows = await follow.next()
        self._owed += self._take(rows)
        if not self.live and follow.behind:
            return
        if not rows:
            with suppress(DeviceError), contained("the decisions by time"):
                self._owed += self.checkpoint.advance(self._clock.now().earlier(_LAG_S))
        if not self.live:
            waiting = {correlation for _, _, correlation, _ in self.checkpoint.pending}
            # What has been recorded may have been done, too: at most once is what a door needs.
            acts = [each for each in self._owed if isinstance(each, Act)]
            self._owed = [each for each in acts if each.cause in waiting]
            self.live = True
        await self._record()
        self._do_what_is_owed()
        await self._rest()

    def _do_what_is_owed(self) -> None:
        owed, self._owed = self._owed, []
        now = self._clock.now()
        for each in owed:
            if _is_fresh(each, now):
                self._carry_out(each)

    def _take(self, rows: list[Followed]) -> list[Deeds]:
        done: list[Deeds] = []
        for event in filter(None, map(recorded, rows)):
            # A bug in a rule must not end the records, nor come back with every start.
            with suppress(DeviceError), contained(f"the decisions about {event.id}"):
                done += self.checkpoint.take(event)
        return done

    async def _record(self) -> None:
        pending = self.checkpoint.pending
        if drafts := dict(pending):
            await self._journal.append(list(drafts.values()))
            for each in drafts:
                pending.pop(each, None)

    async def _rest(self) -> None:
        """Wait until there is something to do."""
        if self._changed.is_set():
            self._changed.clear()
            self._go_over()
        follow = self._journal.follow
        if follow.behind:
            return
        now = asyncio.get_running_loop().time()
        if now >= self._keep_at:
            self._keep_at = now + _KEEP_EVERY_S
            self._keep(aside=True)
        due = self.checkpoint.due(self._clock.now().earlier(_LAG_S))
        if due is not None and due <= 0:
            return
        await self._woken(_KEEP_EVERY_S if due is None else due)

    async def _woken(self, within_s: float) -> None:
        """Return when something has been recorded, the rules change, or the time has run out."""
        news = [
            asyncio.create_task(self._journal.wait_appended(self._journal.follow.place)),
            asyncio.create_task(self._changed.wait()),
        ]
        try:
            await asyncio.wait(news, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in news:
                each.cancel()

    def _go_over(self) -> None:
        """By the new rules from here on; a replay must not judge by them what was before."""
        pending = self.checkpoint.pending
        self.checkpoint = self._build(self.checkpoint.saved())
        self.checkpoint.pending.update(pending)
        self._kept = None
        self._keep_at = 0.0

    def _keep(self, *, aside: bool = False) -> None:
        """Write down what is known; `aside` while decisions go on: a slow card takes a second."""
        place = self._journal.epoch, self._journal.follow.place
        if self.checkpoint.pending or not self.live or place == self._kept:
            return
        self._kept = place
        write = partial(_written, self._path, *place, self.checkpoint.saved())
        if not aside:
            write()
        elif self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(asyncio.to_thread(write), name="memory")


def _is_fresh(outcome: Deeds, now: Stamp) -> bool:
    age_ns = now.mono_ns - outcome.at.mono_ns
    return outcome.at.boot == now.boot and age_ns <= _FRESH_S * 1e9


def _written(path: Path, epoch: str, seq: int, machines: Mapping[str, Raw]) -> None:
    try:
        memory.keep(path, epoch, seq, machines)
    except OSError as error:
        _log.debug("what the decisions know cannot be kept: %s", error)


def recorded(followed: Followed) -> Recorded | None:
    """The event in a row; None of what this version does not know."""
    row = followed.row
    found = decode(row.body)
    if found is None:
        return None
    at = Stamp(row.wall_ms, found.clock, followed.boot, row.mono_ms * 1_000_000)
    return Recorded(row.seq, found.id, found.kind, found.subject, at, found.data, found.correlation)
