"""The one opener of serial ports: pyserial for the settings, the asyncio loop for the bytes."""

import asyncio
import errno
import fcntl
import logging
import os
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import serial
from pydantic import Field

from drivers.base import DeviceError

_log = logging.getLogger(__name__)

Baud = Annotated[int, Field(ge=300, le=4_000_000)]
"""Bits per second."""

Parity = Literal["N", "E", "O"]
"""None, even or odd, as the device's manual writes it: 8N1, 8E1, 8O1."""

_CHUNK = 4096  # bytes; the kernel holds at most 4095 for a reader
_TROUBLE = (OSError, termios.error)  # termios.error is no OSError, though it carries an errno

_WHY_NOT_OPENED = {
    errno.ENOENT: "does not exist: the adapter is not plugged in, or has another name",
    errno.EACCES: "may not be opened by this user, who needs the group that owns it",
    errno.EPERM: "may not be opened by this user, who needs the group that owns it",
    errno.EBUSY: "is in use by another program",  # by TIOCEXCL
    errno.EAGAIN: "is in use by another program",  # by flock
    errno.ENOTTY: "is not a serial port",
    errno.EISDIR: "is not a serial port",
}


class PortGoneError(DeviceError):
    """The port was there and is not any more."""


class SerialPort:
    """An open port: raw bytes, in and out. One reader and one writer at a time."""

    def __init__(self, name: str, fd: int, *, confidential: bool = False) -> None:
        self.name = name
        self.received = 0
        """How many bytes have been read."""
        self._confidential = confidential
        self._fd = fd
        self._unread = b""
        self._trouble: DeviceError | None = None
        self._news = asyncio.Event()
        self._watched = False

    async def read(self) -> bytes:
        """Wait for bytes and return what is there, at least one; a cancelled read loses none.

        Raises:
            PortGoneError: the port is gone.
        """
        while not self._unread:
            if self._trouble:
                raise self._trouble
            self._news.clear()
            self._watch()
            await self._news.wait()
        data, self._unread = self._unread, b""
        self.received += len(data)
        return data

    async def write(self, data: bytes) -> None:
        """Hand all of ``data`` to the kernel; waits while it cannot take more.

        Raises:
            PortGoneError: the port is gone.
        """
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s ← %s", self.name, self._shown(data))
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise self._gone(error) from error

    def discard_input(self) -> None:
        """Forget what has been received and not been read.

        Raises:
            PortGoneError: the port is gone.
        """
        self._unread = b""
        try:
            termios.tcflush(self._fd, termios.TCIFLUSH)
        except termios.error as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Give the port back."""
        self._unwatch()
        with suppress(OSError):  # an unplugged one cannot be asked, and needs not
            fcntl.ioctl(self._fd, termios.TIOCNXCL)
        os.close(self._fd)

    def _watch(self) -> None:
        # From one read to the next: anew for each, it was a fifth of what a box at rest does.
        if not self._watched:
            asyncio.get_running_loop().add_reader(self._fd, self._receive)
            self._watched = True

    def _unwatch(self) -> None:
        if self._watched:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._watched = False

    def _receive(self) -> None:
        if self._unread:  # nobody reads: the rest stays in the kernel, and the loop in peace
            self._unwatch()
            return
        try:
            self._unread = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
        else:
            if not self._unread:
                self._end(None)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("%s → %s", self.name, self._shown(self._unread))
        self._news.set()

    def _shown(self, data: bytes) -> str:
        return f"{len(data)} bytes" if self._confidential else data.hex(" ")

    def _end(self, error: OSError | None) -> None:
        self._unwatch()  # what hung up is readable for ever
        self._trouble = self._gone(error)
        self._trouble.__cause__ = error

    async def _writable(self) -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        loop.add_writer(self._fd, event.set)
        try:
            await event.wait()
        finally:
            loop.remove_writer(self._fd)

    def _gone(self, error: BaseException | None) -> PortGoneError:
        # A hang-up reads as the end of a file, a pulled adapter as EIO, ENODEV or ENXIO.
        why = f" ({os.strerror(error.args[0])})" if error else ""
        return PortGoneError(f"{self.name} is gone: unplugged, or its adapter failed{why}")


class _Unflushed(serial.Serial):
    """Opens without dropping what is there: it may be the code that was held up meanwhile."""

    def _reset_input_buffer(self) -> None:
        pass


@asynccontextmanager
async def opened(
    path: Path, *, baud: int, parity: Parity = "N", confidential: bool = False
) -> AsyncIterator[SerialPort]:
    """The port of :func:`open_port` for as long as the context lasts."""
    port = open_port(path, baud=baud, parity=parity, confidential=confidential)
    try:
        yield port
    finally:
        port.close()


def open_port(
    path: Path, *, baud: int, parity: Parity = "N", confidential: bool = False
) -> SerialPort:
    """The port at ``path``, 8 data bits, 1 stop bit, raw, ours alone, its input as it was.

    What goes over a ``confidential`` one is never logged: codes come from it, or keys go to it.

    Symbolic links are followed anew each time: after a replug they may lead elsewhere.

    Raises:
        DeviceError: it cannot be opened; the sentence says why.
    """
    settings = _Unflushed(
        baudrate=baud,
        parity=parity,
        exclusive=True,
        # Sets VMIN to 1: with 0, "nothing yet" and "hung up" would both read as b"".
        inter_byte_timeout=0,
    )
    settings.port = str(path)
    try:
        settings.open()
        # flock keeps out who asks for a lock, TIOCEXCL everybody but root.
        fcntl.ioctl(settings.fileno(), termios.TIOCEXCL)
        # The lock and the settings stay with the file; pyserial would keep two pipes besides, for
        # reads that we do not do, which is four descriptors for each of a box's eight ports.
        fd = os.dup(settings.fileno())
    except _TROUBLE as error:
        raise DeviceError(f"{path} {_why_not_opened(error)}") from error
    finally:
        settings.close()
    hand_on_at_once(path)
    return SerialPort(str(path), fd, confidential=confidential)


def hand_on_at_once(port: Path, sys_tty: Path = Path("/sys/class/tty")) -> None:
    """Set the latency timer of an adapter that has one, FTDI's, from 16 ms to 1.

    Answers of a few bytes otherwise wait for more. The udev rules do the same; without them and
    without the right it stays as it is, which is slower and not wrong.
    """
    timer = sys_tty / os.path.basename(os.path.realpath(port)) / "device" / "latency_timer"
    try:
        if timer.read_text().strip() != "1":
            timer.write_text("1")
    except FileNotFoundError:
        pass  # no such adapter
    except OSError as error:
        _log.debug("%s: its latency timer cannot be set: %s", port, error.strerror)


def _why_not_opened(error: BaseException) -> str:
    number = error.args[0]
    if not isinstance(number, int):
        # pyserial keeps no number when the file has no terminal settings.
        return _WHY_NOT_OPENED[errno.ENOTTY]
    return _WHY_NOT_OPENED.get(number, f"cannot be opened: {os.strerror(number)}")
