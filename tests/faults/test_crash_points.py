"""A crash before every single storage operation: the journal opens, and holds what it promised."""

import asyncio
import random
import shutil
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.events import Kind
from gateway.journal.aside import asides
from tests.faults.account import Account
from tests.faults.faultyfs import SAID, faulty_fs
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.operations import Kind as Did
from tests.faults.operations import Operation
from tests.faults.replay import Crash, Replay
from tests.faults.workload import WORKLOADS, at_rest, heard, number_of
from tests.journal.boxes import corrected
from tests.journal.journals import note, opened

ROOT = Path(__file__).parents[2]
EVERY = {"fill": 17}
"""Workloads of which the quick run takes only one point in so many: a prime, to meet all kinds."""


@dataclass
class Promises:
    """What the journal had said up to a crash."""

    begun: bool = False
    recorded: int = 0
    session: int = 0
    delivered: set[int] = field(default_factory=set)
    sent: dict[int, int] = field(default_factory=dict)
    """Check values of what may have been sent."""
    damaged: set[int] = field(default_factory=set)
    """Undelivered events of a journal that was then damaged; their rows can be read."""

    def hear(self, said: bytes) -> None:
        """One more of them."""
        match heard(said):
            case "begin", _:
                self.begun = True
            case "recorded", seq:
                self.recorded = seq
            case "session", number:
                self.session = number
            case "delivers", seq:
                self.delivered.add(seq)
            case "sends", both:
                self.sent[both >> 32] = both & 0xFFFFFFFF
            case "damaged", _:
                self.damaged = set(range(1, self.recorded + 1)) - self.delivered
                self.recorded = 0


async def recorded_operations(
    directory: Path, workload: str, mutant: Mutant | None
) -> list[Operation]:
    """What a run of `workload` does to the disk, and says, in this order."""
    async with faulty_fs(directory) as disk:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.faults.workload", workload),
            *(disk.path / "journal.db", disk.path / SAID),
            *filter(None, [mutant]),
            cwd=ROOT,
        )
        try:
            async with asyncio.timeout(60):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return list(disk.operations())


async def verify(path: Path, promises: Promises) -> None:
    """Open what a crash has left, hold it against `promises`, and go on recording.

    Raises:
        ViolationError: a promise is broken.
    """
    async with opened(path) as journal:
        if promises.damaged:
            await at_rest(journal)
            carried = await journal.carried.next(0, max_rows=1 << 30, max_bytes=1 << 40)
            if lost := promises.damaged - {row.seq for row in carried}:
                raise ViolationError(f"not carried over from the damaged journal: {lost}")
        elif asides(path):
            raise ViolationError("the journal is set aside, and its events with it")
        if journal.last_seq < promises.recorded:
            raise ViolationError(f"{promises.recorded - journal.last_seq} events are lost")
        await corrected(journal)
        waiting = await journal.read(0, max_rows=1 << 30, max_bytes=1 << 40)
        for row in waiting:
            if promises.sent.get(row.seq) not in (None, zlib.crc32(row.body)):
                raise ViolationError(f"{row.seq} is not any more as it was sent")
            if row.kind is not Kind.GAP and number_of(row) != row.seq:
                raise ViolationError(f"{row.seq} is another event than it was")
        if len(waiting) != journal.counts().waiting:
            raise ViolationError("what should wait to be delivered is not there")
        missing = set(range(1, journal.last_seq + 1)) - {row.seq for row in waiting}
        if undelivered := missing - promises.delivered:
            raise ViolationError(f"undelivered and not there: {undelivered}")
        if await journal.next_session() <= promises.session:
            raise ViolationError("a session's number is given twice")
        last = journal.last_seq
        [row] = await journal.append([note(0)])
        if row.seq != last + 1:
            raise ViolationError("the sequence has a hole")


async def crash_everywhere(
    directory: Path, workload: str, *, mutant: Mutant | None = None, every: int = 1
) -> tuple[int, int]:
    """Crash before each operation of `workload`, or before `every` so many; crashes and events.

    Raises:
        ViolationError: a promise is broken.
    """
    operations = await recorded_operations(directory, workload, mutant)
    replay, promises, crashes = Replay(random.Random(workload)), Promises(), 0
    for number, operation in enumerate(operations):
        if operation.kind is Did.SAY:
            promises.hear(operation.data)
            continue
        if promises.begun and number % every == 0:
            for crash in Crash:
                left = directory / "left"
                left.mkdir()
                replay.crash(left, crash)
                try:
                    await verify(left / "journal.db", promises)
                except ViolationError as broken:
                    broken.add_note(f"{crash} before operation {number}: {operation!r:.200}")
                    raise
                shutil.rmtree(left)
                crashes += 1
        replay.apply(operation)
    return crashes, promises.recorded


async def explore(workload: str, directory: Path, account: Account, *, every: int = 1) -> None:
    crashes, recorded = await crash_everywhere(directory, workload, every=every)
    entry = account.of(f"crash point: {workload}")
    entry.count += crashes
    entry.recorded = recorded


@pytest.mark.parametrize(("workload", "every"), [(each, EVERY.get(each, 1)) for each in WORKLOADS])
async def test_nothing_promised_is_lost(
    workload: str, every: int, tmp_path: Path, account: Account
) -> None:
    await explore(workload, tmp_path, account, every=every)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workload", EVERY)
async def test_nothing_promised_is_lost_at_every_point(
    workload: str, tmp_path: Path, account: Account
) -> None:
    await explore(workload, tmp_path, account)


@pytest.mark.parametrize(
    ("workload", "mutant"),
    [
        ("accept", Mutant.NORMAL),
        ("accept", Mutant.ROLLBACK),
        ("accept", Mutant.ACK_FIRST),
        ("purge", Mutant.DELETE_FIRST),
        ("redate", Mutant.UNSEALED),
    ],
)
async def test_it_finds(workload: str, mutant: Mutant, tmp_path: Path, account: Account) -> None:
    with pytest.raises((ViolationError, JournalError)):
        await crash_everywhere(tmp_path, workload, mutant=mutant)
    account.of(f"crash point: {workload}").caught.append(mutant)
