"""What is still in memory is what the file holds, and it is bounded."""

from pathlib import Path

from gateway.events import Kind
from gateway.journal import Journal, Row
from gateway.journal.rows import Recent
from tests.journal.journals import confirm, note, opened, query, seqs


def rows(first: int, last: int, *, size: int = 2) -> list[Row]:
    return [Row(seq, Kind.DOOR, False, 0, 0, b"x" * size) for seq in range(first, last + 1)]


def numbers(recent: Recent, *spans: tuple[int, int]) -> list[int]:
    return [row.seq for row in recent.within(spans)]


async def pages(journal: Journal) -> list[Row]:
    """Everything, in several reads."""
    found: list[Row] = []
    while more := await journal.read(
        found[-1].seq if found else 0, max_rows=400, max_bytes=1 << 20
    ):
        found += more
    return found


def test_spans_are_served_in_order() -> None:
    recent = Recent()
    recent.add(rows(7, 9), done=0)
    recent.add(rows(10, 12), done=0)
    assert [seq for seq in range(1, 15) if recent.has(seq)] == list(range(7, 15))
    assert numbers(recent, (7, 8), (10, 10), (12, 12)) == [7, 8, 10, 12]


def test_the_oldest_give_way_to_bytes_and_the_confirmed_at_once() -> None:
    recent = Recent()
    recent.add(rows(1, 10, size=Recent.BYTES // 10), done=0)
    assert recent.has(1)
    recent.add(rows(11, 12, size=10), done=0)
    assert (recent.has(1), recent.has(2)) == (False, True)
    recent.add(rows(13, 13), done=11)
    assert (recent.has(11), numbers(recent, (12, 13))) == (False, [12, 13])
    recent.add(rows(14, 14, size=Recent.BYTES + 1), done=13)
    assert not recent.has(14)


async def test_a_long_backlog_comes_from_file_and_memory_without_a_seam(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        for first in range(1, 3001, 500):
            await journal.append([note(seq, padding=1000) for seq in range(first, first + 500)])
        confirm(journal, [2, 2999])
        said = await pages(journal)
        assert [row.seq for row in said] == [1, *range(3, 2999), 3000]
    async with opened(path) as journal:
        assert await pages(journal) == said


async def test_what_is_in_memory_is_not_read_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        appended = await journal.append([note(1), note(2), note(3)])
        query(path, "UPDATE event SET body = x'00' WHERE seq = 2")
        assert await journal.read(0, max_rows=9, max_bytes=1 << 20) == appended
        assert await journal.read(0, max_rows=2, max_bytes=1 << 20) == appended[:2]
        assert await journal.read(1, max_rows=9, max_bytes=1) == appended[1:2]
    async with opened(path) as journal:
        assert await seqs(journal, upto=3) == [1, 3]
