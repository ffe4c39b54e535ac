"""USB relay boards of the LCUS family and their clones: a CH340 that looks like a serial port.

::

    A0 ch 01 sum   on          A0 ch 00 sum   off         (plain boards; never answered)
    FF             state?      text, one line for each relay that says ON or OFF; many boards with
                               one relay, and all clones, do not answer
    A0 ch 03 sum   on          A0 ch 02 sum   off         A0 ch 05 sum   state?    (clones)
    A0 ch st sum   the clones' answer to each of the three

``ch`` counts from 1, ``sum`` is the low 8 bits of the sum of the three bytes before it.

What these boards cannot do: no relay is ever timed by the board, and it keeps what it was told for
as long as it has power, whatever becomes of the gateway. So a strike is switched off twice, and at
every start. A plain board that does not answer FF confirms nothing: whether a relay has moved, and
whether the board is more than its adapter, is never known.

Source: sellers' manual of LCUS-1 to LCUS-8; what people with a SAMIROB clone have published.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers.base import (
    Command,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Emit,
    FilePath,
)
from drivers.base import Driver as BaseDriver
from drivers.counters import Counters
from drivers.switching import Switching
from drivers.switching.doors import Doors
from drivers.switching.wiring import WiredConfig, each_once
from drivers.wire import bus
from drivers.wire.bus import Line
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8

_ASK: Final = b"\xff"
_ON_OR_OFF: Final = re.compile(rb"\bO(N|FF)\b")
_MOST_TEXT: Final = 256  # bytes; eight lines have 80
_ANSWER_S: Final = 0.5
_ATTEMPTS: Final = 3
_STATE: Final = Layout(
    header=re.compile(rb"\xa0.[\x00\x01]", re.DOTALL),
    header_bytes=3,
    size=lambda header: 4,
    intact=ends_with_sum8,
)
_SILENT: Final = "it confirms nothing: only its adapter is known to be there"


class Config(WiredConfig):
    """A board of the LCUS family; relays count from 0, the board prints from 1."""

    driver: Literal["usb_relay"]
    port: FilePath
    """The board's serial port; under /dev/serial/by-path, for two boards have the same by-id."""
    model: Literal["lcus", "smart"] = "lcus"
    """`smart` is a clone that answers; its commands mean nothing to the others."""
    relays: Annotated[int, Field(ge=1, le=16)] = 2
    """How many relays the board has."""
    poll_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """Pause between two looks at whether it is still there, in seconds."""

    def notices(self) -> Sequence[str]:
        """See :meth:`drivers.base.DeviceConfig.notices`."""
        untimed = [
            f"doors.{name}: this board times nothing and keeps a relay on when the gateway dies; "
            f"the strike is switched off twice, and again as soon as the gateway is back"
            for name in self.strikes
        ]
        silent = "lcus boards mostly confirm nothing: whether a relay has switched is not known"
        return [*untimed, *self.blind(), *([silent] if self.model == "lcus" else [])]

    @model_validator(mode="after")
    def _each_wire_once(self) -> Self:
        each_once(self.inputs_used, "input", 0)
        each_once(self.outputs_used, "relay", self.relays)
        return self


class Codec:
    """A clone's answers: relay, counted from 0, and whether it is on."""

    def __init__(self, counters: Counters) -> None:
        self._finder = FrameFinder(_STATE, counters)

    def feed(self, data: bytes) -> list[tuple[int, bool]]:
        """Take the next bytes and return the answers that are now complete."""
        return [(frame[1] - 1, frame[2] == 1) for frame in self._finder.feed(data)]


class TextCodec:
    """A plain board's answer to FF: the states of all ``relays``, once they are there."""

    def __init__(self, relays: int) -> None:
        self._relays = relays
        self._text = b""

    def feed(self, data: bytes) -> list[bool] | None:
        """Take the next bytes; ``None`` until all relays have been told of."""
        self._text = (self._text + data)[-_MOST_TEXT:]
        states = [found == b"N" for found in _ON_OR_OFF.findall(self._text)]
        return states[: self._relays] if len(states) >= self._relays else None


