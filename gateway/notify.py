"""What the service manager is told: ready, alive, stopping; nothing where none asks for it."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import NoReturn, Self

from gateway.turns import Turns

_log = logging.getLogger(__name__)

_UNWATCHED_S = 60.0
"""Stands for the watchdog's time where there is none, so that the status is told anew."""
_LOOKS = 10
"""Until a part that does not come round is named in the log."""


class ServiceManager:
    """The other end of $NOTIFY_SOCKET, see sd_notify(3); deaf if `address` is None.

    `watchdog_s`: it kills what says nothing for so long; None if it does not.
    """

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self._address = address

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ, pid: int | None = None) -> Self:
        """As the `environment` of the process `pid`, by default this one, says."""
        meant = environment.get("WATCHDOG_PID") in (None, str(pid or os.getpid()))
        time_us = environment.get("WATCHDOG_USEC", "") if meant else ""
        watched = time_us.isdecimal() and int(time_us) > 0
        return cls(
            environment.get("NOTIFY_SOCKET") or None, int(time_us) / 1e6 if watched else None
        )

    def tell(self, *lines: str) -> bool:
        """Say these assignments at once, and never wait; whether they were taken.

        What a line break in one would begin is no assignment of ours.
        """
        if self._address is None:
            return False
        name = self._address
        address = f"\0{name[1:]}" if name.startswith("@") else name
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.setblocking(False)
                message = "\n".join(" ".join(line.splitlines()) for line in lines)
                way.sendto(message.encode(errors="replace"), address)
        except OSError as error:
            _log.debug("the service manager on %s takes nothing: %s", name, error)
            return False
        return True


class Watchdog:
    """Tells the service manager that the gateway is ready and alive, as long as all of `parts`
    come round.

    A part that waits for others is excused as long as these have time, and one that waits for the
    disk while `disk_s`, the seconds for which the disk has had a call, says that it does.
    """

    SLOW_DISK_S = 1.0
    """A disk that is well answers within this."""
    DEAD_DISK_S = 300.0
    """Longer than a kernel goes on trying: five times the 30 s that a USB or SATA disk is given,
    and ten that an SD card is."""

    def __init__(
        self,
        manager: ServiceManager,
        parts: Mapping[str, Turns],
        disk_s: Callable[[], float],
        status: Callable[[], str],
    ) -> None:
        self._manager = manager
        self._parts = parts
        self._disk_s = disk_s
        self._status = status
        self._every_s = (manager.watchdog_s or _UNWATCHED_S) / 3

    async def run(self) -> NoReturn:
        """Ask every part for a turn, say that all have come round, and again; until cancelled."""
        while True:
            async with asyncio.TaskGroup() as asked:
                for name, turns in self._parts.items():
                    asked.create_task(self._wait_for(name, turns))
            self._manager.tell("READY=1", f"STATUS={self._status()}", "WATCHDOG=1")
            await asyncio.sleep(self._every_s)

    async def _wait_for(self, name: str, turns: Turns) -> None:
        """Return when the part has come round, or is excused."""
        turn = asyncio.ensure_future(turns.next())
        looks = 0
        try:
            while not (turn.done() or turns.excused or self._disk_is_slow()):
                await asyncio.wait([turn], timeout=self._every_s / _LOOKS)
                looks += 1
                if looks == _LOOKS and not turn.done():
                    _log.error("the %s has not come round for %.0f s", name, self._every_s)
        finally:
            turn.cancel()

    def _disk_is_slow(self) -> bool:
        return self.SLOW_DISK_S <= self._disk_s() < self.DEAD_DISK_S
