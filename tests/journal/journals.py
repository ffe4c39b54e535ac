"""Journals on real files, events to put in them, and what can be seen of them from outside."""

import random
import resource
import sqlite3
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from drivers.base import DeviceState
from gateway.clock import Clock
from gateway.config import JournalConfig
from gateway.events import DeviceData, Draft, Kind
from gateway.journal import Journal

SOURCE = "/gateways/410102011003007"
CLOCK = Clock(synchronised=lambda: True)


def note(number: int, *, alarm: bool = False, padding: int = 0, noise: int = 0) -> Draft:
    """An event that can be told from others by ``number`` in its body.

    ``padding`` makes it longer, ``noise`` in such a way that compression does not help.
    """
    reason = f"note-{number}-" + "x" * padding + random.Random(number).randbytes(noise // 2).hex()
    data = DeviceData(
        device="cam", driver="camera", state=DeviceState.ONLINE, reason=reason, measured=None
    )
    return Draft(Kind.DEVICE, "device/cam", CLOCK.now(), data, alarm)


@asynccontextmanager
async def opened(
    path: Path, *, config: JournalConfig | None = None, clock: Clock = CLOCK
) -> AsyncIterator[Journal]:
    journal = await Journal.open(path, source=SOURCE, clock=clock, config=config)
    try:
        yield journal
    finally:
        await journal.close()


def marked(path: Path) -> None:
    """As if the journal had noted just now how far it has come."""
    now = CLOCK.now()
    [(newest,)] = query(path, "SELECT max(seq) FROM event")
    moment = now.boot, now.mono_ns // 1_000_000, now.wall_ms
    query(path, "INSERT INTO mark VALUES (?, ?, ?, ?)", newest, *moment)


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Writes past ``size`` fail, as on a failing disk; the kernel's own limit, not a stand-in."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


async def filled(journal: Journal, count: int) -> None:
    await journal.append([note(number) for number in range(1, count + 1)])


def confirm(journal: Journal, seqs: Iterable[int]) -> None:
    for seq in seqs:
        journal.confirm_range(seq, seq)


async def seqs(journal: Journal, after: int = 0, upto: int | None = None) -> list[int]:
    rows = await journal.read(after, upto=upto, max_rows=10_000, max_bytes=1 << 30)
    return [row.seq for row in rows]


def query(path: Path, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
    """Run ``sql`` in a connection of its own and commit it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql, arguments).fetchall()


def wal_commits(path: Path) -> int:
    """Transactions in the write-ahead log (https://sqlite.org/fileformat2.html#walformat).

    A frame is 24 bytes and a page; the second number is not zero where a commit ends. Frames of
    an earlier round carry another salt.
    """
    wal = path.with_name(f"{path.name}-wal").read_bytes()
    (page_bytes,) = struct.unpack_from(">I", wal, 8)
    salts = wal[16:24]
    frames = [wal[at : at + 24] for at in range(32, len(wal), 24 + page_bytes)]
    current = [frame for frame in frames if frame[8:16] == salts]
    return sum(struct.unpack_from(">I", frame, 4)[0] != 0 for frame in current)