class Driver(BaseDriver):
    """Switches relays when told to, and looks whether the board is still there."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._doors = Doors(config.roles)
        self._switching = Switching(config.strikes, config.switched)

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        async with bus.joined(config.port, bus.Settings(9600)) as line:
            board = _Smart(line, self.counters) if config.model == "smart" else _Plain(line, config)
            confirms = await board.begin()
            async with self._switching.connected(board):
                self.counters.online()
                await emit(DeviceObserved(DeviceState.ONLINE, None if confirms else _SILENT))
                while True:
                    await self._doors.tell_wired(emit, config.doors, {}, self._switching.released)
                    await self._switching.wait(config.poll_s)
                    await board.look()

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        await self._switching.execute(command)

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        return self._doors.lost()


class _Untimed:
    """What both kinds have in common; see :class:`drivers.switching.Board`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def times(self, milliseconds: int) -> bool:
        """These boards time nothing, however short."""
        return milliseconds <= 0

    async def pulse(self, output: int, milliseconds: int) -> None:
        """Never asked for."""
        raise DeviceError(f"relay {output} cannot be timed, not for {milliseconds} ms")


class _Plain(_Untimed):
    """An LCUS board, which may or may not tell of its relays."""

    def __init__(self, line: Line, config: Config) -> None:
        super().__init__(line)
        self._relays = config.relays
        self._tells = False

    async def begin(self) -> bool:
        """Find out whether it tells."""
        self._tells = await self._states() is not None
        return self._tells

    async def look(self) -> None:
        """Whether it is still there."""
        await self._line.look()
        if self._tells and await self._states() is None:
            raise DeviceError(f"{self._line.name}: the relay board does not answer any more")

    async def switch(self, output: int, *, on: bool) -> None:
        """See :class:`drivers.switching.Board`; verified if it tells."""
        await self._line.tell(_command(output, 0x01 if on else 0x00))
        if not self._tells:
            return
        states = await self._states()
        if states is None or states[output] is not on:
            raise DeviceError(f"{self._line.name}: relay {output} did not switch")

    async def _states(self) -> list[bool] | None:
        for _ in range(_ATTEMPTS if self._tells else 1):
            try:
                feed = TextCodec(self._relays).feed
                return await self._line.exchange(_ASK, feed, answer_s=_ANSWER_S)
            except TimeoutError:
                continue
        return None


class _Smart(_Untimed):
    """A clone, which answers to everything."""

    def __init__(self, line: Line, counters: Counters) -> None:
        super().__init__(line)
        self._counters = counters

    async def begin(self) -> bool:
        """It must answer."""
        await self.look()
        return True

    async def look(self) -> None:
        """Whether it is still there."""
        await self._ask(0, 0x05)

    async def switch(self, output: int, *, on: bool) -> None:
        """See :class:`drivers.switching.Board`."""
        if await self._ask(output, 0x03 if on else 0x02) is not on:
            raise DeviceError(f"{self._line.name}: relay {output} did not switch")

    async def _ask(self, output: int, operation: int) -> bool:
        for _ in range(_ATTEMPTS):
            codec = Codec(self._counters)

            def hear(data: bytes, codec: Codec = codec) -> tuple[bool] | None:
                return next(((on,) for relay, on in codec.feed(data) if relay == output), None)

            try:
                question = _command(output, operation)
                return (await self._line.exchange(question, hear, answer_s=_ANSWER_S))[0]
            except TimeoutError:
                self._counters.timeout += 1
        raise DeviceError(f"{self._line.name}: the relay board does not answer")


def _command(output: int, operation: int) -> bytes:
    body = bytes((0xA0, output + 1, operation))
    return body + bytes((sum(body) & 0xFF,))
