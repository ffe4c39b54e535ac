"""Times that were recorded with a wrong clock: which are put right, and which never change."""

import asyncio
import json
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.events import redated
from gateway.journal import Journal, Row
from gateway.journal.undated import AHEAD, BATCHES_AHEAD, Undated
from gateway.ranges import runs
from tests.brokers import until
from tests.journal.boxes import Box, corrected
from tests.journal.journals import files_limited_to, note, opened, query, wal_commits


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def rows(journal: Journal) -> list[Row]:
    return await journal.read(0, max_rows=10_000, max_bytes=1 << 30)


async def said(journal: Journal) -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in await rows(journal)]


async def clocks(journal: Journal) -> list[str]:
    return [each["clock"] for each in await said(journal)]


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def test_what_was_never_sent_gets_its_true_time(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        before = time.time_ns() // 1_000_000
        for number in range(1, 6):
            await journal.append(box.notes(number))
        wrong = await said(journal)
        after = time.time_ns() // 1_000_000
        box.comes_right()
        await corrected(journal)
        right, kept = await said(journal), await rows(journal)
        assert journal.dating.revision > 0
    for then, now in zip(wrong, right, strict=True):
        assert then["time"].startswith("1970-") or then["time"].startswith("1971-")
        assert before - 2 <= ms(now["time"]) <= ms(now["recordedtime"]) <= after + 2
        untouched = ("time", "recordedtime", "clock")
        assert {key: then[key] for key in then if key not in untouched} == {
            key: now[key] for key in now if key not in untouched
        }
    assert [each["clock"] for each in right] == ["corrected"] * 5
    assert [each["time"] for each in right] == sorted(each["time"] for each in right)
    assert [row.wall_ms for row in kept] == [ms(each["time"]) for each in right]
    async with opened(path, clock=box.clock) as journal:
        assert await rows(journal) == kept  # sound, and not corrected once more


async def test_what_may_have_been_sent_stays_as_it_is(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(*range(1, 11)))
        for number in (2, 3, 7):
            await journal.dating.seal([number])
        journal.confirm_range(10, 10)
        wrong = await rows(journal)
        box.comes_right()
        await corrected(journal)
        right = await rows(journal)
    assert [row.seq for row in right if row == wrong[row.seq - 1]] == [2, 3, 7]
    assert b'"unsync"' in query(path, "SELECT body FROM event WHERE seq = 10")[0][0]


async def test_all_that_leaves_by_stick_stays_as_it_is(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(*range(1, 101)))
        await journal.dating.seal_upto(60)
        box.comes_right()
        await corrected(journal)
        told = await clocks(journal)
    assert set(told[:60]) == {"unsync"}
    assert told[-1] == "corrected"


async def test_what_is_not_recorded_yet_cannot_leave(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(*range(1, 11)))
        await journal.dating.seal_upto(10**30)
        await journal.append(box.notes(*range(11, 21)))
        box.comes_right()
        await corrected(journal)
        told = await clocks(journal)
    assert told == ["unsync"] * 10 + ["corrected"] * 10


async def test_a_restart_within_the_boot_changes_nothing_of_that(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(*range(1, 6)))
        await journal.dating.seal([2])
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(6))
        await journal.dating.seal([4])
    box.comes_right()
    async with opened(path, clock=box.booted("boot-1")) as journal:
        await corrected(journal)
        assert await clocks(journal) == [
            "corrected", "unsync", "corrected", "unsync", "corrected", "corrected"
        ]  # fmt: skip


async def test_another_boot_leaves_it_alone(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(1, 2))
    again = box.booted("boot-2")
    async with opened(path, clock=again) as journal:
        await journal.append([replace(each, stamp=again.now()) for each in box.notes(3)])
        box.comes_right()
        await corrected(journal)
        assert await clocks(journal) == ["unsync", "unsync", "corrected"]


