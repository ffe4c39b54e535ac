"""Commits on a disk that may fail: each is repeated until it is known to be done."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from gateway.errors import JournalError
from gateway.journal import records
from gateway.journal.damage import DamageError
from gateway.journal.records import Ledger
from gateway.journal.store import Store
from gateway.journal.witness import Claim

_log = logging.getLogger(__name__)

RETRY_AFTER_S = (0.01, 0.1, 0.5)
_PRESSING_BYTES = 128 << 10
"""Appended since the bounds were last looked at; less than the headroom of the smallest journal."""

Work = Callable[[sqlite3.Connection], object]
"""What is done within one transaction."""


class FullError(JournalError):
    """There is no room, and somebody waits who makes some."""


class Commits:
    """The writer's way to the disk, and what it has met there."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self.failing: str | None = None
        """What the disk said when it last refused a commit; None when it took one since."""
        self._store = store
        self._ledger = ledger
        self._pressed = asyncio.Event()
        self._unchecked = 0

    @property
    def hold(self) -> int:
        """Which opening of the file is written to."""
        return self._store.hold

    async def commit(self, work: Work, claim: Claim, *, room_is_made: Callable[[], bool]) -> None:
        """Do ``work``, with the same numbers and bytes, until it is known to be done.

        Raises:
            FullError: there is no room, and ``room_is_made`` by something that can go first.
            DamageError: the file is damaged.
            JournalError: it is not done, for all that is known.
        """
        for delay in (*RETRY_AFTER_S, None):
            try:
                await self._store.write(work, claim)
            except sqlite3.DatabaseError as error:
                self.note(error)
                if _is_full(error) and room_is_made():
                    raise FullError("There is no room in the journal.") from error
                if delay is None:
                    await self._try_to_regain()
                    raise JournalError(f"The journal cannot be written: {error}.") from error
                await asyncio.sleep(delay)
            else:
                break
        if self.failing:
            _log.info("The journal can be written again")
        self.failing = None

    def appended(self, size: int) -> None:
        """So many bytes of events more are in the file."""
        self._unchecked += size
        if self._unchecked > _PRESSING_BYTES:
            self._pressed.set()

    async def wait_pressed(self, timeout_s: float) -> None:
        """Return when the journal's bounds need a look: the disk fails, or much was appended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._pressed.wait()
        self._pressed.clear()
        self._unchecked = 0

    def note(self, error: Exception) -> None:
        """The disk takes nothing, and says so in these words."""
        if not self.failing:
            _log.warning("The journal cannot be written: %s", error)
        self.failing = str(error)
        self._pressed.set()

    async def regain(self) -> None:
        """Follow the file to where its disk is mounted again, if that was away.

        Raises:
            DamageError: it is damaged, or another one.
            JournalError, OSError, sqlite3.DatabaseError: it is not back.
        """
        if self._store.attached:
            return
        if not await self._store.reattach():
            raise JournalError("The disk of the journal is not back.")
        found = await self._store.read(records.load)
        if found.epoch != self._ledger.epoch:
            raise DamageError("what is on the disk now is not what was there")
        # A commit that failed may have come back: nobody was told of it.
        await self._store.write(partial(records.forget, self._ledger.last_seq))
        self._ledger.damaged.clear()  # they were read from a disk that was failing
        # Rows that the disk had said to have and has not are found missing when they are wanted.

    async def _try_to_regain(self) -> None:
        """The next commit will show."""
        try:
            await self.regain()
        except DamageError:
            raise
        except (JournalError, OSError, sqlite3.DatabaseError) as error:
            _log.debug("The disk of the journal is not back: %s", error)


def _is_full(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
