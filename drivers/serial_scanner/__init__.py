"""Code readers on a serial line or USB-CDC: GM65, Newland and Honeywell, or any that sends lines.

What is on the line, and what it can be told, is in `scanlines`. Only the GM65 family can be asked
whether it is there; of the others nothing is known before the first code.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Annotated, Final, Literal, NoReturn

from pydantic import Field

from drivers.base import (
    CodeScanned,
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Emit,
    FilePath,
    TriggerScan,
)
from drivers.base import Driver as BaseDriver
from drivers.presence import Presence
from drivers.serial_scanner.scanlines import DIALECTS, Answer, Code, Codec, Terminator, Trigger
from drivers.together import together
from drivers.wire import serialport
from drivers.wire.serialport import Baud, Parity, SerialPort

_ANSWER_S: Final = 0.5
"""The longest answer has 17 bytes, 18 ms at 9600 baud; a module that is reading takes its time."""
_FRAGMENT: Final = (
    "bytes come without the terminator that is set, or too many: noise, another speed, or another"
    " terminator is set in the scanner"
)


class Config(DeviceConfig):
    """A code reader on a serial line, or on USB set to a virtual serial port."""

    driver: Literal["serial_scanner"]
    port: FilePath
    """The serial port; best a stable name, as under /dev/serial/by-path."""
    baud: Baud = 9600
    """Bits per second; means nothing to a scanner on USB."""
    parity: Parity = "N"
    """`N`, `E` or `O`."""
    terminator: Terminator = "line"
    """What the scanner sends behind each code: `line` takes CR, LF and CR LF; with `none` silence
    ends a code."""
    silence_ms: Annotated[int, Field(ge=20, le=5000)] = 100
    """Nothing for this long within a code: no more of it will come."""
    trigger: Trigger = "none"
    """How it is told to look for a code; `none`: it looks by itself, or has a button."""
    ask_s: Annotated[float, Field(ge=1, le=3600)] = 10.0
    """Seconds between two looks whether a scanner with `gm65` is still there."""
    gone_after_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """Not read for this long, the same code counts as the next person's."""


class Driver(BaseDriver):
    """Listens to the scanner and tells it to look when asked to."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._dialect = DIALECTS[config.trigger]
        self._presence = Presence(config.gone_after_s)  # outlives a lost connection
        self._session: _Session | None = None

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        async with serialport.opened(
            config.port, baud=config.baud, parity=config.parity, confidential=True
        ) as port:
            self.counters.online()
            self._session = _Session(port, Codec(config.terminator, config.trigger, self.counters))
            parts = [self._listen(self._session, emit)]
            if self._dialect.question is not None:
                parts.append(self._watch(self._session, self._dialect.question, emit))
            try:
                await together(*parts)
            finally:
                self._session = None

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        if not isinstance(command, TriggerScan):
            await super().execute(command)
        if not self._dialect.trigger:
            raise CommandError("trigger is not set for this scanner: it looks by itself")
        if self._session is None:
            raise CommandError(f"the scanner on {self._config.port} is not connected")
        try:
            done = await self._session.tell(self._dialect.trigger)
        except (DeviceError, TimeoutError) as error:
            raise CommandError(str(error) or "the scanner does not answer") from error
        if not done:
            raise CommandError("the scanner refuses to be told when to look")

    async def _listen(self, session: "_Session", emit: Emit) -> NoReturn:
        while True:
            code = await session.next_code(self._config.silence_ms / 1000)
            if code is None:
                await emit(DeviceObserved(DeviceState.DEGRADED, _FRAGMENT))
                continue
            await emit(DeviceObserved(DeviceState.ONLINE))
            now = asyncio.get_running_loop().time()
            for payload in self._presence.look([code.payload], now):
                await emit(CodeScanned(payload, "unknown", "scanner"))

    async def _watch(self, session: "_Session", question: bytes, emit: Emit) -> NoReturn:
        """Ask whether the scanner is there, again and again."""
        await self._prove(session, question)
        await emit(DeviceObserved(DeviceState.ONLINE))
        while True:
            await asyncio.sleep(self._config.ask_s)
            await self._prove(session, question)

    async def _prove(self, session: "_Session", question: bytes) -> None:
        try:
            await session.tell(question)
        except TimeoutError as error:
            self.counters.timeout += 1
            raise DeviceError(f"{self._config.port}: the scanner does not answer") from error


class _Session:
    """One connection: hands codes on, and gives each answer to who awaits it."""

    def __init__(self, port: SerialPort, codec: Codec) -> None:
        self._port = port
        self._codec = codec
        self._codes: deque[Code | None] = deque()
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[bool] | None = None

    async def next_code(self, silence_s: float) -> Code | None:
        """The next code; None where bytes came that were none."""
        while not self._codes:
            lost = self._codec.counters.damaged
            data = await self._read(silence_s)
            for each in self._codec.feed(data) if data else self._codec.silence():
                self._take(each)
            if self._codec.counters.damaged > lost:
                self._codes.append(None)
        return self._codes.popleft()

    async def tell(self, message: bytes) -> bool:
        """Send ``message``; whether the answer says that it was done. One at a time.

        Raises:
            DeviceError: the port is gone.
            TimeoutError: no answer came; where the family has none, there is none to wait for.
        """
        async with self._turn:
            if not self._codec.answers:
                await self._port.write(message)
                return True
            self._answer = asyncio.get_running_loop().create_future()
            self._codec.answer_awaited = True
            try:
                await self._port.write(message)
                async with asyncio.timeout(_ANSWER_S):
                    return await self._answer
            finally:
                self._codec.answer_awaited = False

    async def _read(self, silence_s: float) -> bytes:
        """The next bytes; none if nothing comes for so long within a code."""
        with suppress(TimeoutError):
            async with asyncio.timeout(silence_s if self._codec.is_inside else None):
                return await self._port.read()
        return b""

    def _take(self, piece: Code | Answer) -> None:
        if isinstance(piece, Code):
            self._codes.append(piece)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(piece.done)
