"""Modbus RTU boards with inputs and relays: door contacts, strikes and other outputs.

========== ============================= ================================== ====================
profile    boards                        inputs                             relays
========== ============================= ================================== ====================
waveshare  Relay, Relay (D), IO 8CH      discrete inputs from 0             coils from 0
r4d8       Eletechsup R4D8               none                               holding from 1
ryn4       Eletechsup RYN4               none                               holding from 0
25iob16    Eletechsup 25IOB16            holding 0xC0, a bit each           holding from 0
generic    as ``map`` says
========== ============================= ================================== ====================

A strike is pulsed by the board, so that it drops even if the gateway dies: Waveshare's flash-on is
a write of coil 0x0200 + channel with the length in 0.1 s, Eletechsup's value 0x0600 + seconds.

Waveshare's holding registers from 0x1000 give each channel's control mode: 0 normal, 1 linkage, 2
toggle, 3 edge. In any mode but 0 an input drives a relay by itself: such a board could hold a door
without anybody having told it to, and is refused.

A lost link makes every door ``unknown``. A cut wire reads like an inactive input; with the usual
contact, closed while the door is shut, that is an open door and never a closed one.

Sources: Waveshare's wiki pages of Modbus RTU Relay, Relay (D) and IO 8CH; boards sold before
September 2021 (V1) do not speak Modbus. Eletechsup's manuals at 485io.com.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers import bus
from drivers.base import (
    Command,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Emit,
    Name,
    OptionTable,
    Position,
    Role,
)
from drivers.base import Driver as BaseDriver
from drivers.bus import LineConfig
from drivers.counters import Counters
from drivers.doors import Doors, only_watched
from drivers.modbus import Master
from drivers.modbus_io.board import Board
from drivers.modbus_io.maps import PROFILES, BoardMap, Profile
from drivers.switching import ReleaseMs, Strike, Switching

_MODE_NAMES: Final = {1: "linkage", 2: "toggle", 3: "edge"}

_QUESTION_BYTES: Final = 8  # as many as the answer to a write
_INPUTS_BYTES: Final = 5  # of the answer with the inputs, which adds a byte for each eight
_CHARACTER_BITS: Final = 10  # start, 8 data, stop; parity would be one more

Input = Annotated[int, Field(ge=0, le=63)]
Relay = Annotated[int, Field(ge=0, le=63)]
Level = Literal["inactive", "active"]


class DoorConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: one door and its contacts."""

    input: Input | None = None
    """The door contact's input, counted from 0 (the board prints from 1); without one the door's
    position is unknown."""
    open_when: Level = "inactive"
    """The input's level while the door is open; `inactive` for a contact closed by a shut door."""
    role: Role
    """What the door is for: `gate`, `sealed` or `home`."""
    tamper_input: Input | None = None
    """The input of a tamper loop, if there is one."""
    tamper_when: Level = "inactive"
    """Its level while tampered with; `inactive` for a loop that a cut opens."""

    strike: Relay | None = None
    """The relay that releases the door while it is on, counted from 0; never at a home door."""
    release_ms: ReleaseMs = 3000
    """For how long, in milliseconds; rounded up to what the board can time."""

    @model_validator(mode="after")
    def _wired(self) -> Self:
        only_watched(self.role, self.strike)
        if self.strike is None and "release_ms" in self.model_fields_set:
            raise ValueError("strike is missing; without it release_ms means nothing")
        return self

    @model_validator(mode="after")
    def _level_of_an_input(self) -> Self:
        if self.tamper_input is None and "tamper_when" in self.model_fields_set:
            raise ValueError("tamper_input is missing; without it tamper_when means nothing")
        return self


class OutputConfig(OptionTable):
    """`[devices.NAME.outputs.OUTPUT]`: a relay for a lamp, a buzzer or a barrier. Nothing that
    holds a door shut may be wired to it."""

    relay: Relay
    """The relay, counted from 0 (the board prints from 1)."""


