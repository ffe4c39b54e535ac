"""The database file: who may open it, how it is set up, its schema, and transactions in it."""

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Self, TypeVar, cast

import aiosqlite

from gateway.errors import JournalError
from gateway.journal.aside import complete, set_aside
from gateway.journal.ballast import Ballast
from gateway.journal.calls import Calls
from gateway.journal.damage import DamageError, is_damage
from gateway.journal.fitness import refuse_unfit
from gateway.journal.schema import MIGRATIONS, migrate
from gateway.journal.witness import Claim, Witness

_log = logging.getLogger(__name__)

T = TypeVar("T")

# Bytes that reach the disk per 410-byte event, committed alone and in tens, on ext4 with blocks of
# 1 kB and of 4 kB: pages of 1 kB 4,500 and 1,500, 7,700 and 1,900; of 4 kB 7,500 and 2,700, 10,700
# and 3,100. Pages of 512 bytes save 400 of the first, but a longer event would spill out of them.
# A commit never costs less than a block and a bit: a card is best formatted with blocks of 1 kB.
_PAGE_BYTES = 1024
_WAL_PAGES = 1024
LOG_BYTES = 4 << 20
"""The log is emptied at 1 MB; what a slow reader of another process made it grow beyond this is cut
off once that is gone."""

_PRAGMAS = (
    f"PRAGMA page_size = {_PAGE_BYTES}",
    # Lets a purge give its space back in small steps, without the second copy VACUUM needs; the
    # pages that map the others cost 250 bytes per event committed alone.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_mode = WAL",
    f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}",
    f"PRAGMA journal_size_limit = {LOG_BYTES}",
)


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that leaves no thread behind, and runs a whole function in its own.

    So a transaction is plain code: no cancellation and no other task can get in between.
    """

    def __init__(
        self,
        connector: Callable[[], sqlite3.Connection],
        iter_chunk_size: int,
        calls: Calls | None = None,
    ) -> None:
        super().__init__(connector, iter_chunk_size)
        self._calls = calls or Calls()

    async def __aenter__(self) -> Self:
        """As aiosqlite's, which does not wait for its thread when opening fails or is cancelled;
        that would answer to a loop that has ended."""
        opening = asyncio.ensure_future(super().__aenter__())
        async with AsyncExitStack() as unopened:
            unopened.push_async_callback(self._give_up, opening)
            await asyncio.shield(opening)
            unopened.pop_all()
        return self

    async def _give_up(self, opening: asyncio.Future[aiosqlite.Connection]) -> None:
        await asyncio.gather(opening, return_exceptions=True)
        await self.close()
        self._thread.join()  # it has been told to end, and has nothing else to do

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of ``work``, which gets the plain connection."""

        def timed(connection: sqlite3.Connection) -> T:
            with self._calls.under_way():
                return work(connection)

        return cast(T, await self._execute(timed, self._conn))  # type: ignore[no-untyped-call]


