"""Bytes on the wire for an event, alone and in a batch."""

import asyncio
from collections.abc import Iterator
from itertools import islice

from tests.bench.counter import counting
from tests.bench.figures import Figure, Settings, times
from tests.bench.gate import fill, gate, opened
from tests.bench.latency import paced
from tests.bench.line import line
from tests.bench.readings import bodies, observations
from tests.bench.throughput import BROKER
from tests.brokers import mosquitto

_SINGLES = 200
_PACE = 200.0
_BACKLOG = 5000


def run(settings: Settings) -> Iterator[Figure]:
    """One figure for single messages, one for batches, beside the event itself."""
    body = sum(map(len, bodies(1000))) / 1000
    single, batched = asyncio.run(_both(settings))
    for name, figure in (("alone", single), ("in batches", batched)):
        yield Figure(
            f"bytes on the wire, {name}", figure, "B/event", body, "the event's JSON", [times(1.5)]
        )


async def _both(settings: Settings) -> tuple[float, float]:
    """Bytes per event in both directions, without the connection's own."""
    path = settings.directory / "wire.db"
    async with opened(path) as journal:
        await fill(journal, _BACKLOG)
    total = _BACKLOG + _SINGLES
    async with (
        mosquitto(settings.directory, *BROKER) as broker,
        counting(settings.directory, broker.port, total) as arrivals,
        line(broker.port) as way,
        gate(path, way.port) as gateside,
    ):
        await arrivals.until(_BACKLOG)
        batched = (way.up + way.down) / _BACKLOG
        await asyncio.sleep(0.1)
        before, source = way.up + way.down, islice(observations(), _SINGLES)

        async def take() -> None:
            await gateside.recorder.take(next(source))

        await paced(_PACE, _SINGLES, take)
        await arrivals.until(total)
        await asyncio.sleep(0.1)
        return (way.up + way.down - before) / _SINGLES, batched
