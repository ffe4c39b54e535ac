"""Durable events per second through the journal, beside plain SQLite with commits as large."""

import asyncio
from collections.abc import Iterator
from time import perf_counter

from gateway.events import Draft
from gateway.journal import Journal
from tests.bench import raw
from tests.bench.figures import Figure, Settings, median, share
from tests.bench.gate import opened
from tests.bench.readings import bodies, drafts

_ROUNDS = 5
"""In turn with plain SQLite, so that both meet the same disk."""
_SHAPES = (
    # events that are appended together, tasks that append
    (1, 1), (10, 1), (100, 1), (1000, 1), (1, 200),
)  # fmt: skip


def run(settings: Settings) -> Iterator[Figure]:
    """One figure for each size of commit, and one for a crowd that appends one event each."""
    for size, tasks in _SHAPES:
        ours, limit = asyncio.run(_both(settings, size, tasks))
        what = f"{size:,} a commit" if tasks == 1 else f"{tasks} tasks, one each"
        yield Figure(
            f"durable events, {what}",
            ours,
            "/s",
            limit,
            f"plain SQLite, {size * tasks:,} rows a commit",
            [share(0.5)],
        )


async def _both(settings: Settings, size: int, tasks: int) -> tuple[float, float]:
    """Median rates of the journal and of plain SQLite."""
    name, seconds = f"{size}x{tasks}.db", 0.06 if settings.quick else 0.4
    events, rows = drafts(size), bodies(size * tasks)
    ours, limits = [], []
    with raw.table(settings.directory / f"raw-{name}") as table:
        async with opened(settings.directory / f"durable-{name}") as journal:
            for _ in range(_ROUNDS):
                limits.append(raw.rate(table, rows, seconds))
                ours.append(await _rate(journal, events, tasks, seconds))
    return median(ours), median(limits)


async def _rate(journal: Journal, events: list[Draft], tasks: int, seconds: float) -> float:
    started, before = perf_counter(), journal.last_seq

    async def appending() -> None:
        while perf_counter() - started < seconds:
            await journal.append(events)

    await asyncio.gather(*(appending() for _ in range(tasks)))
    return (journal.last_seq - before) / (perf_counter() - started)
