"""A backlog goes to mosquitto once the broker is there: how fast, and in how much memory."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns

from tests.bench.counter import Arrivals, counting
from tests.bench.figures import Figure, Settings, at_least, at_most, times
from tests.bench.gate import FILL, fill, opened
from tests.bench.mqtt import Client
from tests.bench.process import Process, isolated
from tests.bench.readings import bodies
from tests.bench.throughput import BROKER
from tests.brokers import mosquitto
from tests.uplink.gate import BASE, configured, uplink_of

_WARM = 5000
_TOGETHER = 500
_WINDOW = 8


@dataclass(frozen=True, slots=True)
class Drain:
    """How one backlog went."""

    per_s: float
    grown_mb: float
    """Memory at its highest, over that after the first few events: recording them all, too."""
    limit_per_s: float
    """Batches that were there already, from a client that does nothing else."""


def run(settings: Settings) -> Iterator[Figure]:
    """The large backlog, its memory, and its speed beside that of a tenth of it."""
    events = settings.scaled(1_000_000, 100_000)
    small = isolated(drained, settings.directory, events // 10)
    large = isolated(drained, settings.directory, events)
    name = f"drain of {events:,}"
    beside = f"bare client, {_TOGETHER} events a message"
    yield Figure(name, large.per_s, "/s", large.limit_per_s, beside, [at_least(200_000)])
    yield Figure(f"{name}: memory grows by", large.grown_mb, "MB", reach=[at_most(30)])
    per_event = [1e6 / each.per_s for each in (large, small)]
    beside = f"drain of {events // 10:,}"
    yield Figure(f"{name}: per event", per_event[0], "µs", per_event[1], beside, [times(1.5)])


def drained(directory: Path, events: int) -> Drain:
    """Record `events` with no broker in sight, then bring it up."""
    return asyncio.run(_drained(directory, events))


async def _drained(directory: Path, events: int) -> Drain:
    process = Process()
    async with opened(directory / f"drain-{events}.db") as journal:
        await fill(journal, _WARM)
        before = process.rss_mb
        process.reset_peak()
        await fill(journal, events)
        async with (
            mosquitto(directory, *BROKER) as broker,
            counting(directory, broker.port, events) as arrivals,
        ):
            started = monotonic_ns()
            async with uplink_of(journal, configured(broker.port)):
                await arrivals.until(events)
                per_s = events / (arrivals.last_ns - started) * 1e9
                grown = process.peak_mb - before
            limit = await _bare(broker.port, arrivals, min(events, 100 * FILL))
    return Drain(per_s, grown, limit)


async def _bare(port: int, arrivals: Arrivals, events: int) -> float:
    """Events per second of batches that need only be sent."""
    rows = bodies(events)
    batches = [
        b"[" + b",".join(rows[at : at + _TOGETHER]) + b"]" for at in range(0, events, _TOGETHER)
    ]
    before, started = arrivals.messages, monotonic_ns()
    with Client(port, "bare") as client:
        topic = f"{BASE}/up/batch"
        await asyncio.to_thread(client.flood, topic, batches, window=_WINDOW)
        while arrivals.messages < before + len(batches):
            await asyncio.sleep(0.005)
        return events / (monotonic_ns() - started) * 1e9
