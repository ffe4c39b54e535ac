"""From one life of the journal to the next nothing is forgotten, whatever interrupts."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal import Journal
from gateway.journal.aside import asides, complete, set_aside
from gateway.journal.salvage import Salvage
from gateway.journal.witness import Claim, Witness, claim_of, witness_path
from tests.journal.journals import (
    confirm,
    files_limited_to,
    filled,
    note,
    opened,
    query,
    seqs,
)

KEPT = Path(__file__).parent / "kept"


async def carried_over(journal: Journal, count: int) -> list[int]:
    """The numbers of the rows carried, when there are `count` and nothing is being read."""
    async with asyncio.timeout(30):
        while journal.carried.waiting < count or journal.condition.salvaging:
            await asyncio.sleep(0.01)
    rows = await journal.carried.next(0, max_rows=10_000, max_bytes=1 << 30)
    return sorted(row.seq for row in rows)


async def checked(journal: Journal) -> str:
    async with asyncio.timeout(30):
        while journal.condition.check in ("not checked yet", "under way"):
            await asyncio.sleep(0.01)
    return journal.condition.check


def wipe_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


async def test_a_damaged_file_is_kept_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 50)
    wipe_header(path)
    damaged = path.read_bytes()
    async with opened(path) as journal:
        assert await carried_over(journal, 50) == list(range(1, 51))
        [aside] = asides(path)
        assert aside.path.name == "journal.db.damaged-1"
        assert aside.path.read_bytes() == damaged


async def test_what_was_delivered_is_not_carried_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 50)
        journal.confirm_range(1, 30)
        await journal.append([note(51)])
        confirm(journal, [40, 42])
    query(path, "PRAGMA user_version = 0")
    async with opened(path) as journal:
        expected = sorted({*range(31, 52)} - {40, 42})
        assert await carried_over(journal, len(expected)) == expected
    wipe_header(tmp_path / "journal.db.damaged-1")
    salvage = Salvage(tmp_path / "journal.db.damaged-1")
    pages = [row.seq for portion in salvage.portions() for row in portion]
    assert sorted(seq for seq in pages if seq > salvage.upto(salvage.epoch or "")) == [
        *range(31, 52)
    ]  # the ranges beyond the cursor carry no check value: they are not asked


async def test_carried_rows_leave_when_confirmed_and_the_case_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        rows = await journal.append([note(n) for n in range(20)])
        former = journal.epoch
    wipe_header(path)
    async with opened(path) as journal:
        await carried_over(journal, 20)
        [first, second] = await journal.carried.next(0, max_rows=2, max_bytes=1 << 20)
        assert [first.body, second.body] == [rows[each.seq - 1].body for each in (first, second)]
        assert len(await journal.carried.next(0, max_rows=9, max_bytes=1)) == 1
        await journal.carried.confirm([first.key, second.key, first.key])
        assert journal.carried.waiting == 18
        [aside] = asides(path)
        assert not aside.report.exists()
    async with opened(path) as journal:
        assert len(await carried_over(journal, 18)) == 18
        assert journal.carried.epochs == {former}
        await journal.carried.confirm_range("aaaaaaaa", 1, 99)
        await journal.carried.confirm_range(former, 1, 99)
        assert journal.carried.waiting == 0
        async with asyncio.timeout(30):
            while not aside.report.exists():
                await asyncio.sleep(0.01)
        assert json.loads(aside.report.read_text()) == {"epoch": former, "saved": 20, "missing": 0}
    async with opened(path) as journal:
        await checked(journal)
        assert journal.carried.waiting == 0
        assert await seqs(journal) == []


async def test_carried_rows_are_counted_once_whatever_happens_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 200)
    wipe_header(path)
    async with opened(path) as journal:
        carried = journal.carried
        await carried_over(journal, 200)
        for key in range(1, 101):
            await asyncio.gather(carried.load(), carried.confirm([key]), carried.load())
            assert carried.waiting == 200 - key


async def test_carried_rows_that_go_are_counted_though_nobody_waits_for_it(tmp_path: Path) -> None:
    """A link that is lost cancels its sender in the midst of it."""
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 2000)
    wipe_header(path)
    async with opened(path) as journal:
        await carried_over(journal, 2000)
        confirming = asyncio.create_task(journal.carried.confirm(range(1, 2001)))
        await asyncio.sleep(0)
        confirming.cancel()
        async with asyncio.timeout(30):
            while journal.carried.waiting or not asides(path)[0].report.exists():
                await asyncio.sleep(0.01)


async def test_a_second_damage_brings_back_what_was_still_carried(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for _ in range(2):
        async with opened(path) as journal:
            await filled(journal, 10)
            await checked(journal)
            first = journal.epoch
        wipe_header(path)
    async with opened(path) as journal:
        await carried_over(journal, 20)
        assert len(journal.carried.epochs) == 2
        assert first in journal.carried.epochs
        assert len(asides(path)) == 2


async def test_damage_met_at_work_begins_a_new_life_without_losing_the_append(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 500)
    raw = bytearray(path.read_bytes())
    raw[40_960:106_496] = bytes(65_536)
    path.write_bytes(raw)
    async with opened(path) as journal:
        former = journal.epoch
        waiting = asyncio.create_task(journal.wait_appended(10**6))
        started = asyncio.get_running_loop().time()
        with suppress(JournalError):
            assert set(await seqs(journal)) <= set(range(1, 501))
        [row] = await journal.append([note(501)])
        async with asyncio.timeout(30):
            await waiting
        assert asyncio.get_running_loop().time() - started < 2
        assert journal.epoch != former
        assert row.seq in (1, 501)  # in the new life, or just before the old one ended
        assert len(await carried_over(journal, 350)) >= 350


@pytest.mark.parametrize("moved", [1, 2, 3])
async def test_a_crash_while_setting_aside_loses_nothing(tmp_path: Path, moved: int) -> None:
    made, path = tmp_path / "made.db", tmp_path / "journal.db"
    async with opened(made) as journal:
        await filled(journal, 30)
        for part in ("", "-wal", "-shm", "-witness"):
            shutil.copy(f"{made}{part}", f"{path}{part}")
    wipe_header(path)
    for part in ("", "-wal", "-shm")[:moved]:
        os.rename(f"{path}{part}", f"{path}.damaged-1{part}")
    async with opened(path) as journal:
        assert await carried_over(journal, 30) == list(range(1, 31))
        assert len(asides(path)) == 1


def test_asides_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for number in range(1, 12):
        path.write_text(str(number))
        assert set_aside(path).number == number
    assert [each.path.read_text() for each in asides(path)] == [str(n) for n in range(1, 12)]
    assert complete(path) is None


async def test_the_witness_follows_every_commit(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        for number in range(1, 4):
            await journal.append([note(number)])
            assert claim_of(path) == Claim(journal.epoch, number)


async def test_a_row_that_cannot_be_found_is_looked_for_and_declared(tmp_path: Path) -> None:
    """Out of a failing disk SQLite may read an older state: what is not there is no end."""
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 9)
        journal.confirm_range(1, 3)
    async with opened(path) as journal:  # which remembers none of them
        assert await checked(journal) == "sound"
        query(path, "DELETE FROM event WHERE seq IN (2, 5)")
        with pytest.raises(JournalError, match="row 5 cannot be found"):
            await seqs(journal)
        async with asyncio.timeout(30):
            while not journal.delivery.is_confirmed(5):
                await asyncio.sleep(0.01)
        assert await seqs(journal) == [4, 6, 7, 8, 9, 10]
        [gap] = await journal.read(9, max_rows=9, max_bytes=1 << 20)
        declared = json.loads(gap.body)["data"]
        assert (declared["from"], declared["to"], declared["why"]) == (5, 5, "corrupt")


@asynccontextmanager
async def taken_away(directory: Path) -> AsyncIterator[Journal]:
    """A journal of ten events on a disk that has gone from `directory`/disk to `directory`/gone."""
    disk = directory / "disk"
    disk.mkdir()
    async with opened(disk / "journal.db") as journal:
        await filled(journal, 10)
        disk.rename(directory / "gone")
        with files_limited_to(1024), pytest.raises(JournalError):
            await journal.append([note(11)])
        yield journal


async def test_the_journal_of_another_disk_is_not_taken_over_and_loses_nothing(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with opened(other / "journal.db") as journal:
        await filled(journal, 50)
        stranger = journal.epoch
    async with taken_away(tmp_path) as journal:
        other.rename(tmp_path / "disk")
        former = journal.epoch
        await appended(journal, 11)
        assert journal.epoch not in (former, stranger)
        assert await carried_over(journal, 50) == list(range(1, 51))
        assert journal.carried.epochs == {stranger}


async def test_a_disk_that_comes_back_damaged_and_under_another_number_is_used(
    tmp_path: Path,
) -> None:
    async with taken_away(tmp_path) as journal:
        shutil.copytree(tmp_path / "gone", tmp_path / "disk")
        wipe_header(tmp_path / "disk" / "journal.db")
        former = journal.epoch
        await appended(journal, 11)
        assert journal.epoch != former
        assert await carried_over(journal, 10) == list(range(1, 11))


async def appended(journal: Journal, number: int) -> None:
    """Record a note as soon as that is possible again."""
    async with asyncio.timeout(30):
        while True:
            with suppress(JournalError):
                await journal.append([note(number)])
                return


async def test_a_witness_that_lags_raises_no_alarm(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 3)
        old = witness_path(path).read_bytes()
        await filled(journal, 3)
    for content in (old, b"", old[:-1] + b"\0", b"x" * 24):
        witness_path(path).write_bytes(content)
        async with opened(path) as journal:
            assert journal.last_seq == 6
    witness_path(path).unlink()
    async with opened(path) as journal:
        assert journal.last_seq == 6
    assert not asides(path)


def test_a_witness_that_cannot_be_written_costs_only_its_word(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "nowhere" / "journal.db")
    witness.note(Claim("abcdefgh", 1))
    witness.close()
    assert claim_of(tmp_path / "nowhere" / "journal.db") is None


@pytest.mark.parametrize("kept", sorted(KEPT.glob("v*.db")), ids=lambda path: path.stem)
async def test_a_kept_journal_of_every_version_is_taken_up(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    shutil.copy(kept, path)
    async with opened(path) as journal:
        assert (journal.delivery.upto, journal.delivery.beyond) == (4, [(7, 7)])
        assert await seqs(journal) == [5, 6, 8, 9, 10, 11, 12]
        assert [row.seq for row in await journal.alarms()] == [5]
        [row] = await journal.append([note(13)])
        assert row.seq == 13
        assert await checked(journal) == "sound"
    assert query(path, "PRAGMA user_version") == [(3,)]
    assert not asides(path)
