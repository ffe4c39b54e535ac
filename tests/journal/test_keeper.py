"""The journal keeps within its bounds, gives things up in order, and says what it gave up."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Lock, Position, Role
from gateway.clock import Clock
from gateway.config import JournalConfig
from gateway.events import DoorData, Draft, Kind
from gateway.journal import Journal, Row
from gateway.journal.aside import asides, set_aside
from gateway.journal.keeper import between, within
from gateway.journal.store import LOG_BYTES
from gateway.ranges import first_of
from tests.brokers import until
from tests.journal.journals import CLOCK, marked, note, opened, query

SMALL = JournalConfig(max_mb=16)
CAP = 16_000_000
DAY_NS = 86_400 * 10**9


def door(*, padding: int = 400) -> Draft:
    data = DoorData(
        device="doors",
        door="g" * padding,
        role=Role.GATE,
        position=Position.OPEN,
        lock=Lock.UNKNOWN,
        tamper=None,
    )
    return Draft(Kind.DOOR, "door/gate-1", CLOCK.now(), data)


def room(folder: Path) -> int:
    """Bytes on the disk, with everything beside the file."""
    return sum(file.stat().st_blocks * 512 for file in folder.iterdir())


@asynccontextmanager
async def small(folder: Path) -> AsyncIterator[Journal]:
    """A journal that is small, in a folder of its own, whose size is looked at all the time."""
    async with opened(folder / "journal.db", config=SMALL) as journal:
        yield journal
        assert room(folder) <= CAP


async def fill(journal: Journal, folder: Path, drafts: list[Draft]) -> list[Row]:
    """Append `drafts`, in portions, slowly enough for purging to keep up."""
    rows: list[Row] = []
    for start in range(0, len(drafts), 200):
        rows += await journal.append(drafts[start : start + 200])
        assert room(folder) <= CAP
    return rows


def in_fifteen_days(*, sure: bool) -> Clock:
    """A clock that is ahead by a day more than events are kept."""
    return Clock(
        wall_ns=lambda: CLOCK.now().wall_ms * 10**6 + 15 * DAY_NS, synchronised=lambda: sure
    )


def kept(path: Path) -> set[int]:
    return {seq for (seq,) in query(path, "SELECT seq FROM event")}


def waiting_in(journal: Journal) -> set[int]:
    return numbers(list(journal.delivery.gaps(0, journal.last_seq)))


def said(rows: list[Row]) -> list[dict[str, Any]]:
    return [json.loads(row.body)["data"] for row in rows]


async def test_telemetry_goes_first_then_the_oldest_delivered(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    drafts = [door() if number % 4 else note(number, padding=300) for number in range(20_000)]
    async with small(tmp_path) as journal:
        rows = await fill(journal, tmp_path, drafts[:8000])
        journal.confirm_range(1, 7000)
        await fill(journal, tmp_path, drafts[:4000])
        journal.confirm_range(7001, 11000)
        await until(lambda: not kept(path) & {row.seq for row in rows[:100]}, within_s=30)
        telemetry = {row.seq for row in rows[:7000] if row.kind is Kind.DEVICE}
        await fill(journal, tmp_path, drafts[:4000])
        assert not kept(path) & telemetry
        assert journal.counts().confirmed == 11000
        left = kept(path)
        oldest = min(left)
        # Of doors the oldest are gone and nothing else; all that is undelivered is there.
        assert {
            row.seq for row in rows[:7000] if row.kind is Kind.DOOR and row.seq > oldest
        } <= left
        assert set(range(11001, 15001)) <= left
    async with opened(path, config=SMALL) as journal:
        assert journal.counts().confirmed == 11000


async def test_undelivered_rows_go_last_and_with_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    drafts = [note(number, padding=300, alarm=number % 100 == 0) for number in range(40_000)]
    async with small(tmp_path) as journal:
        rows = await fill(journal, tmp_path, drafts)
        there = kept(path)  # before the gaps: it still goes on
        gaps = [row for row in await journal.alarms(max_rows=2000) if row.kind is Kind.GAP]
        alarms = {row.seq for row in [*rows, *gaps] if row.alarm}
        waiting = {row.seq for row in rows} - alarms - there
        assert gaps
        assert waiting
        for each in said(gaps):
            assert each["why"] == "retention"
            named = {seq for seq in range(each["from"], each["to"] + 1) if seq not in alarms}
            assert len(named) == each["count"]
            waiting -= named
        assert not waiting
        assert alarms <= kept(path)
        counts = journal.counts()
        assert counts.confirmed >= sum(each["count"] for each in said(gaps))
    async with opened(path, config=SMALL) as journal:
        assert journal.counts().confirmed >= counts.confirmed
        before = waiting_in(journal)
        found = await journal.read(0, max_rows=100_000, max_bytes=1 << 30)
        assert waiting_in(journal) <= {row.seq for row in found} <= before
    stored = [(first, last) for first, last in query(path, "SELECT first, last FROM confirmed")]
    assert numbers(stored) >= numbers(journal.delivery.beyond)


async def test_when_nothing_but_alarms_is_left_the_oldest_go_and_no_gap_does(
    tmp_path: Path,
) -> None:
    async with small(tmp_path) as journal:
        drafts = [note(number, padding=2000, alarm=True) for number in range(8000)]
        await fill(journal, tmp_path, drafts)
        upto = journal.last_seq
        rows = await journal.alarms(max_rows=20_000, max_bytes=1 << 30)
        later = await journal.alarms(max_rows=20_000, max_bytes=1 << 30)  # it still goes on
        gaps = said([row for row in later if row.kind is Kind.GAP])
        lost = {seq for each in gaps for seq in range(each["from"], each["to"] + 1)}
        assert {row.seq for row in rows} | lost >= set(range(1, upto + 1))


async def test_a_purge_never_holds_an_append_up_for_long(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with small(tmp_path) as journal:
        drafts = [note(number, padding=300) for number in range(14_000)]
        await fill(journal, tmp_path, drafts)
        journal.confirm_range(1, 13_000)
        took: list[float] = []
        for draft in drafts[:3000]:
            started = loop.time()
            await journal.append([draft, draft])
            took.append(loop.time() - started)
        assert journal.counts().first_seq > 1
    assert sorted(took)[len(took) * 99 // 100] < 0.05


async def test_old_delivered_rows_go_by_age(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.append([note(number) for number in range(1, 1001)])
        journal.confirm_range(1, 900)
        journal.confirm_range(950, 1000)
    marked(path)
    ahead = in_fifteen_days(sure=True)
    lost = in_fifteen_days(sure=False)
    async with opened(path, clock=lost) as journal:
        ballast = tmp_path / "journal.db-ballast"
        ballast.unlink(missing_ok=True)
        await until(ballast.exists)  # the bounds were looked at, by a clock nobody vouches for
        ballast.unlink()
        await until(ballast.exists)
        assert len(kept(path)) == 1000
    async with opened(path, clock=ahead) as journal:
        await until(lambda: kept(path) == {*range(901, 950), 1000}, within_s=30)
        await until(lambda: journal.counts().first_seq == 901)


async def test_other_bounds_count_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    long = JournalConfig(keep_days=3650)
    async with opened(path) as journal:
        await journal.append([note(number, padding=1000) for number in range(1, 1001)])
        journal.confirm_range(1, 900)
    marked(path)
    async with opened(path, clock=in_fifteen_days(sure=True), config=long) as journal:
        await until((tmp_path / "journal.db-ballast").exists)  # the bounds have been looked at
        assert len(kept(path)) == 1000
        journal.bound(JournalConfig(keep_days=1))
        await until(lambda: kept(path) == set(range(901, 1001)), within_s=30)
    async with opened(path) as journal:
        for _ in range(10):
            await journal.append([note(number, padding=3000) for number in range(600)])
        journal.confirm_range(1, journal.last_seq)
        assert room(tmp_path) > CAP
        journal.bound(SMALL)
        await until(lambda: journal.counts().first_seq > 1000, within_s=60)


async def test_the_newest_row_stays_for_the_cursor_in_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    ahead = in_fifteen_days(sure=True)
    async with opened(path) as journal:
        await journal.append([note(number) for number in range(1, 1001)])
        journal.confirm_range(1, 1000)
    marked(path)
    async with opened(path, clock=ahead) as journal:
        await until(lambda: kept(path) == {1000}, within_s=30)
        [row] = await journal.append([note(1001)])
        assert row.seq == 1001


async def test_room_is_returned_to_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path, config=SMALL) as journal:
        await fill(journal, tmp_path, [note(number, padding=300) for number in range(9000)])
        journal.confirm_range(1, 9000)
        full = path.stat().st_size
    marked(path)
    ahead = in_fifteen_days(sure=True)
    async with opened(path, config=SMALL, clock=ahead) as journal:
        await until(lambda: path.stat().st_size < full / 4, within_s=30)
        await journal.append([note(1)])
        assert query(path, "PRAGMA integrity_check") == [("ok",)]


async def test_the_log_stays_small_and_shrinks_again_after_a_slow_reader(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    log = tmp_path / "journal.db-wal"
    async with opened(path) as journal:
        drafts = [note(number, padding=300) for number in range(500)]
        for _ in range(20):
            await journal.append(drafts)
            assert log.stat().st_size < LOG_BYTES
        with (
            closing(sqlite3.connect(path)) as reader,
            closing(reader.execute("SELECT * FROM event")) as rows,
        ):
            rows.fetchone()
            while log.stat().st_size < 2 * LOG_BYTES:
                await journal.append(drafts)
        for _ in range(10):
            await journal.append(drafts)
        assert log.stat().st_size <= LOG_BYTES


async def damaged(path: Path) -> str:
    """Leave a journal with 5 MB of events and without its first page; its epoch."""
    async with opened(path, config=SMALL) as journal:
        await fill(journal, path.parent, [note(number, padding=300) for number in range(6500)])
        epoch = journal.epoch
    with path.open("r+b") as file:
        file.write(bytes(1024))
    return epoch


async def test_what_was_set_aside_counts_and_goes_when_it_is_done_with(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    former = await damaged(path)
    async with opened(path, config=SMALL) as journal:
        await until(lambda: journal.carried.waiting == 6500 and not journal.condition.salvaging)
        [aside] = asides(path)
        await journal.carried.confirm_range(former, 1, 6500)
        await until(aside.report.exists)
        # While it waited, it counted for nothing. The room comes back a little at a time.
        await until(lambda: room(tmp_path) < CAP, within_s=90)
    async with small(tmp_path) as journal:
        await fill(journal, tmp_path, [note(number, padding=300) for number in range(4000)])
        await until(lambda: not asides(path))
        assert f"{aside.path} had been delivered and is deleted" in caplog.text
        assert journal.counts().waiting == 4000  # it went before anything else had to
        assert aside.report.exists()
    assert set_aside(path).number == 2  # whoever reads of the first must not mistake it


async def test_what_was_set_aside_and_is_not_done_with_stays(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    await damaged(path)
    async with opened(path, config=SMALL) as journal:
        await until(lambda: journal.carried.waiting > 0)
        rows = await journal.append([note(number, padding=300) for number in range(4000)])
        journal.confirm_range(1, 4000)
        await until(lambda: not kept(path) & {row.seq for row in rows[:100]}, within_s=30)
        [aside] = asides(path)
        assert not aside.report.exists()


RANGES = st.lists(st.integers(1, 60), unique=True, max_size=12).map(
    lambda marks: list(zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False))
)


def numbers(spans: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in spans for number in range(first, last + 1)}


@given(RANGES, st.lists(st.integers(1, 60), unique=True).map(sorted), st.integers(0, 60))
def test_spans_are_cut_exactly(spans: list[tuple[int, int]], marks: list[int], most: int) -> None:
    parts = list(between(spans, marks))
    assert numbers(parts) == numbers(spans) - set(marks)
    assert all(first <= last for first, last in parts)
    assert numbers(first_of(most, spans)) == set(sorted(numbers(spans))[:most])
    assert numbers(within(spans, 10, 40)) == numbers(spans) & set(range(10, 41))
