"""Bytes written to the disk for an event: what wears out a memory card."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench import raw
from tests.bench.figures import Figure, Settings, at_most
from tests.bench.gate import opened
from tests.bench.process import Process
from tests.bench.readings import bodies, drafts
from tests.faults.disk import disk

_TO_REACH = {1: 5000, 10: 2500}
"""Bytes, by events in a commit."""
_SECTOR = 512


def run(settings: Settings) -> Iterator[Figure]:
    """As the process counts them and, for root, as a disk of its own does."""
    process = Process()
    yield from _figures(settings, settings.directory, "process", lambda: process.written)
    if os.getuid() == 0:
        with ExitStack() as mounted:
            place = settings.directory / "mounted"
            mounted.enter_context(disk(settings.directory, place, megabytes=256))
            yield from _figures(settings, place, "ext4", lambda: _sectors(place) * _SECTOR)


def _figures(
    settings: Settings, place: Path, counted: str, written: Callable[[], int]
) -> Iterator[Figure]:
    for size, reach in _TO_REACH.items():
        commits = settings.scaled(2000, 500)
        ours = asyncio.run(_ours(place / f"wear-{size}.db", size, commits, written))
        limit = _plain(place / f"raw-{size}.db", size, commits, written)
        yield Figure(
            f"written, {size} a commit ({counted})",
            ours,
            "B/event",
            limit,
            f"plain SQLite, {size} rows a commit",
            [at_most(reach)],
        )


async def _ours(path: Path, size: int, commits: int, written: Callable[[], int]) -> float:
    events = drafts(size)
    async with opened(path) as journal:
        await journal.append(drafts(5000))  # the log is written again from its start, not longer
        before = written()
        for _ in range(commits):
            rows = await journal.append(events)
            journal.confirm_range(rows[0].seq, rows[-1].seq)
        return (written() - before) / (commits * size)


def _plain(path: Path, size: int, commits: int, written: Callable[[], int]) -> float:
    rows = bodies(size)
    with raw.table(path) as table:
        raw.commit(table, bodies(5000))
        before = written()
        for _ in range(commits):
            raw.commit(table, rows)
        return (written() - before) / (commits * size)


def _sectors(mountpoint: Path) -> int:
    """Sectors written to the loop device under `mountpoint` since it was made."""
    device = os.stat(mountpoint).st_dev
    os.sync()
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text()
    return int(stat.split()[6])  # Documentation/block/stat.rst