class Config(LineConfig):
    """A board with digital inputs or relays on an RS-485 line."""

    driver: Literal["modbus_io"]
    address: Annotated[int, Field(ge=1, le=255)] = 1
    """The board's Modbus address."""
    profile: Profile = "waveshare"
    """Which board it is; `generic` is described under `map`."""
    map: BoardMap | None = None
    """Where a board without a profile has what."""
    inputs: Annotated[int, Field(ge=1, le=64)] = 8
    """How many inputs the board has, if any."""
    relays: Annotated[int, Field(ge=1, le=64)] = 8
    """How many relays it has, if any."""
    poll_ms: Annotated[int, Field(ge=20, le=60_000)] = 100
    """Pause between two looks at the inputs, in milliseconds."""
    doors: dict[Name, DoorConfig] = Field(default_factory=dict)
    """The doors whose contacts or strikes are wired to this board."""
    outputs: dict[Name, OutputConfig] = Field(default_factory=dict)
    """Its other relays."""

    @property
    def board_map(self) -> BoardMap:
        """Where the board has what."""
        return self.map or PROFILES[self.profile]

    @property
    def station(self) -> str:
        """See :meth:`drivers.bus.LineConfig.station`."""
        return f"Modbus device {self.address}"

    @property
    def strikes(self) -> dict[str, Strike]:
        """What releases each door that has a strike."""
        doors = self.doors.items()
        return {
            name: Strike(door.strike, door.release_ms)
            for name, door in doors
            if door.strike is not None
        }

    def notices(self) -> Sequence[str]:
        """See :meth:`drivers.base.DeviceConfig.notices`."""
        untimed = [
            f"doors.{name}: this board cannot time {strike.milliseconds} ms; the gateway switches "
            f"the strike off, twice, and if it dies meanwhile, as soon as it is back"
            for name, strike in self.strikes.items()
            if self.board_map.pulse_units(strike.milliseconds) is None
        ]
        blind = [
            f"doors.{name}: without an input its position is always unknown"
            for name, door in self.doors.items()
            if door.input is None
        ]
        return untimed + blind

    @model_validator(mode="after")
    def _map_of_a_generic_board(self) -> Self:
        if self.profile == "generic" and self.map is None:
            raise ValueError('map is missing; profile = "generic" means nothing without it')
        if self.profile != "generic" and self.map is not None:
            raise ValueError('profile = "generic" is missing; no other board has a map')
        if not self.doors and not self.outputs:
            raise ValueError("doors or outputs are missing; this board would have nothing to do")
        return self

    @model_validator(mode="after")
    def _answer_in_time(self) -> Self:
        longest = max(_QUESTION_BYTES, _INPUTS_BYTES + 2 * ((self.inputs + 15) // 16))
        characters = _QUESTION_BYTES + longest
        line_ms = math.ceil(1000 * characters * _CHARACTER_BITS / self.baud)
        if self.answer_ms < line_ms:
            raise ValueError(
                f"answer_ms: {self.answer_ms} is too short; at {self.baud} baud a question and its"
                f" answer are {line_ms} ms on the line"
            )
        return self

    @model_validator(mode="after")
    def _each_wire_once(self) -> Self:
        _once(self._inputs(), "input", self.inputs if self.board_map.inputs_in != "none" else 0)
        _once(self._relays(), "relay", self.relays)
        return self

    def _inputs(self) -> Iterator[tuple[int | None, str]]:
        for name, door in self.doors.items():
            yield door.input, f"doors.{name}.input"
            yield door.tamper_input, f"doors.{name}.tamper_input"

    def _relays(self) -> Iterator[tuple[int | None, str]]:
        for name, door in self.doors.items():
            yield door.strike, f"doors.{name}.strike"
        for name, output in self.outputs.items():
            yield output.relay, f"outputs.{name}.relay"


def _once(wires: Iterator[tuple[int | None, str]], kind: str, count: int) -> None:
    taken: dict[int, str] = {}
    for number, use in wires:
        if number is None:
            continue
        if count == 0:
            raise ValueError(f"{use} is {number}, but this board has no {kind}s")
        if number >= count:
            raise ValueError(f"{use} is {number}, but the last {kind} is {count - 1}")
        if number in taken:
            raise ValueError(f"{use} is {number}, as is {taken[number]}")
        taken[number] = use


class Driver(BaseDriver):
    """Looks at the inputs, tells every change of a door, and switches relays when told to."""

    def __init__(self, name: str, config: Config) -> None:
        self.counters = Counters()
        self._config = config
        self._doors = Doors({name: door.role for name, door in config.doors.items()})
        outputs = {name: output.relay for name, output in config.outputs.items()}
        self._switching = Switching(config.strikes, outputs)

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        async with bus.joined(config.port, config.settings) as line:
            master = Master(
                line,
                answer_s=config.answer_ms / 1000,
                attempts=config.attempts,
                counters=self.counters,
            )
            board = Board(master, config.address, config.board_map)
            await self._refuse_self_driven(board)
            inputs = await self._look(board)
            async with self._switching.connected(board):
                await emit(DeviceObserved(DeviceState.ONLINE))
                while True:
                    await self._tell(emit, inputs)
                    await self._switching.wait(config.poll_ms / 1000)
                    inputs = await self._look(board)

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        await self._switching.execute(command)

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        return self._doors.lost()

    async def _look(self, board: Board) -> list[bool]:
        if self._config.board_map.inputs_in == "none":
            await board.is_on(0)  # only to know that it is there
            return []
        return await board.inputs(self._config.inputs)

    async def _tell(self, emit: Emit, inputs: Sequence[bool]) -> None:
        for name, door in self._config.doors.items():
            position, tamper = Position.UNKNOWN, None
            if door.input is not None:
                is_open = inputs[door.input] is (door.open_when == "active")
                position = Position.OPEN if is_open else Position.CLOSED
            if door.tamper_input is not None:
                tamper = inputs[door.tamper_input] is (door.tamper_when == "active")
            released = self._switching.released(name)
            await self._doors.tell(emit, name, position=position, tamper=tamper, released=released)

    async def _refuse_self_driven(self, board: Board) -> None:
        config = self._config
        for channel in range(max(config.inputs, config.relays)):
            mode = await board.control_mode(channel)
            if mode:
                raise DeviceError(
                    f"{config.port}: channel {channel} of board {config.address} is "
                    f"in control mode {mode} ({_MODE_NAMES.get(mode, 'unknown')}), in which its "
                    f"input drives a relay without the gateway; set it to 0 (normal)"
                )