async def test_a_clock_that_is_right_costs_nothing(path: Path) -> None:
    async with opened(path) as journal:
        await journal.append([note(1)])
        before = wal_commits(path)
        for number in range(2, 12):
            await journal.append([note(number)])
            await journal.dating.seal([number])
        assert wal_commits(path) == before + 10
        assert query(path, "SELECT * FROM undated") == query(path, "SELECT * FROM sealed") == []


async def test_live_events_of_a_wrong_clock_are_sealed_many_at_a_time(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(1))
        before = wal_commits(path)
        for number in range(2, 2 + 3 * AHEAD):
            await journal.append(box.notes(number))
            await journal.dating.seal([number])
        assert wal_commits(path) <= before + 3 * AHEAD + 4
        assert len(query(path, "SELECT * FROM sealed")) == 1
        box.comes_right()
        await corrected(journal)
        assert await clocks(journal) == ["corrected", *["unsync"] * 3 * AHEAD]


async def test_once_right_the_next_wrong_time_is_another(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(1))
        box.comes_right()
        await corrected(journal)
        await until(lambda: query(path, "SELECT * FROM undated") == [])
        await journal.append(box.notes(2))
        box.wrong_ms, box.right = 400 * 86_400_000, False
        await journal.append(box.notes(3))
        box.comes_right()
        await corrected(journal)
        events = await said(journal)
    assert [each["clock"] for each in events] == ["corrected", "sync", "corrected"]
    assert [each["time"] for each in events] == sorted(each["time"] for each in events)


async def test_a_disk_that_takes_no_seal_lets_everything_go_as_it_is(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(1, 2, 3))
        with files_limited_to(1):
            await journal.dating.seal([2])
        box.comes_right()
        await until(lambda: query(path, "SELECT * FROM undated") == [])
        assert await clocks(journal) == ["unsync"] * 3


async def test_recording_goes_on_beside_it(box: Box, path: Path) -> None:
    async with opened(path, clock=box.clock) as journal:
        for first in range(1, 20_001, 1000):
            await journal.append(box.notes(*range(first, first + 1000)))
        loop, waits = asyncio.get_running_loop(), []
        box.comes_right()
        while any(journal.dating.open(1, 20_000)):
            started = loop.time()
            await journal.append(box.notes(0))
            waits.append(loop.time() - started)
        assert sorted(waits)[len(waits) // 2] < 0.1
        found = [
            json.loads(row.body)["clock"]
            for row in await journal.read(0, max_rows=20_000, max_bytes=1 << 30)
        ]
        assert set(found[:20_000]) == {"corrected"}


async def test_a_clock_set_between_observing_and_recording_makes_no_difference(
    box: Box, path: Path
) -> None:
    async with opened(path, clock=box.clock) as journal:
        observed = box.notes(1)
        box.wrong_ms = 400 * 86_400_000
        await journal.append(observed)
        box.comes_right()
        await corrected(journal)
        [event] = await said(journal)
    assert 0 <= ms(event["recordedtime"]) - ms(event["time"]) < 1000


def test_a_text_that_looks_like_a_time_is_none() -> None:
    event = b'{"subject":"x\\",\\"time\\":\\"1970-01-01T00:00:00.000Z"}'
    assert redated(event, 0, 1) is None


@pytest.mark.parametrize(
    ("numbers", "last_seq", "sealed"),
    [
        ([1], 100, []),  # before the first
        ([4], 100, [4]),  # an alarm, say
        ([6], 100, []),  # already
        ([3, 4, 5], 100, range(3, 6 + 3 * BATCHES_AHEAD)),
        ([1, 2, 9], 100, [9]),
        ([10], 10, range(10, 11 + AHEAD)),
    ],
)
def test_what_is_sealed_is_what_is_sent_and_what_goes_on_from_there(
    numbers: list[int], last_seq: int, sealed: Iterable[int]
) -> None:
    rows = Undated(first=3, sealed=[(6, 6)])
    rows.seal(rows.to_seal(runs(numbers), last_seq))
    still = {seq for a, b in rows.open(0, 100) for seq in range(a, b + 1)}
    assert still == set(range(3, 101)) - {6} - set(sealed)
