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
)
from drivers.base import Driver as BaseDriver
from drivers.modbus_io.board import Board
from drivers.modbus_io.maps import PROFILES, BoardMap, Profile
from drivers.switching import Switching
from drivers.switching.doors import Doors
from drivers.switching.wiring import WiredConfig, each_once
from drivers.wire import bus
from drivers.wire.bus import LineConfig
from drivers.wire.modbus import Master

_MODE_NAMES: Final = {1: "linkage", 2: "toggle", 3: "edge"}

_QUESTION_BYTES: Final = 8  # as many as the answer to a write
_INPUTS_BYTES: Final = 5  # of the answer with the inputs, which adds a byte for each eight
_CHARACTER_BITS: Final = 10  # start, 8 data, stop; parity would be one more


class Config(WiredConfig, LineConfig):
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

    @property
    def board_map(self) -> BoardMap:
        """Where the board has what."""
        return self.map or PROFILES[self.profile]

    @property
    def station(self) -> str:
        """See :meth:`drivers.wire.bus.LineConfig.station`."""
        return f"Modbus device {self.address}"

    def notices(self) -> Sequence[str]:
        """See :meth:`drivers.base.DeviceConfig.notices`."""
        untimed = [
            f"doors.{name}: this board cannot time {strike.milliseconds} ms; the gateway switches "
            f"the strike off, twice, and if it dies meanwhile, as soon as it is back"
            for name, strike in self.strikes.items()
            if self.board_map.pulse_units(strike.milliseconds) is None
        ]
        return [*untimed, *self.blind()]

    @model_validator(mode="after")
    def _map_of_a_generic_board(self) -> Self:
        if self.profile == "generic" and self.map is None:
            raise ValueError('map is missing; profile = "generic" means nothing without it')
        if self.profile != "generic" and self.map is not None:
            raise ValueError('profile = "generic" is missing; no other board has a map')
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
        has_inputs = self.board_map.inputs_in != "none"
        each_once(self.inputs_used, "input", self.inputs if has_inputs else 0)
        each_once(self.outputs_used, "relay", self.relays)
        return self


class Driver(BaseDriver):
    """Looks at the inputs, tells every change of a door, and switches relays when told to."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._doors = Doors(config.roles)
        self._switching = Switching(config.strikes, config.switched)

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
                self.counters.online()
                await emit(DeviceObserved(DeviceState.ONLINE))
                while True:
                    await self._doors.tell_wired(
                        emit, config.doors, dict(enumerate(inputs)), self._switching.released
                    )
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