class Store:
    """One process's hold on a journal file: the lock, one writing and one reading connection."""

    def __init__(self, path: Path, held: ExitStack) -> None:
        self.path = path
        self.hold = 0
        """Which opening of the file this is; what was said of it before counts no more."""
        self.calls = Calls()
        """What the disk is busy with."""
        self._held = held
        self._witness = Witness(path)
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._file: tuple[int, int] | None = None
        self._folder: tuple[int, int] | None = None

    @classmethod
    async def open(cls, path: Path) -> "Store":
        """Open or create the journal file ``path``; a damaged one is set aside and a new one made.

        Raises:
            JournalError: in use, not a journal, newer than this program, or out of reach.
        """
        with ExitStack() as held:
            held.enter_context(_locked(path))
            store = cls(path, held)
            try:
                if aside := complete(path):
                    _log.error("The journal was gone; what it left is kept as %s", aside.path.name)
                refuse_unfit(path)
                Ballast(path).relieve()  # SQLite cannot even open a log on a full disk
                await store._connect()
            except DamageError as damage:
                await store.renew(str(damage))
            except OSError as error:
                raise _out_of_reach(path, error) from error
            store._held = held.pop_all()
        return store

    async def renew(self, why: str) -> None:
        """Set the file aside because it is damaged, and begin a new one.

        Raises:
            JournalError: there is no journal now; unless its disk is `away`, this may be tried
                again.
        """
        await self._disconnect()
        if self._folder and self._folder != _identity(self.path.parent):
            self._let_go()
            raise _gone(self.path)
        try:
            aside = set_aside(self.path)
        except OSError as error:
            self._let_go()
            raise _out_of_reach(self.path, error) from error
        _log.error(
            "The journal is damaged: %s. It is kept as %s, and a new one is begun",
            why,
            aside.path.name,
        )
        await self._connect()

    @property
    def attached(self) -> bool:
        """Whether the file in use is the one at the path; its disk can be taken away."""
        return self._file is not None and self._file == _identity(self.path)

    @property
    def away(self) -> bool:
        """Whether nothing is held of the file any more, until `reattach` finds it again."""
        return self._file is None

    async def reattach(self) -> bool:
        """Let go of a file that is not attached; whether it is back, and in use again.

        As long as we hold a file of it nobody can repair it or mount it again.

        Raises:
            DamageError: there is a file again, and it is damaged.
            JournalError, OSError: it cannot be opened yet.
        """
        if self.attached:
            return False
        await self._disconnect()
        self._let_go()
        if _identity(self.path) is None:
            return False
        self._folder = _identity(self.path.parent)  # the same disk may have another number now
        self._held.enter_context(_locked(self.path))
        refuse_unfit(self.path)
        await self._connect()
        _log.info("The disk of the journal is there again")
        return True

    async def write(self, work: Callable[[sqlite3.Connection], T], claim: Claim | None = None) -> T:
        """Run ``work`` in a transaction; durable when this returns, and ``claim`` witnessed.

        Raises:
            DamageError: there is no journal, or it is damaged; nothing is done.
            sqlite3.DatabaseError: the outcome is unknown; ``work`` may be done or not.
        """

        def durable(connection: sqlite3.Connection) -> T:
            result = _in_transaction(connection, work)
            if claim:
                self._witness.note(claim)
            return result

        if self._file is None:
            raise sqlite3.OperationalError("its disk is gone")
        if self._writer is None:
            raise DamageError("there is no journal")
        try:
            return await self._writer.run(durable)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise DamageError(str(error)) from error
            raise

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work``, which only reads.

        Raises:
            DamageError: there is no journal, or it is damaged.
            JournalError: the file cannot be read there.
        """
        if self._file is None:
            raise _gone(self.path)
        if self._reader is None:
            raise DamageError("there is no journal")
        try:
            return await self._reader.run(work)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise DamageError(str(error)) from error
            raise JournalError(f"The journal {self.path} cannot be read: {error}.") from error

    async def close(self) -> None:
        """Close both connections and let go of the lock."""
        try:
            await self._disconnect()
        finally:
            self._held.close()

    async def _connect(self) -> None:
        async with AsyncExitStack() as opened:
            # A reader of its own: the next batch does not queue behind a commit's fsync.
            writer, reader = (_connection(self.path, self.calls) for _ in range(2))
            try:
                await opened.enter_async_context(writer)
                await writer.run(_prepare)
                await opened.enter_async_context(reader)
                await reader.run(_make_read_only)
            except sqlite3.DatabaseError as error:
                if is_damage(error):
                    raise DamageError(str(error)) from error
                raise JournalError(f"The journal {self.path} cannot be opened: {error}.") from error
            opened.pop_all()
        self._writer, self._reader = writer, reader
        self.hold += 1
        self._file, self._folder = _identity(self.path), _identity(self.path.parent)

    def _let_go(self) -> None:
        self._file = None
        self._held.close()

    async def _disconnect(self) -> None:
        writer, reader = self._writer, self._reader
        self._writer = self._reader = None
        for connection in (reader, writer):
            if connection is not None:
                await connection.close()
        self._witness.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is at `path` at present."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the journal for this process; the lock goes with the process, however it ends.

    A file beside the journal: closing a descriptor of the database itself would drop the locks
    that SQLite holds on it.
    """
    with ExitStack() as opened:
        try:
            lock = opened.enter_context(path.with_name(f"{path.name}.lock").open("ab"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalError(f"The journal {path} is in use by another process.") from error
        except OSError as error:
            raise _out_of_reach(path, error) from error
        yield


def _gone(path: Path) -> JournalError:
    return JournalError(f"The disk of the journal {path} is gone.")


def _out_of_reach(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"The journal {path} cannot be opened: {os.strerror(error.errno or 0).lower()}."
    )


def _connection(path: Path, calls: Calls) -> Connection:
    # No implicit transactions: every BEGIN and COMMIT is written in this file.
    return Connection(lambda: sqlite3.connect(path, isolation_level=None), 64, calls)


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    synchronous = _number(connection, "PRAGMA synchronous")
    if mode != "wal" or synchronous != 2:  # https://sqlite.org/pragma.html: 2 is FULL
        raise JournalError(
            "The journal's file system does not allow a write-ahead log with full"
            f" synchronisation (got {mode}, {synchronous}); is it a network drive?"
        )
    for version in range(_number(connection, "PRAGMA user_version"), len(MIGRATIONS)):
        _in_transaction(connection, partial(migrate, version))


def _number(connection: sqlite3.Connection, query: str) -> int:
    return cast(int, connection.execute(query).fetchone()[0])


def _make_read_only(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")
    connection.text_factory = bytes  # rotten text need not be UTF-8, and would fail the whole read


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result
