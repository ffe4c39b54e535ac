"""At the gate: what is taken out, what is left, what is marked; a stick in every bad state."""

import json
import os
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.inspect import look
from gateway.journal.exports import Exports
from gateway.stick import take_out as module
from gateway.stick.folder import MANIFEST, Folder, folder_for
from gateway.stick.source import Source
from tests.faults.disk import memory_disk
from tests.journal.journals import filled, note, opened, query
from tests.stick.sticks import OnStick, take_out
from tests.uplink.gate import PLACE

COUNT = 300


async def recorded(directory: Path, count: int = COUNT) -> Path:
    path = directory / "journal.db"
    async with opened(path) as journal:
        await filled(journal, count)
    return path


def numbers(stick: Path) -> list[int]:
    return [int(each["sequence"]) for each in OnStick.of(stick).contents]


def the_folder(stick: Path) -> Folder:
    return folder_for(stick, PLACE.id)


async def test_only_what_is_undelivered(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await filled(journal, COUNT)
        journal.confirm_range(1, 10)
        journal.confirm_range(20, 30)
    assert take_out(tmp_path / "journal.db", tmp_path).events == COUNT - 21
    assert numbers(tmp_path) == [*range(11, 20), *range(31, COUNT + 1)]


async def test_what_is_sealed_is_the_same(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    take_out(path, tmp_path, sealed=True)
    assert numbers(tmp_path) == list(range(1, COUNT + 1))


async def test_nothing_to_take_is_a_whole_export(tmp_path: Path) -> None:
    path = await recorded(tmp_path, 0)
    assert take_out(path, tmp_path).events == 0
    manifest = json.loads((the_folder(tmp_path).path / MANIFEST).read_bytes())
    assert manifest["complete"]
    assert manifest["parts"] == {}


async def test_parts_are_bounded_and_numbered(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.append([note(number, padding=100_000) for number in range(100)])
    assert take_out(tmp_path / "journal.db", tmp_path).parts == 10
    folder = the_folder(tmp_path)
    assert folder.parts() == [f"{number:08}.ndj" for number in range(1, 11)]
    assert all((folder.path / name).stat().st_size < 1_100_000 for name in folder.parts())
    assert numbers(tmp_path) == list(range(1, 101))


async def test_a_journal_full_of_holes_makes_more_parts(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await filled(journal, 2600)
        for seq in range(2, 2600, 2):
            journal.confirm_range(seq, seq)
    result = take_out(tmp_path / "journal.db", tmp_path)
    assert (result.events, result.parts) == (1301, 3)
    assert numbers(tmp_path) == [*range(1, 2600, 2), 2600]


async def test_damaged_and_foreign_records_are_left_out_and_counted(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    query(path, "UPDATE event SET crc = 0 WHERE seq IN (1, 40, 41, 300)")
    with pytest.raises(GatewayError, match="newest row is damaged"):
        take_out(path, tmp_path)
    query(path, "DELETE FROM event WHERE seq = 300")
    assert take_out(path, tmp_path).events == COUNT - 4
    assert not {1, 40, 41, 300} & set(numbers(tmp_path))


@pytest.mark.parametrize("broken", ["cut", "flipped", "empty", "other"])
async def test_a_part_that_is_not_whole_is_made_again(tmp_path: Path, broken: str) -> None:
    path = await recorded(tmp_path)
    take_out(path, tmp_path)
    part = the_folder(tmp_path).path / "00000001.ndj"
    content = part.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    part.write_bytes(
        {"cut": content[:-1], "flipped": flipped, "empty": b"", "other": b"holiday"}[broken]
    )
    result = take_out(path, tmp_path)
    assert (result.broken, result.events) == (["00000001.ndj"], COUNT)
    assert numbers(tmp_path) == list(range(1, COUNT + 1))


async def test_what_a_pulled_stick_left_half_is_swept(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    folder = the_folder(tmp_path)
    (folder.path / "00000001.tmp").write_bytes(b"half")
    take_out(path, tmp_path)
    assert sorted(each.name for each in folder.path.iterdir()) == ["00000001.ndj", MANIFEST]


async def test_a_full_stick_takes_what_fits_and_another_one_the_rest(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.append([note(number, padding=100_000) for number in range(100)])
    with memory_disk(tmp_path / "small", megabytes=6) as small:
        first = take_out(tmp_path / "journal.db", small)
        assert 0 < first.events < 100
        assert first.left == 100 - first.events
        assert not json.loads((the_folder(small).path / MANIFEST).read_bytes())["complete"]
        second = take_out(tmp_path / "journal.db", tmp_path, skip=True)
        assert (second.events, second.left) == (first.left, 0)
        assert sorted(numbers(small) + numbers(tmp_path)) == list(range(1, 101))


async def test_marks_tell_what_went_out_until_it_is_delivered(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await filled(journal, COUNT)
        take_out(tmp_path / "journal.db", tmp_path)
        marks = journal.exports.marks()
        assert {mark.sha256 for mark in marks} == OnStick.of(tmp_path).digests
        assert list(journal.exports.of(journal.epoch)) == [(1, COUNT)]
        assert journal.counts().confirmed == 0
        assert look.stats(tmp_path / "journal.db").exported == COUNT
        journal.confirm_range(1, COUNT)
        await journal.append([note(1)])
    take_out(tmp_path / "journal.db", tmp_path)
    assert [mark.ranges for mark in Exports(tmp_path / "journal.db").marks()] == [
        [(COUNT + 1, COUNT + 1)]
    ]


async def test_the_marks_are_the_gateways_whoever_takes_out(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    os.chown(path.parent, 4711, 4712)
    marked = path.with_name("journal.db.exports")
    for _ in range(2):  # the second time they are written anew
        take_out(path, tmp_path)
        there = marked.stat()
        assert (there.st_uid, there.st_gid, there.st_mode & 0o777) == (4711, 4712, 0o640)


async def test_a_mark_that_a_crash_has_cost_is_made_up_for(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    take_out(path, tmp_path)
    marks = Exports(path).marks()
    marked = path.with_name("journal.db.exports")
    marked.write_bytes(marked.read_bytes()[:-20])
    assert Exports(path).marks() == []
    assert take_out(path, tmp_path).events == 0
    assert [mark.sha256 for mark in Exports(path).marks()] == [mark.sha256 for mark in marks]


async def test_what_cannot_be_marked_goes_out_all_the_same(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    path.with_name("journal.db.exports").mkdir()
    result = take_out(path, tmp_path)
    assert result.events == COUNT
    assert "cannot be marked" in str(result.unmarked)


async def test_a_link_on_the_stick_is_not_followed(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "checkpoint-gateway").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GatewayError, match="leads to"):
        take_out(path, tmp_path / "stick")


async def test_a_journal_that_is_replaced_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    source = Source(path, PLACE.id)
    planned = source.waiting()
    for name in ("journal.db", "journal.db-witness"):
        path.with_name(name).unlink()
    await recorded(tmp_path)
    with pytest.raises(GatewayError, match="another has been begun"):
        source.bytes_of(planned)


async def test_one_export_at_a_time(tmp_path: Path) -> None:
    path = await recorded(tmp_path)
    with Exports(path).held(), pytest.raises(GatewayError, match="another export"):
        take_out(path, tmp_path)
    assert take_out(path, tmp_path).events == COUNT


def test_the_spare_room_is_enough_for_the_lists() -> None:
    """Of 5,000 parts, which hold 5 GB."""
    assert 5_000 * len('  "00000001.ndj": "",\n' + "0" * 64) < module.SPARE_BYTES
