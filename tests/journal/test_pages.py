"""The reader of pages finds every record that is there, and takes any garbage without a word."""

import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.journal.pages import PAGE_BYTES, PageReader, Record

ROWS = [(n, None, f"text {n}", bytes([n % 251]) * (n * n % 7000), -(2**n)) for n in range(1, 60)]


def read(database: Path, log: Path | None = None) -> list[Record]:
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("rb")) for path in (database, log) if path]
        numbers = [file.fileno() for file in files]
        reader = PageReader(numbers[0], numbers[1] if log else None, columns=5)
        return [record for found in reader.portions() for record in found]


def made(path: Path, journal_mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute(f"PRAGMA journal_mode = {journal_mode}")
    connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c, d)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", ROWS)
    return connection


def as_read(row: tuple[int, None, str, bytes, int]) -> Record:
    key, nothing, text, blob, number = row
    return key, [None, nothing, text.encode(), blob, number]


def test_every_record_is_found(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with closing(made(path, "DELETE")):
        found = read(path)
    for row in ROWS:
        assert as_read(row) in found


def test_records_that_are_only_in_the_log_are_found(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with closing(made(path, "WAL")):
        found = read(path, tmp_path / "t.db-wal")
        for row in ROWS:
            assert as_read(row) in found


@given(st.binary(max_size=3 * PAGE_BYTES), st.binary(max_size=3 * PAGE_BYTES))
def test_garbage_is_no_trouble(database: bytes, log: bytes) -> None:
    files = [os.memfd_create("database"), os.memfd_create("log")]
    try:
        for file, content in zip(files, (database, log), strict=True):
            os.write(file, content)
        for _ in PageReader(files[0], files[1], columns=5).portions():
            pass
    finally:
        for file in files:
            os.close(file)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=60))
def test_a_real_database_with_any_bytes_changed_is_no_trouble(
    changes: list[tuple[int, int]],
) -> None:
    raw = bytearray(_SAMPLE)
    for at, byte in changes:
        raw[at % len(raw)] = byte
    file = os.memfd_create("database")
    try:
        os.write(file, raw)
        for _ in PageReader(file, None, columns=5).portions():
            pass
    finally:
        os.close(file)


def _sample() -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, a, b, c, d)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", ROWS[:30])
        return connection.serialize()


_SAMPLE = _sample()
