"""What the journal promises its callers: numbers without a hole, its own rows, delivery state."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.errors import JournalError
from gateway.journal import Counts
from gateway.journal.flush import FLUSH_EVERY_S, FLUSH_ROWS, Flush
from tests.journal.journals import (
    CLOCK,
    SOURCE,
    confirm,
    filled,
    note,
    opened,
    query,
    seqs,
    wal_commits,
)


async def test_rows_are_what_will_be_sent_and_survive(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        rows = await journal.append([note(1), note(2, alarm=True)])
        epoch = journal.epoch
    assert re.fullmatch("[a-z2-7]{8}", epoch)
    assert [(row.seq, row.alarm) for row in rows] == [(1, False), (2, True)]
    body = json.loads(rows[1].body)
    assert (body["id"], body["source"]) == (f"{epoch}-2", SOURCE)
    async with opened(path) as journal:
        assert journal.epoch == epoch
        assert journal.last_seq == 2
        assert await journal.read(0, max_rows=10, max_bytes=10_000) == rows
        assert (await journal.append([note(3)]))[0].seq == 3


async def test_an_empty_journal(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        assert journal.counts() == Counts(0, 0, 0, first_seq=1, last_seq=0)
        assert await journal.append([]) == []
        assert await seqs(journal) == []
        assert await journal.alarms() == []


async def test_boots_and_monotonic_time_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    draft = note(1)
    async with opened(path) as journal:
        await journal.append([draft, note(2)])
    kept = query(path, "SELECT name, mono_ms FROM event JOIN boot ON boot.id = boot WHERE seq = 1")
    assert kept == [(CLOCK.now().boot, draft.stamp.mono_ns // 1_000_000)]
    assert query(path, "SELECT count(*) FROM boot") == [(1,)]


async def test_appends_that_wait_together_share_a_commit(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        before = wal_commits(path)
        await journal.append([note(0)])
        assert wal_commits(path) == before + 1
        groups = await asyncio.gather(*(journal.append([note(n), note(n)]) for n in range(50)))
        assert wal_commits(path) <= before + 3
    assert [row.seq for rows in groups for row in rows] == list(range(2, 102))
    for number, rows in enumerate(groups):
        assert [f"note-{number}-".encode() in row.body for row in rows] == [True, True]


async def test_an_append_larger_than_a_group_stays_together(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        small, large, last = await asyncio.gather(
            journal.append([note(1)]),
            journal.append([note(2)] * 2500),
            journal.append([note(3)]),
        )
    assert [row.seq for row in [*small, *large, *last]] == list(range(1, 2503))


async def test_fifty_tasks_get_their_own_rows_without_a_hole(tmp_path: Path) -> None:
    async def one(number: int) -> list[int]:
        mine = []
        for _ in range(10):
            rows = await journal.append([note(number)])
            assert [f"note-{number}-".encode() in row.body for row in rows] == [True]
            mine += [row.seq for row in rows]
        return mine

    async with opened(tmp_path / "journal.db") as journal:
        groups = await asyncio.gather(*(one(number) for number in range(50)))
        assert sorted(seq for group in groups for seq in group) == list(range(1, 501))
        assert all(group == sorted(group) for group in groups)
        assert await seqs(journal) == list(range(1, 501))


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
async def test_a_cancelled_append_is_whole_or_absent(tmp_path: Path, turns: int) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.append([note(1)])
        lost = asyncio.create_task(journal.append([note(2), note(2)]))
        for _ in range(turns):
            await asyncio.sleep(0)
        lost.cancel()
        [row] = await journal.append([note(3)])
        assert row.seq in {2, 4}
        assert await seqs(journal) == list(range(1, row.seq + 1))
        assert b"note-3-" in row.body


async def test_an_event_that_cannot_be_encoded_troubles_only_its_caller(tmp_path: Path) -> None:
    broken = replace(note(2), subject="lane/\ud800")
    async with opened(tmp_path / "journal.db") as journal:
        results = await asyncio.gather(
            journal.append([note(1)]),
            journal.append([note(2), broken]),
            journal.append([note(3)]),
            return_exceptions=True,
        )
        assert isinstance(results[1], ValueError)
        assert await seqs(journal) == [1, 2]


async def test_read_keeps_its_limits(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        rows = await journal.append([note(n, padding=n * 100) for n in range(1, 11)])
        assert await journal.read(0, max_rows=3, max_bytes=1 << 20) == rows[:3]
        assert await journal.read(4, upto=6, max_rows=9, max_bytes=1 << 20) == rows[4:6]
        room = len(rows[0].body) + len(rows[1].body)
        assert await journal.read(0, max_rows=9, max_bytes=room) == rows[:2]
        assert await journal.read(0, max_rows=9, max_bytes=room - 1) == rows[:1]
        assert await journal.read(9, max_rows=9, max_bytes=1) == rows[9:]
        assert await journal.read(10, max_rows=9, max_bytes=1) == []
        assert await journal.read(0, upto=99, max_rows=99, max_bytes=1 << 20) == rows


async def test_gather_keeps_its_limits(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        rows = await journal.append([note(n, padding=n * 100) for n in range(1, 11)])

        async def gathered(*spans: tuple[int, int], max_bytes: int = 1 << 20) -> list[int]:
            batch = await journal.gather(spans, max_bytes=max_bytes, make=lambda it: it)
            assert batch
            assert list(batch.bodies) == [rows[seq - 1].body for seq in batch.numbers]
            return list(batch.numbers)

        assert await gathered((2, 4), (7, 7)) == [2, 3, 4, 7]
        room = len(rows[1].body) + len(",") + len(rows[4].body)
        assert await gathered((2, 2), (5, 9), max_bytes=room) == [2, 5]
        assert await gathered((2, 2), (5, 9), max_bytes=room - 1) == [2]
        assert await gathered((10, 99), max_bytes=1) == [10]
        assert await journal.gather([(11, 99)], max_bytes=1, make=lambda it: it) is None


async def test_read_leaves_out_what_is_confirmed(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await filled(journal, 20)
        confirm(journal, [1, 2, 5, 9, 20])
        journal.confirm_range(11, 14)
        assert await seqs(journal) == [3, 4, 6, 7, 8, 10, 15, 16, 17, 18, 19]
        two = await journal.read(5, max_rows=4, max_bytes=1 << 20)
        assert [row.seq for row in two] == [6, 7, 8, 10]
        assert journal.counts() == Counts(20, 9, 11, first_seq=1, last_seq=20)


async def test_nothing_is_confirmed_before_it_is_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await filled(journal, 3)
        journal.confirm_range(-5, 10**9)
        confirm(journal, [0, 4, 10**9])
        await journal.append([note(4)])
        assert await seqs(journal) == [4]


async def test_alarms_are_found_at_once_and_leave_when_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.append([note(n, alarm=n % 4 == 0) for n in range(1, 17)])
        assert [row.seq for row in await journal.alarms()] == [4, 8, 12, 16]
        assert [row.seq for row in await journal.alarms(max_rows=2)] == [4, 8]
        journal.confirm_range(1, 4)
        confirm(journal, [12])
        assert [row.seq for row in await journal.alarms()] == [8, 16]
    async with opened(path) as journal:
        assert [row.seq for row in await journal.alarms()] == [8, 16]


async def test_wait_appended_returns_when_it_is_durable(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        waiting = asyncio.create_task(journal.wait_appended(2))
        await journal.append([note(1), note(2)])
        await asyncio.sleep(0)
        assert not waiting.done()
        await journal.append([note(3)])
        async with asyncio.timeout(30):
            await waiting
            await journal.wait_appended(0)


async def test_sessions_grow_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        assert [await journal.next_session(), await journal.next_session()] == [1, 2]
    async with opened(path) as journal:
        assert await journal.next_session() == 3


async def test_confirmations_survive_close_and_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 30)
        journal.confirm_range(10, 12)
        await journal.append([note(31)])
        journal.confirm_range(1, 5)
        await journal.append([note(32)])
        journal.confirm_range(6, 10)
        confirm(journal, [20, 31])
    async with opened(path) as journal:
        assert journal.delivery.upto == 12
        assert journal.delivery.beyond == [(20, 20), (31, 31)]
    assert query(path, "SELECT * FROM confirmed") == [(1, 12), (20, 20), (31, 31)]


async def test_a_cursor_that_moves_with_appends_costs_no_page_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        for number in range(1, 10):
            await journal.append([note(number)])
            confirm(journal, [number])
        await journal.append([note(10)])
        assert query(path, "SELECT * FROM confirmed") == []
        assert query(path, "SELECT max(upto) FROM event") == [(9,)]


async def test_many_confirmations_do_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 500)
        before = wal_commits(path)
        started = asyncio.get_running_loop().time()
        journal.confirm_range(1, 500)
        async with asyncio.timeout(30):
            while wal_commits(path) == before:
                await asyncio.sleep(0.001)
        assert asyncio.get_running_loop().time() - started < 0.9


async def test_confirmations_without_an_end_share_commits(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    loop = asyncio.get_running_loop()
    async with opened(path) as journal:
        await filled(journal, 800)
        before, started = wal_commits(path), loop.time()
        for first in range(1, 801, 20):
            journal.confirm_range(first, first + 19)
            await asyncio.sleep(0.01)
        commits = wal_commits(path) - before
        assert 1 <= commits <= 1 + (loop.time() - started) / FLUSH_EVERY_S
    assert query(path, "SELECT * FROM confirmed") == [(1, 800)]


async def test_confirmations_without_a_pause_do_not_put_their_commit_off() -> None:
    woken = asyncio.Event()
    flush = Flush(woken.set)
    async with asyncio.timeout(10):
        while not woken.is_set():
            flush.soon(FLUSH_ROWS)
            await asyncio.sleep(0)


async def test_close_finishes_what_waits_and_then_refuses(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        waiting = [asyncio.create_task(journal.append([note(n)])) for n in range(1500)]
        await asyncio.sleep(0)
        await journal.close()
        assert sorted(rows[0].seq for rows in await asyncio.gather(*waiting)) == [*range(1, 1501)]
        with pytest.raises(JournalError, match="closed"):
            await journal.append([note(0)])
