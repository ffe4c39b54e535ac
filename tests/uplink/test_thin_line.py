"""A line of 256 kbit/s: what is urgent does not wait behind the backlog, and that still moves."""

import asyncio
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.uplink.streams import Pacing
from gateway.uplink.throughput import Throughput
from tests.brokers import mosquitto, until
from tests.faults.proxy import fault_proxy
from tests.journal.journals import note, opened
from tests.uplink.gate import Listening, configured, listening, uplink_of


def has_come(there: Listening, seq: int) -> bool:
    return seq in there.seqs


BYTES_PER_S = 256_000 / 8


async def test_a_live_event_overtakes_the_backlog_within_a_second(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        fault_proxy(broker.port) as proxy,
    ):
        proxy.conditions.bytes_per_s = BYTES_PER_S
        proxy.conditions.delay_s = 0.05
        proxy.conditions.piece = 1024
        await journal.append([note(n, noise=400) for n in range(1, 1001)])
        waits: list[float] = []
        config = configured(proxy.port, compress="off")
        async with uplink_of(journal, config, pacing=Pacing(live_age_s=-1)) as uplink:
            await until(lambda: uplink.link.online and there.events)
            for _ in range(15):
                began = loop.time()
                [row] = await journal.append([note(5000)])
                await until(partial(has_come, there, row.seq))
                waits.append(loop.time() - began)
                await asyncio.sleep(0.2)
            assert journal.counts().waiting > 0  # the line has been busy all the time
        assert max(waits) < 1.5
        assert sorted(waits)[len(waits) // 2] < 0.8


def drained(bytes_per_s: float, round_trip_s: float, seconds: float) -> tuple[float, float]:
    """A line that carries one byte after the other: bytes per second, and the longest queue in
    seconds after the first two."""
    throughput = Throughput(960 * 1024)
    throughput.note_round_trip(round_trip_s)
    now, free_at, carried, longest = 0.0, 0.0, 0, 0.0
    flying: list[tuple[float, float, int]] = []
    while now < seconds:
        while size := throughput.room(120 * 1024):
            throughput.sent(size)
            free_at = max(now, free_at) + size / bytes_per_s
            flying.append((free_at + round_trip_s, now, size))
            if now > 2:
                longest = max(longest, free_at - now)
        now, sent_at, size = flying.pop(0)
        throughput.batch_answered(size, sent_at=sent_at, now=now)
        carried += size
    return carried / now, longest


@given(st.floats(16e3, 2e7), st.floats(0.001, 0.6))
def test_any_line_is_used_and_none_is_clogged(bytes_per_s: float, round_trip_s: float) -> None:
    used, longest = drained(bytes_per_s, round_trip_s, 30)
    assert longest < 0.8
    assert used > 0.25 * min(bytes_per_s, 960 * 1024 / (round_trip_s + 0.1))
