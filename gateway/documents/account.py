"""Says what becomes of documents: an event and a line in the log, and each refusal once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.clock import Clock
from gateway.documents.document import NAMES, Document
from gateway.events import DocumentState, Draft, document
from gateway.limits import Bucket

_log = logging.getLogger(__name__)


class Account:
    """Through `note`, which records."""

    def __init__(self, clock: Clock, note: Callable[[Draft], Awaitable[None]]) -> None:
        self._clock = clock
        self._note = note
        self._refused: dict[str, tuple[str, str]] = {}
        self._events = Bucket(10, 1 / 60, asyncio.get_running_loop().time)

    async def applied(self, name: str, version: str) -> None:
        """This version is in force."""
        _log.info("%s %s is in force", name, version)
        self._refused.pop(name, None)
        await self._tell(name, version, DocumentState.APPLIED, None)

    async def refused(self, name: str, version: str | None, why: str) -> None:
        """It is not taken. A retained one comes again with every connection."""
        known = self._refused.get(name)
        if name not in NAMES or known == (version or "", why):
            return
        self._refused[name] = version or "", why
        if self._events.take():
            _log.warning("%s %s is refused: %s", name, version or "", why)
            await self._tell(name, version, DocumentState.REFUSED, why)

    async def rolled_back(self, name: str, version: str, why: str) -> None:
        """This version is not in force any more."""
        _log.warning("%s %s is rolled back: %s", name, version, why)
        await self._tell(name, version, DocumentState.ROLLED_BACK, why)

    async def expired(self, found: Document, why: str) -> None:
        """It is used on, for want of a newer one."""
        _log.warning("%s %s: %s", found.name, found.version, why)
        await self._tell(found.name, found.version, DocumentState.EXPIRED, why)

    async def _tell(
        self, name: str, version: str | None, state: DocumentState, why: str | None
    ) -> None:
        await self._note(document(name, version, state, why, self._clock.now()))
