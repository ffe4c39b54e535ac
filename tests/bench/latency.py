"""How long a reading takes to be durable, and to be at the centre, at the pace of a gate."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from time import monotonic_ns

from gateway.journal import Journal
from tests.bench import raw
from tests.bench.counter import Arrivals, counting
from tests.bench.figures import Figure, Settings, at_most, quantile
from tests.bench.gate import Gate, gate
from tests.bench.mqtt import Client
from tests.bench.readings import bodies, observations
from tests.bench.throughput import BROKER
from tests.brokers import mosquitto
from tests.uplink.gate import BASE

_PACES = {
    # per second: how many, and how many of them --quick
    10: (200, 15),
    200: (2000, 300),
}
_TO_REACH_MS = {0.5: 3, 0.99: 15}


@dataclass(frozen=True, slots=True)
class Delays:
    """Milliseconds from each reading on."""

    durable: Sequence[float]
    centre: Sequence[float]


def run(settings: Settings) -> Iterator[Figure]:
    """Median and 99th percentile, each beside the least that does the same."""
    for pace, sizes in _PACES.items():
        count = settings.scaled(*sizes)
        ours, least = asyncio.run(_both(settings, pace, count))
        for goal, beside in (("durable", "one commit"), ("centre", "one commit, one publish")):
            for share, reach in _TO_REACH_MS.items():
                yield Figure(
                    f"reading → {goal}, {pace}/s, p{share * 100:.0f}",
                    quantile(getattr(ours, goal), share),
                    "ms",
                    quantile(getattr(least, goal), share),
                    beside,
                    [at_most(reach)],
                )


async def _both(settings: Settings, pace: int, count: int) -> tuple[Delays, Delays]:
    async with mosquitto(settings.directory, *BROKER) as broker:
        async with (
            counting(settings.directory, broker.port, count) as arrivals,
            gate(settings.directory / f"latency-{pace}.db", broker.port) as gateside,
        ):
            ours = await _through(gateside, arrivals, pace, count)
        async with counting(settings.directory, broker.port, count) as arrivals:
            with (
                raw.table(settings.directory / f"latency-raw-{pace}.db") as table,
                Client(broker.port, "bare") as client,
            ):
                return ours, await _plain(table, client, arrivals, pace, count)


async def paced(pace: float, count: int, act: Callable[[], Awaitable[None]]) -> list[int]:
    """Act `count` times, `pace` times a second; when each was due, in monotonic ns."""
    loop = asyncio.get_running_loop()
    began, times = loop.time(), []
    for turn in range(count):
        await asyncio.sleep(began + turn / pace - loop.time())
        times.append(monotonic_ns())
        await act()
    return times


async def _through(gateside: Gate, arrivals: Arrivals, pace: int, count: int) -> Delays:
    source, durable = observations(), [0] * (count + 1)
    watching = asyncio.create_task(_watch(gateside.journal, durable))

    async def take() -> None:
        await gateside.recorder.take(next(source))

    taken = await paced(pace, count, take)
    await arrivals.until(count)
    await watching
    return _delays(taken, durable[1:], arrivals)


async def _watch(journal: Journal, durable: list[int]) -> None:
    """Note when each number became durable."""
    seen = 0
    while seen < len(durable) - 1:
        await journal.wait_appended(seen)
        now = monotonic_ns()
        for seq in range(seen + 1, journal.last_seq + 1):
            durable[seq] = now
        seen = journal.last_seq


async def _plain(
    table: Connection, client: Client, arrivals: Arrivals, pace: int, count: int
) -> Delays:
    rows = bodies(count)
    durable: list[int] = []

    async def act() -> None:
        body = rows[len(durable)]
        raw.commit(table, [body])
        durable.append(monotonic_ns())
        client.flood(f"{BASE}/up/event/scan", [body], window=1)

    taken = await paced(pace, count, act)
    await arrivals.until(count)
    return _delays(taken, durable, arrivals)


def _delays(taken: Sequence[int], durable: Sequence[int], arrivals: Arrivals) -> Delays:
    come = [arrivals.at_ns(seq) for seq in range(1, len(taken) + 1)]
    return Delays(*(
        [(end - start) / 1e6 for start, end in zip(taken, ends, strict=True)]
        for ends in (durable, come)
    ))  # fmt: skip
