"""Troubles of the way up that somebody must act on, recorded as alarms of the gateway itself."""

import asyncio
import logging
from collections import deque
from typing import NoReturn

from gateway.clock import Clock
from gateway.errors import JournalError
from gateway.events import AlarmState, Draft, alarm, new_correlation
from gateway.journal import Journal

_log = logging.getLogger(__name__)

DENIED = "uplink-denied"
SET_ASIDE = "event-set-aside"
CERTIFICATE = "certificate-expires"

_RETRY_S = 5.0


class Alarms:
    """Raised once, cleared once; a journal that takes nothing delays them, and loses none."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.raised: dict[str, str] = {}
        """Those not cleared yet, with their reasons."""
        self._journal = journal
        self._clock = clock
        self._correlations: dict[str, str] = {}
        self._waiting: deque[Draft] = deque()
        self._news = asyncio.Event()

    def raise_(self, name: str, reason: str) -> None:
        """There is trouble; nothing if it is known."""
        if name not in self.raised:
            _log.warning("%s: %s", name, reason)
            self.raised[name] = reason
            self._correlations[name] = new_correlation()
            self._note(name, AlarmState.RAISED, reason, self._correlations[name])

    def clear(self, name: str) -> None:
        """The trouble is over; nothing if there was none."""
        if self.raised.pop(name, None) is not None:
            _log.info("%s: over", name)
            self._note(name, AlarmState.CLEARED, None, self._correlations.pop(name))

    async def run(self) -> NoReturn:
        """Record them, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                try:
                    await self._journal.append([self._waiting[0]])
                except JournalError:  # who owns the journal says so
                    await asyncio.sleep(_RETRY_S)
                else:
                    self._waiting.popleft()

    def _note(self, name: str, state: AlarmState, reason: str | None, correlation: str) -> None:
        now = self._clock.now()
        self._waiting.append(alarm(name, state, reason, "gateway", now, correlation))
        self._news.set()
