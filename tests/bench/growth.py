"""What appending, reading on and confirming cost in a large table, beside a small one."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from time import perf_counter

from gateway.journal import Journal
from tests.bench.figures import Figure, Settings, median, times
from tests.bench.gate import fill, opened
from tests.bench.readings import drafts

_SMALL = 10_000
_TURNS = 150
_BATCH = 500
_EVENT = drafts(1)


def run(settings: Settings) -> Iterator[Figure]:
    """Median times at each size; large and small in turn, so that both meet the same machine."""
    large = [200_000] if settings.quick else [1_000_000, 5_000_000]
    for size, ours, limit in asyncio.run(_measured(settings, large)):
        for name, ms in ours.items():
            yield Figure(
                f"{name} at {size:,}", ms, "ms", limit[name], f"at {_SMALL:,}", [times(1.5)]
            )


Times = dict[str, float]


async def _measured(settings: Settings, sizes: list[int]) -> list[tuple[int, Times, Times]]:
    figures = []
    async with (
        opened(settings.directory / "small.db") as small,
        opened(settings.directory / "large.db") as large,
    ):
        await fill(small, _SMALL)
        for size in sizes:
            await fill(large, size)
            taken: dict[Journal, dict[str, list[float]]] = {small: defaultdict(list),
                                                            large: defaultdict(list)}  # fmt: skip
            for turn in range(_TURNS):
                for journal in (small, large):
                    await _turn(journal, turn, taken[journal])
            ours, limit = (
                {name: median(ms) for name, ms in taken[journal].items()}
                for journal in (large, small)
            )
            figures.append((size, ours, limit))
    return figures


async def _turn(journal: Journal, turn: int, taken: dict[str, list[float]]) -> None:
    after = Random(turn).randrange(journal.delivery.upto, journal.last_seq - _BATCH)
    first = journal.delivery.upto + 1

    async def confirm() -> None:
        journal.confirm_range(first, first + 10)
        await journal.append(_EVENT)  # the commit in which it becomes durable

    works: dict[str, Callable[[], Awaitable[object]]] = {
        "append 1": lambda: journal.append(_EVENT),
        f"read next {_BATCH}": lambda: journal.read(after, max_rows=_BATCH, max_bytes=1 << 20),
        "confirm, with its commit": confirm,
    }
    for name, work in works.items():
        started = perf_counter()
        await work()
        taken[name].append((perf_counter() - started) * 1e3)
