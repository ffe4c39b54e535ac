"""Waveshare's Modbus RTU boards with digital inputs (Relay (D), IO 8CH): inputs as door contacts.

The inputs are Modbus discrete inputs from 0; holding registers from 0x1000 give each channel's
control mode: 0 normal, 1 linkage, 2 toggle, 3 edge. In any mode but 0 an input drives a relay by
itself: such a board could hold a door without anybody having told it to, and is refused.

Nothing here writes: no relay can be switched through this driver.

A lost link makes every door ``unknown``. A cut wire reads like an inactive input; with the usual
contact, closed while the door is shut, that is an open door and never a closed one.

Source: Waveshare's wiki pages of Modbus RTU Relay, Relay (D) and IO 8CH. Boards sold before
September 2021 (V1) do not speak Modbus.
"""

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers import bus
from drivers.base import (
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
from drivers.modbus import Master, RefusedError

CONTROL_MODES: Final = 0x1000
_MODE_NAMES: Final = {1: "linkage", 2: "toggle", 3: "edge"}
_ILLEGAL_ADDRESS: Final = 2

_QUESTION_BYTES: Final = 8
_MODE_BYTES: Final = 7  # of the answer with one channel's mode
_INPUTS_BYTES: Final = 5  # of the answer with the inputs, which adds a byte for each eight
_CHARACTER_BITS: Final = 10  # start, 8 data, stop; parity would be one more

Input = Annotated[int, Field(ge=0, le=63)]
Level = Literal["inactive", "active"]


class DoorConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: one door and its contacts."""

    input: Input
    """The door contact's input, counted from 0 (the board prints from 1)."""
    open_when: Level = "inactive"
    """The input's level while the door is open; `inactive` for a contact closed by a shut door."""
    role: Role
    """What the door is for: `gate`, `sealed` or `home`."""
    tamper_input: Input | None = None
    """The input of a tamper loop, if there is one."""
    tamper_when: Level = "inactive"
    """Its level while tampered with; `inactive` for a loop that a cut opens."""

    @model_validator(mode="after")
    def _level_of_an_input(self) -> Self:
        if self.tamper_input is None and "tamper_when" in self.model_fields_set:
            raise ValueError("tamper_input is missing; without it tamper_when means nothing")
        return self


class Config(LineConfig):
    """A board with digital inputs on an RS-485 line."""

    driver: Literal["modbus_io"]
    address: Annotated[int, Field(ge=1, le=255)] = 1
    """The board's Modbus address."""
    inputs: Annotated[int, Field(ge=1, le=64)] = 8
    """How many inputs the board has."""
    poll_ms: Annotated[int, Field(ge=20, le=60_000)] = 100
    """Pause between two looks at the inputs, in milliseconds."""
    doors: Annotated[dict[Name, DoorConfig], Field(min_length=1)]
    """The doors whose contacts are wired to this board."""

    @property
    def station(self) -> str:
        """See :meth:`drivers.bus.LineConfig.station`."""
        return f"Modbus device {self.address}"

    @model_validator(mode="after")
    def _answer_in_time(self) -> Self:
        characters = _QUESTION_BYTES + max(_MODE_BYTES, _INPUTS_BYTES + (self.inputs + 7) // 8)
        line_ms = math.ceil(1000 * characters * _CHARACTER_BITS / self.baud)
        if self.answer_ms < line_ms:
            raise ValueError(
                f"answer_ms: {self.answer_ms} is too short; at {self.baud} baud a question and its"
                f" answer are {line_ms} ms on the line"
            )
        return self

    @model_validator(mode="after")
    def _each_input_once(self) -> Self:
        taken: dict[int, str] = {}
        for number, use in self._wiring():
            if number >= self.inputs:
                raise ValueError(f"{use} is {number}, but the last input is {self.inputs - 1}")
            if number in taken:
                raise ValueError(f"{use} is {number}, as is {taken[number]}")
            taken[number] = use
        return self

    def _wiring(self) -> Iterator[tuple[int, str]]:
        for name, door in self.doors.items():
            yield door.input, f"doors.{name}.input"
            if door.tamper_input is not None:
                yield door.tamper_input, f"doors.{name}.tamper_input"


class Driver(BaseDriver):
    """Looks at the inputs and tells every change of a door."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._told: dict[str, DoorObserved] = {}

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        async with bus.joined(config.port, config.settings) as line:
            master = Master(line, answer_s=config.answer_ms / 1000, attempts=config.attempts)
            await self._refuse_self_driven(master)
            inputs = await master.read_inputs(config.address, 0, config.inputs)
            await emit(DeviceObserved(DeviceState.ONLINE))
            while True:
                for name, door in config.doors.items():
                    await self._tell(emit, _observed(name, door, inputs))
                await asyncio.sleep(config.poll_ms / 1000)
                inputs = await master.read_inputs(config.address, 0, config.inputs)

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        unknown = [
            DoorObserved(name, door.role, Position.UNKNOWN)
            for name, door in self._config.doors.items()
        ]
        news = [door for door in unknown if self._told.get(door.door) != door]
        self._told.update((door.door, door) for door in news)
        return news

    async def _refuse_self_driven(self, master: Master) -> None:
        for channel in range(self._config.inputs):
            mode = await self._control_mode(master, channel)
            if mode:
                raise DeviceError(
                    f"{self._config.port}: channel {channel} of board {self._config.address} is "
                    f"in control mode {mode} ({_MODE_NAMES.get(mode, 'unknown')}), in which its "
                    f"input drives a relay without the gateway; set it to 0 (normal)"
                )

    async def _control_mode(self, master: Master, channel: int) -> int:
        # One by one: asked for more channels than it has, a board refuses them all.
        try:
            (mode,) = await master.read_holding(self._config.address, CONTROL_MODES + channel, 1)
        except RefusedError as refusal:
            if refusal.code != _ILLEGAL_ADDRESS:
                raise
            return 0  # an input without a relay has no mode
        return mode

    async def _tell(self, emit: Emit, door: DoorObserved) -> None:
        if self._told.get(door.door) != door:
            await emit(door)
            self._told[door.door] = door


def _observed(name: str, door: DoorConfig, inputs: Sequence[bool]) -> DoorObserved:
    is_open = inputs[door.input] is (door.open_when == "active")
    tamper = None
    if door.tamper_input is not None:
        tamper = inputs[door.tamper_input] is (door.tamper_when == "active")
    return DoorObserved(
        name, door.role, Position.OPEN if is_open else Position.CLOSED, tamper=tamper
    )
