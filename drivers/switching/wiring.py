"""What a stanza says of the wires of a door: which input, which output, and when it is open."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drivers.base import DeviceConfig, Name, OptionTable, Position, Role
from drivers.switching import ReleaseMs, Strike

Wire = Annotated[int, Field(ge=0, le=1023)]
Level = Literal["inactive", "active"]


class DoorConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: one door, its contacts and what releases it."""

    role: Role
    """What the door is for: `gate`, `sealed` or `home`."""
    input: Wire | None = None
    """The door contact's input, counted from 0; without one the door's position is unknown."""
    open_when: Level = "inactive"
    """The input's level while the door is open; `inactive` for a contact closed by a shut door."""
    tamper_input: Wire | None = None
    """The input of a tamper loop, if there is one."""
    tamper_when: Level = "inactive"
    """Its level while tampered with; `inactive` for a loop that a cut opens."""
    strike: Wire | None = None
    """The output that releases the door while it is on, counted from 0; never at a home door."""
    release_ms: ReleaseMs = 3000
    """For how long, in milliseconds; rounded up to what the device can time."""

    @model_validator(mode="after")
    def _wired(self) -> Self:
        if self.role is Role.HOME and self.strike is not None:
            raise ValueError("a home door is only ever watched; nothing may lock or release it")
        if self.strike is None and "release_ms" in self.model_fields_set:
            raise ValueError("strike is missing; without it release_ms means nothing")
        if self.tamper_input is None and "tamper_when" in self.model_fields_set:
            raise ValueError("tamper_input is missing; without it tamper_when means nothing")
        return self

    def position(self, levels: Mapping[int, bool]) -> Position:
        """Where the door is at these inputs' levels."""
        if self.input is None:
            return Position.UNKNOWN
        is_open = levels[self.input] is (self.open_when == "active")
        return Position.OPEN if is_open else Position.CLOSED

    def tamper(self, levels: Mapping[int, bool]) -> bool | None:
        """Whether it is tampered with, as far as there is something to tell."""
        if self.tamper_input is None:
            return None
        return levels[self.tamper_input] is (self.tamper_when == "active")


class OutputConfig(OptionTable):
    """`[devices.NAME.outputs.OUTPUT]`: what switches a lamp, a buzzer or a barrier. Nothing that
    holds a door shut may be wired to it."""

    output: Wire
    """The output, counted from 0."""


class WiredConfig(DeviceConfig):
    """A device with inputs and outputs to which doors are wired."""

    doors: dict[Name, DoorConfig] = Field(default_factory=dict)
    """The doors whose contacts or strikes are wired to it."""
    outputs: dict[Name, OutputConfig] = Field(default_factory=dict)
    """Its other outputs."""

    @property
    def strikes(self) -> dict[str, Strike]:
        """What releases each door that has a strike."""
        return {
            name: Strike(door.strike, door.release_ms)
            for name, door in self.doors.items()
            if door.strike is not None
        }

    @property
    def switched(self) -> dict[str, int]:
        """The other outputs by name."""
        return {name: each.output for name, each in self.outputs.items()}

    @property
    def roles(self) -> dict[str, Role]:
        """What each door is for."""
        return {name: door.role for name, door in self.doors.items()}

    @property
    def inputs_used(self) -> list[tuple[int, str]]:
        """Every input that is wired, with the option that says so."""
        wires = [(door.input, f"doors.{name}.input") for name, door in self.doors.items()]
        wires += [
            (door.tamper_input, f"doors.{name}.tamper_input") for name, door in self.doors.items()
        ]
        return [(number, use) for number, use in wires if number is not None]

    @property
    def outputs_used(self) -> list[tuple[int, str]]:
        """Every output that is wired, with the option that says so."""
        strikes = [(each.output, f"doors.{name}.strike") for name, each in self.strikes.items()]
        return strikes + [
            (number, f"outputs.{name}.output") for name, number in self.switched.items()
        ]

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.doors and not self.outputs:
            raise ValueError("doors or outputs are missing; this device would have nothing to do")
        return self

    def blind(self) -> Sequence[str]:
        """Notices of doors without a contact."""
        return [
            f"doors.{name}: without an input its position is always unknown"
            for name, door in self.doors.items()
            if door.input is None
        ]


def each_once(wires: Iterable[tuple[int, str]], kind: str, count: int | None = None) -> None:
    """Refuse a wire used twice, or beyond ``count``.

    Raises:
        ValueError: which two.
    """
    taken: dict[int, str] = {}
    for number, use in wires:
        if count == 0:
            raise ValueError(f"{use} is {number}, but this board has no {kind}s")
        if count is not None and number >= count:
            raise ValueError(f"{use} is {number}, but the last {kind} is {count - 1}")
        if number in taken:
            raise ValueError(f"{use} is {number}, as is {taken[number]}")
        taken[number] = use
