"""A serial cable to unplug: a pty behind a path that stays the same while the pty does not."""

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_LOOK_AGAIN_S = 0.02
"""How often a port that nobody has open is looked at; while it is closed it reads as hung up."""

_BAUD = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}


class Cable:
    """The device's end of a serial line whose other end is opened at ``link``.

    ``received`` is called in the loop with the bytes that come from the other end.
    """

    def __init__(self, link: Path, received: Callable[[bytes], None]) -> None:
        self.link = link
        self._received = received
        self._master: int | None = None
        self._in_use = False
        self._look: asyncio.TimerHandle | None = None

    @property
    def plugged(self) -> bool:
        """Whether the port is there to be opened."""
        return self._master is not None

    @property
    def baud(self) -> int:
        """The speed the other end has set; 0 if unplugged or set to something unusual."""
        if self._master is None:
            return 0
        return _BAUD.get(termios.tcgetattr(self._master)[tty.OSPEED], 0)

    def plug(self) -> None:
        """Let the port appear."""
        if self._master is not None:
            return
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(slave)
        fresh = self.link.with_name(self.link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self.link)
        os.close(slave)
        self._watch_for_user()

    def unplug(self) -> None:
        """Let the port vanish; who has it open sees a hang-up."""
        if self._master is None:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        if self._look:
            self._look.cancel()
        self.link.unlink(missing_ok=True)
        os.close(self._master)
        self._master, self._in_use = None, False

    def send(self, data: bytes) -> None:
        """Send to the other end; like on a wire, what nobody takes is lost."""
        if self._master is not None and self._in_use:
            with suppress(BlockingIOError):
                os.write(self._master, data)

    def _watch_for_user(self) -> None:
        loop = asyncio.get_running_loop()
        self._on_readable()
        if self._master is not None and not self._in_use:
            self._look = loop.call_later(_LOOK_AGAIN_S, self._watch_for_user)

    def _on_readable(self) -> None:
        if self._master is None:
            return
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            data = b""
        except OSError:  # EIO: nobody has it open
            self._on_closed()
            return
        if not self._in_use:
            self._in_use = True
            asyncio.get_running_loop().add_reader(self._master, self._on_readable)
        if data:
            self._received(data)

    def _on_closed(self) -> None:
        # A new pty for each user: unlike a real port, this one would stay exclusive for whoever
        # was killed while holding it.
        if self._in_use:
            self.unplug()
            self.plug()
