"""A power cut under the file system: what a disk has of the blocks it was given since it was last
flushed, in whatever order, ext4 and the journal make of it what had been promised.

The disk is a file of `tests.faults.faultyfs` behind a loop device, so every block that the kernel
writes and every flush is known.
"""

import asyncio
import random
import shutil
import sys
from pathlib import Path

import pytest

from gateway.errors import JournalError
from tests.faults.account import Account
from tests.faults.disk import Disk, FileSystem, disk
from tests.faults.faultyfs import SAID, faulty_fs
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.operations import Kind, Operation
from tests.faults.replay import Crash, Replay
from tests.faults.test_crash_points import ROOT, Promises, verify

MEGABYTES = 32
"""Room for the journal and its ballast."""
ROUNDS = 8
"""Recordings of each workload: no two are alike, the kernel writes when it likes."""


async def recorded_blocks(directory: Path, workload: str, mutant: Mutant | None) -> list[Operation]:
    """What a run of `workload` on ext4 does to the disk below, and says, in this order."""
    async with faulty_fs(directory) as below:
        with disk(below.path, directory / "mounted", megabytes=MEGABYTES) as above:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.faults.workload", workload),
                *(above.mountpoint / "journal.db", below.path / SAID),
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
            operations = list(below.operations())
            above.unmount()
        return operations


async def verify_left(left: Path, mountpoint: Path, promises: Promises) -> None:
    """Mount the image in the directory `left` and hold its journal against `promises`."""
    found = Disk(left / "disk.img", mountpoint, FileSystem.EXT4)
    found.mount()
    try:
        await verify(mountpoint / "journal.db", promises)
    finally:
        found.unmount()


async def cut_at(
    operations: list[Operation], points: set[int], directory: Path, rng: random.Random
) -> tuple[int, int]:
    """Cut the power before each of the operations `points`; states looked at, and events.

    Raises:
        ViolationError: a promise is broken.
    """
    left, mountpoint = directory / "left", directory / "found"
    left.mkdir()
    mountpoint.mkdir()
    replay, promises, states = Replay(rng), Promises(), 0
    for number, operation in enumerate(operations):
        if number in points:
            for crash in Crash:
                replay.crash(left, crash)
                try:
                    await verify_left(left, mountpoint, promises)
                except ViolationError as broken:
                    broken.add_note(f"{crash} before operation {number}: {operation!r:.200}")
                    raise
                states += 1
        if operation.kind is Kind.SAY:
            promises.hear(operation.data)
        else:
            replay.apply(operation)
    return states, promises.recorded


def drawn(operations: list[Operation], most: int, rng: random.Random) -> set[int]:
    """At most `most` points after the beginning: half of them just before a flush, when the most
    is open, and half just after something has been promised."""
    said = [at for at, each in enumerate(operations) if each.kind is Kind.SAY]
    flushes = [at for at, each in enumerate(operations) if each.kind is Kind.FSYNC and at > said[0]]
    after = [at + 1 for at in said[1:] if at + 1 < len(operations)]
    return {
        each for some in (flushes, after) for each in rng.sample(some, min(len(some), most // 2))
    }


async def explore(
    directory: Path, workload: str, most: int, *, seed: int = 1, mutant: Mutant | None = None
) -> tuple[int, int]:
    operations = await recorded_blocks(directory, workload, mutant)
    rng = random.Random(seed)
    return await cut_at(operations, drawn(operations, most, rng), directory, rng)


async def test_nothing_promised_is_lost_below_the_file_system(
    tmp_path: Path, account: Account
) -> None:
    entry = account.of("torn and reordered blocks")
    entry.count, entry.recorded = await explore(tmp_path, "accept", 16)


@pytest.mark.parametrize("mutant", [Mutant.NORMAL, Mutant.ROLLBACK])
async def test_it_finds(mutant: Mutant, tmp_path: Path, account: Account) -> None:
    with pytest.raises((ViolationError, JournalError)):
        await explore(tmp_path, "accept", 100, mutant=mutant)
    account.of("torn and reordered blocks").caught.append(mutant)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("workload", ["accept", "confirm", "fill", "purge"])
async def test_nothing_promised_is_lost_in_hundreds_of_states(
    workload: str, tmp_path: Path, account: Account
) -> None:
    entry = account.of("torn and reordered blocks")
    for seed in range(2, 2 + ROUNDS):
        directory = tmp_path / str(seed)
        directory.mkdir()
        states, recorded = await explore(directory, workload, 200, seed=seed)
        shutil.rmtree(directory)
        entry.count += states
        entry.recorded += recorded
