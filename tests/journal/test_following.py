"""Whoever follows the journal gets every row once and in order, delivered or not."""

from contextlib import suppress
from pathlib import Path

from gateway.errors import JournalError
from gateway.journal import Journal
from tests.brokers import until
from tests.journal.journals import CLOCK, note, opened, query


async def followed(journal: Journal, max_rows: int = 1000) -> list[int]:
    found: list[int] = []
    while journal.follow.behind:
        found += [each.row.seq for each in await journal.follow.next(max_rows)]
    return found


async def test_what_is_new_comes_out_of_memory_and_what_is_older_out_of_the_file(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.append([note(number) for number in range(10)])
    async with opened(tmp_path / "journal.db") as journal:
        journal.follow.start(4)
        await journal.append([note(number) for number in range(5)])
        assert await followed(journal, 3) == list(range(5, 16))
        await journal.append([note(1)])
        [last] = await journal.follow.next()
        assert (last.row.seq, last.boot) == (16, CLOCK.boot)
        assert await journal.follow.next() == []


async def test_what_has_been_delivered_is_followed_as_well(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        journal.follow.start(0)
        for _ in range(5):
            await journal.append([note(number) for number in range(100)])
            journal.confirm_range(1, journal.last_seq)
        assert await followed(journal) == list(range(1, 501))


async def test_rows_that_are_damaged_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.append([note(number) for number in range(10)])
    query(path, "UPDATE event SET body = x'00' WHERE seq IN (3, 9)")
    async with opened(path) as journal:
        journal.follow.start(0)
        assert await followed(journal) == [1, 2, 4, 5, 6, 7, 8, 10]


async def test_in_a_new_life_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await journal.append([note(number, padding=300) for number in range(500)])
    raw = bytearray(path.read_bytes())
    raw[40_960:106_496] = bytes(65_536)
    path.write_bytes(raw)
    async with opened(path) as journal:
        former = journal.epoch
        journal.follow.start(journal.last_seq)
        with suppress(JournalError):
            await journal.read(0, max_rows=1000, max_bytes=1 << 30)  # it meets the damage
        await until(lambda: journal.epoch != former, within_s=30)
        rows = await journal.append([note(1), note(2)])
        assert (await followed(journal))[-2:] == [row.seq for row in rows]
        assert journal.follow.place == journal.last_seq < 500
