"""A live event while a backlog drains: how much later it is at the centre."""

import asyncio
from collections.abc import Iterator
from time import monotonic_ns

from tests.bench.counter import Arrivals, counting
from tests.bench.figures import Figure, Settings, at_most, quantile
from tests.bench.gate import fill, opened, recording
from tests.bench.line import line
from tests.bench.readings import observations
from tests.bench.throughput import BROKER
from tests.brokers import mosquitto
from tests.uplink.gate import configured, uplink_of

_THIN = 32_000
"""Bytes per second: 256 kbit/s."""
_PACES = {None: 100.0, _THIN: 20.0}
"""Live events per second, by line: of those on the thin one each takes 15 ms."""
_ALONE_S = 1.5
"""How long without a backlog."""


def run(settings: Settings) -> Iterator[Figure]:
    """The 99th percentile on a fast line and on a thin one, beside the same with no backlog."""
    backlog, seconds = settings.scaled(500_000, 100_000), settings.scaled(20, 3)
    fast = asyncio.run(_delays(settings, backlog, None, seconds))
    limit = asyncio.run(_delays(settings, 0, None, _ALONE_S))
    yield _figure("live during a drain, p99", fast, limit)
    thin = asyncio.run(_delays(settings, 20_000, _THIN, seconds))
    limit = asyncio.run(_delays(settings, 0, _THIN, _ALONE_S))
    yield _figure("the same at 256 kbit/s, p99", thin, limit)


def _figure(name: str, delays: list[float], limit: list[float]) -> Figure:
    p99 = [quantile(each, 0.99) for each in (delays, limit)]
    return Figure(name, p99[0], "s", p99[1], "without a backlog", [at_most(1)])


async def _delays(
    settings: Settings, backlog: int, bytes_per_s: int | None, seconds: float
) -> list[float]:
    """Seconds from a reading to the centre, of those taken while the backlog is on its way."""
    pace = _PACES[bytes_per_s]
    most = round(seconds * pace)
    path = settings.directory / f"overtaking-{backlog}-{bytes_per_s}.db"
    async with (
        opened(path) as journal,
        mosquitto(settings.directory, *BROKER) as broker,
        counting(settings.directory, broker.port, backlog + most) as arrivals,
        line(broker.port, bytes_per_s=bytes_per_s) as way,
    ):
        await fill(journal, backlog)
        port = way.port if bytes_per_s else broker.port
        async with uplink_of(journal, configured(port)) as uplink, recording(journal) as recorder:
            while not uplink.link.online:
                await asyncio.sleep(0.005)
            source = observations()
            taken: list[int] = []
            while len(taken) < most and (not backlog or journal.counts().waiting > len(taken)):
                taken.append(monotonic_ns())
                await recorder.take(next(source))
                await asyncio.sleep(1 / pace)
            await _until_come(arrivals, backlog, len(taken))
    return [(arrivals.at_ns(backlog + place) - at) / 1e9 for place, at in enumerate(taken, 1)]


async def _until_come(arrivals: Arrivals, backlog: int, count: int) -> None:
    """Wait for the live ones, whatever becomes of the backlog."""
    async with asyncio.timeout(120):
        while not all(arrivals.at_ns(backlog + place) for place in range(1, count + 1)):
            await asyncio.sleep(0.02)
