"""What is sent while the clock is wrong, what waits until it is right, and for how long."""

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.config import Confirm
from gateway.uplink.feed import Feed
from gateway.uplink.packing import Order
from gateway.uplink.streams import Pacing, Streams
from gateway.uplink.tally import Tally
from tests.brokers import mosquitto, until
from tests.journal.boxes import Box, corrected
from tests.journal.journals import note, opened
from tests.uplink.gate import Listening, configured, listening, uplink_of

OLD = 100
"""More than go one by one when a link comes up."""
ORDER = Order(500, 1 << 20, None, 1 << 20)
KNOWN_MS = 1_700_000_000_000


def qualities(there: Listening) -> dict[int, str]:
    return {each.seq: each.content["clock"] for each in there.events}


@pytest.mark.parametrize("confirm", Confirm)
@pytest.mark.parametrize("known", [True, False])
async def test_a_backlog_waits_for_the_clock_where_there_is_a_time_source(
    tmp_path: Path, known: bool, confirm: Confirm
) -> None:
    box = Box(floor_ms=KNOWN_MS if known else 0)
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db", clock=box.clock) as journal,
        listening(broker.port, confirm=confirm) as there,
    ):
        await journal.append(box.notes(*range(1, OLD + 1)))
        await journal.append([replace(each, alarm=True) for each in box.notes(OLD + 1)])
        async with uplink_of(journal, configured(broker.port, confirm=confirm), clock=box.clock):
            newest = set(range(OLD + 2 - Pacing().first_rows, OLD + 2))
            await there.received(OLD + 1 if not known else len(newest))
            assert set(qualities(there)) == (newest if known else set(range(1, OLD + 2)))
            box.comes_right()
            await there.received(OLD + 1)
    assert {seq for seq, clock in qualities(there).items() if clock == "unsync"} == (
        newest if known else set(range(1, OLD + 2))
    )
    assert set(qualities(there).values()) <= {"unsync", "corrected"}
    assert len(there.events) == OLD + 1


async def test_it_waits_no_longer_than_it_should(tmp_path: Path) -> None:
    box = Box(floor_ms=KNOWN_MS)
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db", clock=box.clock) as journal,
        listening(broker.port) as there,
    ):
        await journal.append(box.notes(*range(1, OLD + 1)))
        pacing = Pacing(clock_s=1.0)
        started = time.monotonic()
        async with uplink_of(journal, configured(broker.port), clock=box.clock, pacing=pacing):
            await there.received(OLD)
        assert time.monotonic() - started >= 1
    assert set(qualities(there).values()) == {"unsync"}


async def test_a_link_that_comes_and_goes_delivers(tmp_path: Path) -> None:
    box = Box(floor_ms=KNOWN_MS)
    async with opened(tmp_path / "journal.db", clock=box.clock) as journal:
        await journal.append(box.notes(*range(1, OLD + 1)))
        tally, pacing = Tally(ended_at=95.0), Pacing(first_rows=1)
        streams = Streams(pacing, window=20)
        feed = Feed(journal, streams, pacing, tally, box.clock)
        await feed.begin(box.clock.now().wall_ms, 100.0)
        await feed.follow(104.9)
        assert not streams.backlog
        await feed.follow(105.0)
        assert list(streams.backlog) == [(1, OLD - 1)]


async def test_what_was_read_before_a_correction_is_read_again(tmp_path: Path) -> None:
    box = Box()
    async with opened(tmp_path / "journal.db", clock=box.clock) as journal:
        streams = Streams(Pacing(), window=20)
        feed = Feed(journal, streams, Pacing(), Tally(), box.clock)
        await feed.begin(0, 0.0)
        alarm = [replace(each, alarm=True) for each in box.notes(3)]
        await journal.append([*box.notes(1, 2), *alarm])
        await feed.follow(0.0)
        assert [row.seq for row in streams.live] == [1, 2]
        assert await feed.are_final([1])
        box.comes_right()
        await corrected(journal)
        assert not await feed.are_final([2])
        await feed.follow(0.0)
        [alarmed] = streams.alarms
        assert b'"corrected"' in alarmed.body
        packed = await feed.batch(ORDER, 0.0)
        assert packed is not None
        assert await feed.are_final(packed.numbers)
        first, second = packed.payload.split(b'"id":')[1:]
        assert b'"unsync"' in first
        assert b'"corrected"' in second


async def test_what_is_read_while_it_is_corrected_does_not_go_out(tmp_path: Path) -> None:
    box = Box()
    async with opened(tmp_path / "journal.db", clock=box.clock) as journal:
        streams = Streams(Pacing(), window=20)
        feed = Feed(journal, streams, Pacing(), Tally(), box.clock)
        await journal.append([replace(note(1), stamp=box.clock.now())] * OLD)
        await feed.begin(1 << 40, 0.0)
        await feed.follow(0.0)
        packed = await feed.batch(ORDER, 0.0)
        assert packed is not None
        box.comes_right()
        await until(lambda: journal.dating.revision > 0)
        assert not await feed.are_final(packed.numbers)
        feed.put_back(packed.numbers)
        await feed.follow(0.0)
        again = await feed.batch(ORDER, 0.0)
        assert again is not None
        assert again.payload.count(b'"corrected"') == OLD
