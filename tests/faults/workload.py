"""A process that uses a journal and says what it has been promised: `NAME JOURNAL SAID [MUTANT]`.

What is said are records of 16 bytes: a word and a number. `begin` is said when the preparations
are done: only crashes after it are of interest.
"""

import asyncio
import json
import os
import sqlite3
import struct
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from gateway.clock import Clock
from gateway.journal import Journal, Row, schema
from tests.faults.mutants import Mutant, mutated
from tests.journal.boxes import Box, corrected
from tests.journal.journals import CLOCK, SOURCE, filled, marked, note, opened

_SAYING = struct.Struct("<8sq")
Say = Callable[[str, int], None]


def heard(said: bytes) -> tuple[str, int]:
    """Word and number of one record."""
    word, number = _SAYING.unpack(said)
    return word.rstrip(b"\0").decode(), number


async def record(journal: Journal, say: Say, first: int, count: int) -> None:
    """Append events together and say that they are durable."""
    rows = await journal.append([note(number) for number in range(first, first + count)])
    say("recorded", rows[-1].seq)


async def accept(path: Path, say: Say) -> None:
    """From nothing: single events, a group, the end."""
    say("begin", 0)
    async with opened(path) as journal:
        for number in range(1, 7):
            await record(journal, say, number, 1)
        await record(journal, say, 7, 10)
        await record(journal, say, 17, 1)


async def confirm(path: Path, say: Say) -> None:
    """Confirmations in and out of order, by themselves and together with events; sessions."""
    async with opened(path) as journal:
        await filled(journal, 12)
    say("recorded", 12)
    say("begin", 0)
    async with opened(path) as journal:
        say("session", await journal.next_session())
        for seqs in ([1, 2], [5, 6], [3, 4], [8, 11]):
            for seq in seqs:
                say("delivers", seq)
                journal.confirm_range(seq, seq)
            if journal.delivery.count < 8:
                await record(journal, say, journal.last_seq + 1, 1)
        say("session", await journal.next_session())


async def fill(path: Path, say: Say) -> None:
    """As much as makes the log begin anew: checkpoints while the journal is in use."""
    async with opened(path) as journal:
        await filled(journal, 1700)
        say("recorded", 1700)
        say("begin", 0)
        for number in range(1701, 1710):
            await record(journal, say, number, 1)


async def migrate(path: Path, say: Say) -> None:
    """From the first version of the tables to the latest, at the opening."""
    async with opened(path) as journal:
        await filled(journal, 20)
    with closing(sqlite3.connect(path)) as connection:
        for table in schema.TABLES[-1] - schema.TABLES[1]:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("PRAGMA user_version = 1")
    say("recorded", 20)
    say("begin", 0)
    async with opened(path) as journal:
        await record(journal, say, 21, 1)


async def purge(path: Path, say: Say) -> None:
    """Delivered events that are older than they have to be are deleted, behind the scenes."""
    async with opened(path) as journal:
        await filled(journal, 30)
    marked(path)
    say("recorded", 30)
    later = Clock(mono_ns=lambda: time.monotonic_ns() + 15 * 86_400 * 10**9)
    journal = await Journal.open(path, source=SOURCE, clock=later)
    for seq in range(1, 16):
        say("delivers", seq)
    say("begin", 0)
    journal.confirm_range(1, 15)  # so few wait for the next commit
    async with asyncio.timeout(30):
        while journal.counts().first_seq <= 15:
            await asyncio.sleep(0.01)
    await record(journal, say, 31, 1)
    await journal.close()


async def redate(path: Path, say: Say) -> None:
    """The clock becomes right when some of what was recorded may have been sent."""
    box = Box()
    box.clock = box.booted(CLOCK.boot)
    async with opened(path, clock=box.clock) as journal:
        await journal.append(box.notes(*range(1, 31)))
        say("recorded", 30)
        say("begin", 0)
        for seq in (30, 1, 2, 12):
            await journal.dating.seal([seq])
            await _send(journal, say, seq)
        box.comes_right()
        await corrected(journal)
        for seq in (3, 20):
            await _send(journal, say, seq)
        await record(journal, say, 31, 1)


async def _send(journal: Journal, say: Say, seq: int) -> None:
    """Say what would be sent: from now on it is this for ever."""
    [row] = await journal.read(seq - 1, upto=seq, max_rows=1, max_bytes=1 << 20)
    say("sends", seq << 32 | zlib.crc32(row.body))


async def set_aside(path: Path, say: Say) -> None:
    """A journal whose header is damaged makes way for a new one, and its rows are carried over."""
    async with opened(path) as journal:
        await filled(journal, 30)
        for seq in range(1, 11):
            say("delivers", seq)
        journal.confirm_range(1, 10)
    say("recorded", 30)
    with path.open("r+b", buffering=0) as file:
        file.write(bytes(100))
        os.fsync(file)
    say("damaged", 0)
    say("begin", 0)
    async with opened(path) as journal:
        await at_rest(journal)
        await record(journal, say, journal.last_seq + 1, 1)


async def at_rest(journal: Journal) -> None:
    """Wait until what goes on behind the scenes after an opening is done."""
    async with asyncio.timeout(30):
        while journal.condition.check in ("not checked yet", "under way"):
            await asyncio.sleep(0.001)


def number_of(row: Row) -> int:
    """Which `note` it is."""
    return int(json.loads(row.body)["data"]["reason"].split("-")[1])


WORKLOADS: dict[str, Callable[[Path, Say], Awaitable[None]]] = {
    each.__name__: each for each in (accept, confirm, fill, migrate, purge, redate, set_aside)
}


async def main(name: str, journal: Path, said: Path) -> None:
    with said.open("wb", buffering=0) as file:

        def say(word: str, number: int) -> None:
            os.write(file.fileno(), _SAYING.pack(word.encode(), number))

        await WORKLOADS[name](journal, say)


if __name__ == "__main__":
    with mutated(Mutant(sys.argv[4]) if len(sys.argv) > 4 else None):
        asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
