"""From a reading to the centre, sustained: recorder, journal, uplink and a real mosquitto."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import monotonic_ns

from gateway.recorder import Recorder
from tests.bench import raw
from tests.bench.counter import counting
from tests.bench.figures import Figure, Settings, at_least, share
from tests.bench.gate import gate
from tests.bench.readings import bodies, observations
from tests.brokers import mosquitto

BROKER = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
"""mosquitto lets go of nothing that the counter has not taken yet."""


def run(settings: Settings) -> Iterator[Figure]:
    """One figure, beside what the disk takes in commits of a full inbox."""
    events = settings.scaled(300_000, 30_000)
    with raw.table(settings.directory / "raw.db") as table:
        limit = raw.rate(table, bodies(Recorder.INBOX), 1.0)
    ours = asyncio.run(sustained(settings.directory, events))
    yield Figure(
        f"reading → centre, {events:,} at full speed",
        ours,
        "/s",
        limit,
        f"plain SQLite, {Recorder.INBOX} rows a commit",
        [at_least(50_000), share(0.25)],
    )


async def sustained(directory: Path, events: int) -> float:
    """Events per second from the first reading until the last event is at the centre."""
    async with (
        mosquitto(directory, *BROKER) as broker,
        counting(directory, broker.port, events) as arrivals,
        gate(directory / "throughput.db", broker.port) as gateside,
    ):
        started = monotonic_ns()
        for observation in islice(observations(), events):
            await gateside.recorder.take(observation)
        await arrivals.until(events)
        return events / (arrivals.last_ns - started) * 1e9
