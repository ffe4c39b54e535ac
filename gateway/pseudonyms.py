"""The keys that pseudonyms are made with: a new one every few weeks, the former kept for as long.

Whoever gets hold of both records and key can try out who somebody is; so no key lives for long. The
former one only tells whether an admission slip, which is good for once, has been used before.

The file holds 32 bytes, the key; and behind them, once there has been a change, the former one and
when the key began, in milliseconds since 1970, 8 bytes in network order.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from struct import Struct as Layout
from typing import Final, NoReturn

from gateway import keys
from gateway.clock import Clock, Stamp, TimeQuality
from gateway.events import Pseudonyms

_log = logging.getLogger(__name__)

_SIZE: Final = Pseudonyms.KEY_BYTES
_LAYOUT: Final = Layout(f">{_SIZE}s{_SIZE}sq")
_NONE: Final = bytes(_SIZE)
_QUIET: Final = time(4)
"""Local: hardly anybody is on the way, who would be another afterwards."""


class Keyring:
    """The key in force and the former one."""

    LOOK_S = 60.0
    STEADY_S = 3600.0
    """A clock that has just been set may be set again: no key is given up for its word."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        self._pseudonyms, self._former, self._since_ms = _parts(content)

    @classmethod
    def open(cls, path: Path) -> "Keyring":
        """The keys in `path`; on the first start one is made.

        Raises:
            GatewayError: the file cannot be read or written, or is damaged.
        """
        return cls(path, keys.load_or_create(path, Pseudonyms.new_key, _SIZE, _LAYOUT.size))

    def token(self, payload: bytes) -> str:
        """See `Pseudonyms.token`."""
        return self._pseudonyms.token(payload)

    def former(self, payload: bytes) -> str | None:
        """The token by the former key; None if there is none."""
        return self._former.token(payload) if self._former else None

    def change_if_due(self, now: Stamp, days: int, zone: tzinfo | None) -> bool:
        """Change to a new key if this one is `days` old and it is past four in the morning in
        `zone` (None: that of this box); whether that was so.

        Raises:
            OSError: the disk does not take it; the key stays in force.
        """
        since_ms = self._since_ms
        if since_ms is None or since_ms > now.wall_ms:  # nobody knows, or by a wrong clock
            self._keep(self._key, self._former_key, now.wall_ms)
            return False
        if now.wall_ms < _due_ms(since_ms, days, zone):
            return False
        self._keep(Pseudonyms.new_key(), self._key, now.wall_ms)
        _log.info("there is a new key for pseudonyms; the one before the former is destroyed")
        return True

    async def keep(
        self,
        clock: Clock,
        days: Callable[[], int],
        zone: tzinfo | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> NoReturn:
        """Change it whenever it is due, as long as `clock` is right, and call `changed` then."""
        trouble = False
        while True:
            now = clock.now()
            if now.quality is not TimeQuality.UNSYNC and clock.steady(self.STEADY_S):
                try:
                    if self.change_if_due(now, days(), zone):
                        changed()
                    trouble = False
                except OSError as error:
                    if not trouble:
                        _log.warning("no new key for pseudonyms: %s", error.strerror)
                    trouble = True
            await asyncio.sleep(self.LOOK_S)

    @property
    def _key(self) -> bytes:
        return self._content[:_SIZE]

    @property
    def _former_key(self) -> bytes:
        return self._content[_SIZE : 2 * _SIZE] or _NONE

    def _keep(self, key: bytes, former: bytes, since_ms: int) -> None:
        content = _LAYOUT.pack(key, former, since_ms)
        keys.replace(self._path, content)
        self._content = content
        self._pseudonyms, self._former, self._since_ms = _parts(content)


def _parts(content: bytes) -> tuple[Pseudonyms, Pseudonyms | None, int | None]:
    if len(content) == _SIZE:
        return Pseudonyms(content), None, None
    key, former, since_ms = _LAYOUT.unpack(content)
    known = since_ms if since_ms >= 0 else None
    return Pseudonyms(key), Pseudonyms(former) if former != _NONE else None, known


def _due_ms(since_ms: int, days: int, zone: tzinfo | None) -> int:
    """The first quiet hour after `days` days."""
    last = datetime.fromtimestamp(since_ms / 1000, UTC) + timedelta(days=days)
    local = last.astimezone(zone)
    day = local.date() + timedelta(days=local.time() > _QUIET)
    return round(datetime.combine(day, _QUIET, zone).timestamp() * 1000)
