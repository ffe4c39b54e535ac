"""The journal against kill -9, a disk that fails, and rot in the file."""

import asyncio
import json
import logging
import signal
import struct
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.errors import JournalError
from gateway.events import Kind
from gateway.journal import Journal, Row
from tests.journal.journals import (
    CLOCK,
    SOURCE,
    confirm,
    files_limited_to,
    filled,
    note,
    opened,
    query,
    seqs,
)

ROOT = Path(__file__).parents[2]


async def victim(task: str, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.journal.victim", task, str(path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )


async def killed(process: asyncio.subprocess.Process) -> bytes:
    """Kill ``process``; returns what it had still said."""
    process.kill()
    rest, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    return rest


async def test_what_was_reported_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    reported: list[int] = []
    for wanted in (300, 60, 601):
        process = await victim("append", path)
        assert process.stdout
        async with asyncio.timeout(60):
            said = [await process.stdout.readline() for _ in range(wanted)]
        rest = (await killed(process)).splitlines(keepends=True)
        reported += [int(line) for line in said + rest if line.endswith(b"\n")]
    async with opened(path) as journal:
        kept = await seqs(journal)
        assert kept == list(range(1, journal.last_seq + 1))
    assert len(reported) == len(set(reported)) >= 961
    assert set(reported) <= set(kept)


async def test_twenty_confirmations_are_durable_soon(tmp_path: Path) -> None:
    """So a kill sends fewer than that many twice; the rest rides in the next commit."""
    path = tmp_path / "journal.db"
    process = await victim("confirm", path)
    assert process.stdout
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"21\n"
        while not query(path, "SELECT * FROM confirmed"):
            await asyncio.sleep(0.01)
    await killed(process)
    async with opened(path) as journal:
        assert (journal.delivery.upto, journal.delivery.beyond) == (3, [(6, 23)])
        assert await seqs(journal) == [4, 5, *range(24, 31)]


async def test_a_failing_disk_costs_the_append_but_no_number(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 20)
        with files_limited_to(4096):
            with pytest.raises(JournalError, match="cannot be written"):
                await journal.append([note(21), note(22, alarm=True)])
            assert await journal.next_session() == 1
            assert journal.last_seq == 20
            assert await journal.alarms() == []
            assert await seqs(journal) == list(range(1, 21))
        [row] = await journal.append([note(23)])
        assert row.seq == 21
    async with opened(path) as journal:
        rows = await journal.read(20, max_rows=9, max_bytes=1 << 20)
        assert rows == [row]


async def test_a_passing_fault_is_retried_with_the_same_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with opened(tmp_path / "journal.db") as journal:
        await filled(journal, 20)
        confirm(journal, [1, 2, 3])
        with files_limited_to(4096):
            appending = asyncio.create_task(journal.append([note(21)]))
            async with asyncio.timeout(30):
                while "cannot be written" not in caplog.text:
                    await asyncio.sleep(0.001)
        [row] = await appending
        assert row.seq == 21
        assert "can be written again" in caplog.text
    async with opened(tmp_path / "journal.db") as journal:
        assert await seqs(journal) == list(range(4, 22))


async def test_what_a_failed_commit_left_is_replaced(tmp_path: Path) -> None:
    """A commit that raised may come back from the log; nobody was told of it."""
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 2)
        query(path, "INSERT INTO event SELECT 3, kind, 1, 1, 1, 1, 1, 1, x'00' FROM event LIMIT 1")
        assert await seqs(journal) == [1, 2]
        rows = await journal.append([note(3)])
    async with opened(path) as journal:
        assert await journal.read(2, max_rows=9, max_bytes=9999) == rows


ROT = {
    "kind": "UPDATE event SET kind = 'scan' WHERE seq = 4",
    "kind no text": "UPDATE event SET kind = CAST(x'ff' AS TEXT) WHERE seq = 4",
    "alarm": "UPDATE event SET alarm = 1 WHERE seq = 4",
    "mono_ms": "UPDATE event SET mono_ms = mono_ms + 1 WHERE seq = 4",
    "wall_ms": "UPDATE event SET wall_ms = wall_ms + 1 WHERE seq = 4",
    "upto": "UPDATE event SET upto = 3 WHERE seq = 4",
    "crc": "UPDATE event SET crc = crc | 1 << 32 WHERE seq = 4",
    "body": "UPDATE event SET body = CAST(replace(body, 'cam', 'cbm') AS BLOB) WHERE seq = 4",
}


