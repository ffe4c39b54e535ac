"""A serial line shared by several devices: one open port, one owner, the devices in turn.

Every device that names the same port gets the same `Line`. A question with its answer is one turn;
whoever wants the next one queues, first come, first served, and a device that is asked again after
a time-out queues again. So a silent device costs the others one time-out for each round at most,
and nothing while its driver waits before the next try.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import Field

from drivers.base import DeviceConfig, DeviceError, FilePath, LineUse
from drivers.wire import serialport
from drivers.wire.serialport import Baud, Parity, PortGoneError, SerialPort

_Answer = TypeVar("_Answer")

_MOST_BYTES: Final = 1024  # read for one answer; a line that babbles ends there
_CHARACTER_BITS: Final = 11  # start, 8 data, parity or a second stop, stop


@dataclass(frozen=True, slots=True)
class Settings:
    """How a line is spoken on; ``echo`` is for adapters that hear themselves."""

    baud: int
    parity: Parity = "N"
    echo: bool = False

    def __str__(self) -> str:
        echo = ", echo" if self.echo else ""
        return f"{self.baud} baud, parity {self.parity}{echo}"


class LineConfig(DeviceConfig):
    """The options of a device on a line that it may share; each driver extends it."""

    port: FilePath
    """The serial port; best a stable name, as under /dev/serial/by-path. Several devices may share
    it if they agree on baud, parity and echo."""
    baud: Baud = 9600
    """Bits per second."""
    parity: Parity = "N"
    """`N`, `E` or `O`."""
    echo: bool = False
    """The RS-485 adapter hears its own bytes."""
    answer_ms: Annotated[int, Field(ge=20, le=10_000)] = 500
    """How long an answer may take, in milliseconds."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often a question is asked before the device counts as lost."""

    @property
    def settings(self) -> Settings:
        """How the line is spoken on."""
        return Settings(self.baud, self.parity, self.echo)

    @property
    def station(self) -> str:
        """What no other device on this line may be, in words."""
        raise NotImplementedError

    def line_use(self) -> LineUse:
        """See :meth:`drivers.base.DeviceConfig.line_use`."""
        return LineUse(str(self.port), str(self.settings), self.station)


class Line:
    """One open port and the queue before it."""

    def __init__(self, port: SerialPort, settings: Settings) -> None:
        self.settings = settings
        self.users = 0
        self.gone = False
        self._port = port
        self._turns = asyncio.Lock()  # wakes those who wait in the order of their coming
        self._quiet_at = 0.0
        # 3.5 characters, Modbus's rule, which does the others no harm; fixed above 19200 baud.
        self._gap_s = max(3.5 * _CHARACTER_BITS / settings.baud, 0.00175)

    @property
    def name(self) -> str:
        """The port's name, for messages."""
        return self._port.name

    async def exchange(
        self, question: bytes, hear: Callable[[bytes], _Answer | None], *, answer_s: float
    ) -> _Answer:
        """Ask when it is our turn; ``hear`` gets what comes, as it comes, until it has the answer.

        What has been received before is dropped: an answer that came too late is none to this.

        Raises:
            TimeoutError: ``hear`` had no answer after ``answer_s`` or 1024 bytes.
            DeviceError: the port is gone, or ``hear`` raised it.
        """
        async with self._turn(len(question)), asyncio.timeout(answer_s):
            self._port.discard_input()
            await self._port.write(question)
            heard = 0
            echo = question if self.settings.echo else b""
            pending = b""
            while heard < _MOST_BYTES:
                chunk = await self._port.read()
                heard += len(chunk)
                if echo:
                    # The answer to a write looks like the echo of its question.
                    pending += chunk
                    if echo not in pending:
                        continue
                    chunk, echo = pending.partition(echo)[2], b""
                if chunk and (answer := hear(chunk)) is not None:
                    return answer
            raise TimeoutError

    async def tell(self, message: bytes) -> None:
        """Send what nobody answers when it is our turn.

        Raises:
            DeviceError: the port is gone.
        """
        async with self._turn(len(message)):
            await self._port.write(message)

    async def look(self) -> None:
        """Find out whether the port is still there, for a device that says nothing by itself.

        Raises:
            DeviceError: it is gone.
        """
        async with self._turn(0):
            self._port.discard_input()

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    @asynccontextmanager
    async def _turn(self, sent: int) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        async with self._turns:
            # A timer for nothing, at each question, was a quarter of what a box at rest does.
            if (rest_s := self._quiet_at - loop.time()) > 0:
                await asyncio.sleep(rest_s)
            # The kernel takes bytes faster than the line: they are still on their way.
            on_its_way_s = sent * _CHARACTER_BITS / self.settings.baud
            began = loop.time()
            try:
                yield
            except PortGoneError:
                self.gone = True
                raise
            finally:
                self._quiet_at = max(loop.time(), began + on_its_way_s) + self._gap_s


_lines: dict[str, Line] = {}
"""The lines that are open, by the real name of their port."""


@asynccontextmanager
async def joined(path: Path, settings: Settings) -> AsyncIterator[Line]:
    """The line at ``path``: opened for the first of its devices, closed after the last.

    Raises:
        DeviceError: it cannot be opened, or others use it with other settings.
    """
    line = _line_at(path, settings)
    line.users += 1
    try:
        yield line
    finally:
        line.users -= 1
        if line.users == 0:
            line.close()
            for place in [place for place, each in _lines.items() if each is line]:
                del _lines[place]


def _line_at(path: Path, settings: Settings) -> Line:
    place = os.path.realpath(path)
    line = _lines.get(place)
    if line is None or line.gone:
        port = serialport.open_port(path, baud=settings.baud, parity=settings.parity)
        line = _lines[place] = Line(port, settings)
    elif line.settings != settings:
        raise DeviceError(
            f"{path} is in use by another device at {line.settings}; this one wants {settings}"
        )
    return line
