"""What a fresh link finds in the journal, and how it follows what is recorded."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from gateway.journal import Journal
from gateway.uplink.feed import Feed
from gateway.uplink.packing import Order
from gateway.uplink.streams import Pacing, Streams
from gateway.uplink.tally import Tally
from tests.journal.journals import CLOCK, filled, note, opened

PACING = Pacing()
ROOM = 1 << 20


async def batch(feed: Feed, rows: int, room: int) -> list[int]:
    """The numbers of the next one; none if there is none."""
    packed = await feed.batch(Order(rows, room, None, room), 0)
    if packed is None:
        return []
    events = json.loads(packed.payload)
    assert len(packed.payload) == packed.plain_bytes
    assert [int(each["sequence"]) for each in events] == list(packed.numbers)
    return list(packed.numbers)


async def batches(feed: Feed, rows: int, room: int) -> list[list[int]]:
    taken = []
    while numbers := await batch(feed, rows, room):
        taken.append(numbers)
    return taken


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path / "journal.db") as made:
        yield made


def now_ms() -> int:
    return CLOCK.now().wall_ms


async def begun(
    journal: Journal, *, at_ms: int | None = None, set_aside: tuple[int, ...] = ()
) -> tuple[Feed, Streams]:
    streams = Streams(PACING, window=20)
    tally = Tally(set_aside=dict.fromkeys(set_aside, 0x95))
    feed = Feed(journal, streams, PACING, tally, CLOCK)
    await feed.begin(now_ms() if at_ms is None else at_ms, 0.0)
    return feed, streams


def live(streams: Streams) -> list[int]:
    return [row.seq for row in streams.live]


def alarms(streams: Streams) -> list[int]:
    return [row.seq for row in streams.alarms]


async def test_young_rows_are_live(journal: Journal) -> None:
    await filled(journal, 5)
    _, streams = await begun(journal)
    assert live(streams) == [1, 2, 3, 4, 5]
    assert not streams.backlog


async def test_old_rows_are_backlog(journal: Journal) -> None:
    await filled(journal, 5)
    _, streams = await begun(journal, at_ms=now_ms() + 61_000)
    assert live(streams) == []
    assert list(streams.backlog) == [(1, 5)]


async def test_only_the_newest_of_many_young_rows_are_live(journal: Journal) -> None:
    await filled(journal, 1000)
    _, streams = await begun(journal)
    assert live(streams) == list(range(1000 - PACING.first_rows + 1, 1001))
    assert list(streams.backlog) == [(1, 1000 - PACING.first_rows)]


async def test_alarms_leave_the_backlog_however_old(journal: Journal) -> None:
    await journal.append([note(1), note(2, alarm=True), note(3)])
    _, streams = await begun(journal, at_ms=now_ms() + 61_000)
    assert alarms(streams) == [2]
    assert list(streams.backlog) == [(1, 1), (3, 3)]


async def test_what_is_confirmed_or_set_aside_is_not_sent(journal: Journal) -> None:
    await filled(journal, 6)
    journal.confirm_range(1, 2)
    journal.confirm_range(5, 5)
    feed, streams = await begun(journal, set_aside=(4,))
    assert live(streams) == [3, 6]
    assert await batches(feed, 500, ROOM) == []


async def test_fresh_rows_are_followed(journal: Journal) -> None:
    feed, streams = await begun(journal)
    await journal.append([note(1), note(2, alarm=True), note(3)])
    await feed.follow(0)
    assert (live(streams), alarms(streams)) == ([1, 3], [2])


async def test_a_flood_goes_in_batches_but_not_its_alarms(journal: Journal) -> None:
    feed, streams = await begun(journal)
    await journal.append([note(1)])
    await feed.follow(0)
    await journal.append([note(n, alarm=n == 50) for n in range(2, 202)])
    await feed.follow(0)
    assert (live(streams), alarms(streams)) == ([], [50])
    assert list(streams.backlog) == [(1, 49), (51, 201)]
    await journal.append([note(202)])
    await feed.follow(0)
    assert live(streams) == [202]


async def test_a_batch_is_cut_by_rows(journal: Journal) -> None:
    await filled(journal, 10)
    feed, streams = await begun(journal, at_ms=now_ms() + 61_000)
    assert await batches(feed, 4, ROOM) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert not streams.backlog


async def test_a_batch_is_cut_by_bytes_and_gathers_scattered_rows(journal: Journal) -> None:
    await filled(journal, 9)
    journal.confirm_range(3, 4)
    feed, _ = await begun(journal, at_ms=now_ms() + 61_000)
    size = len((await journal.read(0, max_rows=1, max_bytes=1))[0].body)
    room = 3 * size + len("[,,]")
    assert await batches(feed, 500, room) == [[1, 2, 5], [6, 7, 8], [9]]


async def test_a_row_larger_than_a_batch_comes_alone(journal: Journal) -> None:
    await journal.append([note(1), note(2, padding=5000), note(3)])
    feed, _ = await begun(journal, at_ms=now_ms() + 61_000)
    assert await batches(feed, 500, 2000) == [[1], [2], [3]]


async def test_what_was_read_ahead_and_is_confirmed_since_is_not_sent(journal: Journal) -> None:
    await filled(journal, 9)
    feed, streams = await begun(journal, at_ms=now_ms() + 61_000)
    assert await batch(feed, 3, ROOM) == [1, 2, 3]
    journal.confirm_range(4, 5)
    assert list(streams.backlog) == [(4, 9)]
    assert await batches(feed, 3, ROOM) == [[6, 7, 8], [9]]


async def test_what_is_put_back_goes_before_what_was_read_ahead(journal: Journal) -> None:
    await filled(journal, 9)
    feed, _ = await begun(journal, at_ms=now_ms() + 61_000)
    assert await batch(feed, 3, ROOM) == [1, 2, 3]
    feed.put_back([2])
    assert await batches(feed, 3, ROOM) == [[2, 4, 5], [6, 7, 8], [9]]


async def test_what_was_read_ahead_is_cut_when_less_may_go(journal: Journal) -> None:
    rows = await journal.append([note(number) for number in range(1, 10)])
    feed, _ = await begun(journal, at_ms=now_ms() + 61_000)
    assert await batch(feed, 4, ROOM) == [1, 2, 3, 4]
    assert await batch(feed, 4, 2 * len(rows[0].body) + len("[,]")) == [5, 6]
    assert await batch(feed, 2, ROOM) == [7, 8]
    feed.batches.close()
    assert await batch(feed, 2, ROOM) == [9]


async def test_what_stays_in_the_backlog_while_it_is_read_is_only_what_came_since(
    journal: Journal,
) -> None:
    await filled(journal, 9)
    journal.confirm_range(4, 5)
    feed, streams = await begun(journal, at_ms=now_ms() + 61_000)
    reading = asyncio.create_task(batch(feed, 9, ROOM))
    await asyncio.sleep(0)
    streams.backlog.add(4, 4)  # the centre asks for it after all
    assert await reading == [1, 2, 3, 6, 7, 8, 9]
    assert list(streams.backlog) == [(4, 4)]


async def test_what_the_centre_asks_for_though_it_is_confirmed_comes_last(journal: Journal) -> None:
    await filled(journal, 9)
    journal.confirm_range(1, 4)
    feed, streams = await begun(journal, at_ms=now_ms() + 61_000)
    feed.recall.ask([(2, 6)])
    await feed.follow(0)
    assert await batches(feed, 3, ROOM) == [[5, 6, 7], [8, 9], [2, 3, 4]]
    feed.recall.answered([2, 3], accepted=False)
    feed.recall.answered([4], accepted=True)
    assert await batches(feed, 3, ROOM) == [[2, 3]]
    feed.recall.answered([2, 3], accepted=True)
    await feed.follow(0)
    assert not streams.recalled


async def test_what_the_centre_has_by_now_does_not_go_again(journal: Journal) -> None:
    await filled(journal, 9)
    journal.confirm_range(1, 9)
    feed, _ = await begun(journal)
    feed.recall.ask([(1, 9)])
    feed.recall.arrived([(1, 3), (6, 6)])
    await feed.follow(0)
    assert await batches(feed, 500, ROOM) == [[4, 5, 7, 8, 9]]


async def test_what_was_to_be_tried_and_is_confirmed_since_is_not_read(journal: Journal) -> None:
    await filled(journal, 6)
    feed, _ = await begun(journal)
    journal.confirm_range(2, 4)
    assert await feed.read([2, 3, 4]) is None
    assert (found := await feed.read([1, 2, 3, 5])) is not None
    assert list(found.numbers) == [1, 5]
