"""Journals as a crash leaves them, and everything that can happen to their files."""

import asyncio
import json
import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.journal import Journal
from tests.journal.journals import note, opened, query

ROWS = 3000
PAGE = 1024
_ID = re.compile(rb'\{"specversion":"1\.0","id":"[a-z2-7]{8}-([0-9]+)"')


@dataclass(frozen=True)
class Wreck:
    """A journal of `rows` events: `path`, with log and witness as after kill -9."""

    path: Path
    epoch: str
    rows: int
    bodies: dict[int, bytes]

    @property
    def log(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    @property
    def shm(self) -> Path:
        return self.path.with_name(f"{self.path.name}-shm")

    def copied(self, directory: Path) -> "Wreck":
        for part in self.path.parent.glob(f"{self.path.name}*"):
            shutil.copy(part, directory)
        return Wreck(directory / self.path.name, self.epoch, self.rows, self.bodies)

    def whole(self) -> set[int]:
        """The numbers of events whose bytes still stand in one of the files."""
        raw = b"".join(part.read_bytes() for part in (self.path, self.log) if part.exists())
        found = ((int(match[1]), match.start()) for match in _ID.finditer(raw))
        return {
            seq for seq, at in found if seq in self.bodies and raw.startswith(self.bodies[seq], at)
        }


async def wrecked(directory: Path, *, logged: int) -> Wreck:
    """A journal that was killed after `logged` commits that are only in its log."""
    made, path = directory / "made.db", directory / "journal.db"
    async with opened(made) as journal:
        # Long ones among them, which spill over into other pages.
        rows = await journal.append([note(n, padding=n % 50 // 49 * 2000) for n in range(ROWS)])
    async with opened(made) as journal:
        for number in range(logged):
            rows += await journal.append([note(number)])
        for part in ("", "-wal", "-shm", "-witness"):
            shutil.copy(f"{made}{part}", f"{path}{part}")
        epoch = journal.epoch
    if not logged:
        for part in ("-wal", "-shm"):
            os.unlink(f"{path}{part}")
    bodies = {row.seq: row.body for row in rows}
    return Wreck(path, epoch, len(rows), bodies)


@dataclass(frozen=True)
class Account:
    """What became of the events of a wreck: by number, in its successor's file."""

    saved: set[int]
    given_up: set[int]
    fresh_life: bool

    @property
    def told(self) -> set[int]:
        return self.saved | self.given_up


async def settled(wreck: Wreck, journal: Journal, deadline_s: float = 60) -> Account:
    """The account, as soon as every event of the wreck is in it."""
    async with asyncio.timeout(deadline_s):
        while True:
            await asyncio.sleep(0.02)
            condition = journal.condition
            if condition.salvaging or condition.check in ("not checked yet", "under way"):
                continue
            account = await _account(wreck, journal)
            if len(account.told) >= wreck.rows:
                return account


async def _account(wreck: Wreck, journal: Journal) -> Account:
    carried = await journal.carried.next(0, max_rows=10_000, max_bytes=1 << 30)
    ours = [row for row in carried if row.epoch == wreck.epoch and row.seq in wreck.bodies]
    assert all(wreck.bodies[row.seq] == row.body for row in ours)
    saved = {row.seq for row in ours}
    fresh_life = journal.epoch != wreck.epoch
    given_up: set[int] = set()
    for row in await journal.read(0, max_rows=10_000, max_bytes=1 << 30):
        event = json.loads(row.body)
        if event["type"] == "checkpoint.gap.v1" and event["data"].get("epoch") == wreck.epoch:
            assert event["data"]["why"] == "corrupt"
            given_up |= set(range(event["data"]["from"], event["data"]["to"] + 1))
        elif not fresh_life and row.seq in wreck.bodies:
            saved.add(row.seq)
    return Account(saved, given_up, fresh_life)


Damage = Callable[[Wreck], object]


def overwrite(part: str, at: int, new: bytes) -> Damage:
    """Put `new` at `at`, counted from the end if negative, of the file or its `-wal`, `-shm`."""

    def damage(wreck: Wreck) -> None:
        path = wreck.path.with_name(wreck.path.name + part)
        with path.open("r+b") as file:
            file.seek(at, os.SEEK_SET if at >= 0 else os.SEEK_END)
            file.write(new)

    return damage


def cut(part: str, size: Callable[[int], int]) -> Damage:
    """Shorten a file to `size` of its size."""

    def damage(wreck: Wreck) -> None:
        path = wreck.path.with_name(wreck.path.name + part)
        os.truncate(path, size(path.stat().st_size))

    return damage


def flip(part: str, at: Callable[[bytes], int]) -> Damage:
    """Turn one bit over, where `at` says."""

    def damage(wreck: Wreck) -> None:
        path = wreck.path.with_name(wreck.path.name + part)
        raw = bytearray(path.read_bytes())
        raw[at(bytes(raw))] ^= 4
        path.write_bytes(raw)

    return damage


def sql(statement: str) -> Damage:
    """Have SQLite itself do it, cleanly."""
    return lambda wreck: query(wreck.path, statement)


def garbage(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def every_64th_page(wreck: Wreck) -> None:
    raw = bytearray(wreck.path.read_bytes())
    for at in range(PAGE * 64, len(raw), PAGE * 64):
        raw[at : at + PAGE] = bytes(PAGE)
    wreck.path.write_bytes(raw)


def foreign_log(wreck: Wreck) -> None:
    """The log of another database with pages of the same size."""
    other = wreck.path.with_name("other.db")
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE song (title TEXT)")
        for number in range(100):
            connection.execute("INSERT INTO song VALUES (?)", (f"{number}" * 300,))
        shutil.copy(f"{other}-wal", wreck.log)


def page_of_type(kind: int, nth: int) -> Callable[[bytes], int]:
    """Where the `nth` page begins whose first byte is `kind`: 13 a leaf of a table, 5 above it."""
    return lambda raw: [at for at in range(PAGE, len(raw), PAGE) if raw[at] == kind][nth]


def shifted(at: Callable[[bytes], int], by: int) -> Callable[[bytes], int]:
    return lambda raw: at(raw) + by
