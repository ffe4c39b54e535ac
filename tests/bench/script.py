"""The same work by the script that everybody writes first: a row, a publish, wait for the ack."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic_ns

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench.counter import counting
from tests.bench.drain import drained
from tests.bench.figures import Figure, Settings, share
from tests.bench.process import isolated
from tests.bench.readings import bodies
from tests.bench.throughput import BROKER, sustained
from tests.brokers import mosquitto
from tests.uplink.gate import BASE

_TOPIC = f"{BASE}/up/event/scan"
_PEERS = 20
"""The script gets so many times fewer events, or it would not end."""


def run(settings: Settings) -> Iterator[Figure]:
    """Ours, beside the script's."""
    events = settings.scaled(60_000, 5_000)
    through = isolated(_sustained, settings.directory, events)
    drain = isolated(drained, settings.directory, events).per_s
    for name, ours, stored in (
        (f"{events:,} through, beside a script", through, False),
        (f"{events:,} after an outage", drain, True),
    ):
        limit = asyncio.run(_measured(settings.directory, events // _PEERS, stored=stored))
        yield Figure(name, ours, "/s", limit, "script, a row and a publish each", [share(20)])


def _sustained(directory: Path, events: int) -> float:
    return asyncio.run(sustained(directory, events))


async def _measured(directory: Path, events: int, *, stored: bool) -> float:
    async with (
        mosquitto(directory, *BROKER) as broker,
        counting(directory, broker.port, events) as arrivals,
    ):
        path = directory / f"script-{stored}.db"
        started = await asyncio.to_thread(_script, path, broker.port, bodies(events), stored)
        await arrivals.until(events)
        return events / (arrivals.last_ns - started) * 1e9


def _script(path: Path, port: int, events: list[bytes], stored: bool) -> int:
    """Deliver `events`, with all of them in the table to begin with or not; when it began."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB)")
        if stored:
            database.executemany(
                "INSERT INTO event (body) VALUES (?)", [(each,) for each in events]
            )
            database.commit()
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        started = monotonic_ns()
        for event in events:
            if not stored:
                database.execute("INSERT INTO event (body) VALUES (?)", (event,))
                database.commit()
            _send_oldest(database, client)
        client.disconnect()
        client.loop_stop()
        return started


def _send_oldest(database: sqlite3.Connection, client: Client) -> None:
    row, body = database.execute("SELECT id, body FROM event ORDER BY id LIMIT 1").fetchone()
    client.publish(_TOPIC, body, qos=1).wait_for_publish()
    database.execute("DELETE FROM event WHERE id = ?", (row,))
    database.commit()