async def gaps(journal: Journal) -> list[tuple[int, int]]:
    """What has been declared lost of this life."""
    events = [
        json.loads(row.body)
        for row in await journal.read(0, max_rows=10_000, max_bytes=1 << 30)
        if row.kind is Kind.GAP
    ]
    assert all(event["data"]["epoch"] == journal.epoch for event in events)
    return [(event["data"]["from"], event["data"]["to"]) for event in events]


async def declared(journal: Journal, count: int) -> list[tuple[int, int]]:
    """The gaps, when there are `count`."""
    async with asyncio.timeout(30):
        while len(found := await gaps(journal)) < count:
            await asyncio.sleep(0.01)
    return found


@pytest.mark.parametrize("column", ROT)
async def test_a_rotten_row_is_never_returned_and_told_of(tmp_path: Path, column: str) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 5)
    query(path, ROT[column])
    async with opened(path) as journal:
        assert journal.delivery.upto == 0
        assert (await seqs(journal, upto=5)) == [1, 2, 3, 5]
        batch = await journal.gather([(1, 5)], max_bytes=1 << 20, make=lambda it: it)
        assert batch
        assert batch.numbers == [1, 2, 3, 5]
        assert await journal.alarms() == []
        assert await declared(journal, 1) == [(4, 4)]
        assert journal.delivery.is_confirmed(4)
        assert journal.condition.lost == 1
    async with opened(path) as journal:
        assert await seqs(journal) == [1, 2, 3, 5, 6]


async def test_a_rotten_newest_row_is_not_counted_on_from(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 4)
        former = journal.epoch
    query(path, "UPDATE event SET seq = 99 WHERE seq = 4")
    async with opened(path) as journal:
        assert journal.epoch != former
        [row] = await journal.append([note(5)])
        assert row.seq == 1


async def test_reading_goes_past_rot(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 30)
    query(path, "UPDATE event SET crc = 0 WHERE seq BETWEEN 1 AND 20")
    async with opened(path) as journal:
        confirm(journal, [2, 4, 6, 8])
        rows: list[Row] = await journal.read(0, max_rows=2, max_bytes=1)
        assert [row.seq for row in rows] == [21]
        found = await declared(journal, 5)
        assert found == [(1, 1), (3, 3), (5, 5), (7, 7), (9, 20)]


async def test_a_flipped_bit_on_the_disk_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        rows = await journal.append([note(n) for n in range(1, 60)])
    raw = bytearray(path.read_bytes())
    for bit, row in enumerate(rows[:56]):
        at = raw.index(row.body) + bit * 5
        raw[at] ^= 1 << bit % 8
    path.write_bytes(raw)
    async with opened(path) as journal:
        assert await seqs(journal, upto=59) == [57, 58, 59]
        assert await declared(journal, 1) == [(1, 56)]


@pytest.mark.parametrize("bit", [0, 3, 7])
async def test_no_flip_around_a_row_alters_what_is_returned(tmp_path: Path, bit: int) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        rows = await journal.append([note(1), note(2), note(3)])
    raw = path.read_bytes()
    body = raw.index(rows[1].body)
    for at in range(body - 45, body + 2):  # the record's header, then its columns
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :])
        try:
            async with opened(path) as journal:
                found = await journal.read(0, max_rows=9, max_bytes=1 << 20)
        except JournalError:
            continue
        assert set(found) <= set(rows)


async def test_a_bug_in_the_writer_leaves_nobody_waiting(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    broken = replace(note(2), stamp=replace(CLOCK.now(), mono_ns=1 << 90))  # fits no column
    journal = await Journal.open(path, source=SOURCE, clock=CLOCK)
    async with asyncio.timeout(30):
        with pytest.raises(JournalError, match="writer has ended"):
            await journal.append([broken])
        with pytest.raises(JournalError, match="closed"):
            await journal.append([note(3)])
        with pytest.raises(struct.error):
            await journal.close()
    async with opened(path) as journal:
        assert journal.last_seq == 0
