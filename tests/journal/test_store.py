"""Which files are taken for a journal, how one is set up, and who may have it."""

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import JournalError
from gateway.journal import Journal
from gateway.journal.store import Connection, Store
from tests.journal.journals import CLOCK, SOURCE, filled, opened, query, seqs


async def refusal(path: Path) -> str:
    with pytest.raises(JournalError) as refused:
        await Journal.open(path, source=SOURCE, clock=CLOCK)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def pragma(connection: sqlite3.Connection) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "page_size", "auto_vacuum", "wal_autocheckpoint")
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}


def database_threads() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if "connection_worker" in each.name}


async def test_every_commit_is_synchronised(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "journal.db")
    try:
        seen = await store.write(pragma)
    finally:
        await store.close()
    assert seen == {
        "journal_mode": "wal",
        "synchronous": 2,
        "page_size": 1024,
        "auto_vacuum": 2,
        "wal_autocheckpoint": 1024,
    }


async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO boot (name) VALUES ('half')")
        connection.execute("INSERT INTO nowhere VALUES (1)")

    store = await Store.open(tmp_path / "journal.db")
    try:
        with pytest.raises(sqlite3.OperationalError):
            await store.write(half)
        assert await store.read(lambda it: it.execute("SELECT * FROM boot").fetchall()) == []
        with pytest.raises(JournalError, match="cannot be read"):
            await store.read(lambda it: it.execute("DELETE FROM boot"))
    finally:
        await store.close()


async def test_a_newer_journal_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 10)
    query(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    assert "newer version" in await refusal(path)
    assert path.read_bytes() == before
    assert set(os.listdir(tmp_path)) == {"journal.db", "journal.db.lock", "journal.db-witness"}


async def test_a_newer_journal_left_by_a_crash_is_refused_and_untouched(tmp_path: Path) -> None:
    path, wal = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    async with opened(tmp_path / "source.db") as journal:
        await filled(journal, 10)
        with closing(sqlite3.connect(tmp_path / "source.db")) as other:
            other.execute("PRAGMA user_version = 99")
            path.write_bytes((tmp_path / "source.db").read_bytes())
            wal.write_bytes((tmp_path / "source.db-wal").read_bytes())
    before = path.read_bytes(), wal.read_bytes()
    assert "newer version" in await refusal(path)
    assert (path.read_bytes(), wal.read_bytes()) == before


async def test_a_second_opener_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        assert "in use" in await refusal(path)
        await filled(journal, 3)
    async with opened(path) as journal:
        assert await seqs(journal) == [1, 2, 3]


async def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    query(foreign, "CREATE TABLE song (title TEXT)")
    assert "another program" in await refusal(foreign)
    assert query(foreign, "SELECT name FROM sqlite_schema") == [("song",)]


async def test_places_out_of_reach_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "journal.db"
    assert "no such file or directory" in await refusal(missing)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "cannot be" in await refusal(folder)
    # Nobody may make files there, not even root.
    assert "permission denied" in await refusal(Path("/sys/journal.db"))


async def test_a_file_left_empty_by_a_crash_becomes_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    async with opened(path) as journal:
        await filled(journal, 1)
        assert journal.last_seq == 1
    halfway = tmp_path / "halfway.db"
    query(halfway, "PRAGMA journal_mode = WAL")
    async with opened(halfway) as journal:
        await filled(journal, 1)
        assert journal.last_seq == 1


async def test_a_connection_runs_work_in_one_piece() -> None:
    async with Connection(lambda: sqlite3.connect(":memory:"), iter_chunk_size=1) as connection:
        assert isinstance(connection, Connection)
        assert await connection.run(lambda it: it.execute("SELECT 42").fetchone()) == (42,)


@pytest.mark.parametrize("turns", range(4))
async def test_opening_given_up_leaves_no_thread(tmp_path: Path, turns: int) -> None:
    path = tmp_path / "journal.db"
    of_others = database_threads()  # one of the test before may just be ending
    opening = asyncio.create_task(Store.open(path))
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert database_threads() <= of_others
    async with opened(path):  # nor the lock
        pass


async def test_opening_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    of_others = database_threads()
    with pytest.raises(sqlite3.OperationalError):
        async with Connection(lambda: sqlite3.connect(tmp_path / "no" / "file"), iter_chunk_size=1):
            pass
    assert database_threads() <= of_others
