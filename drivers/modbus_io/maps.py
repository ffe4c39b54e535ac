"""Where the boards have their inputs and relays, and how their relays are switched."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from drivers.base import OptionTable

Register = Annotated[int, Field(ge=0, le=0xFFFF)]

_TOGGLE: Final = 0x5500


class BoardMap(OptionTable):
    """`[devices.NAME.map]`: a board that has no profile; every default is Waveshare's."""

    inputs_in: Literal["discrete", "coils", "holding", "input", "none"] = "discrete"
    """Where the inputs are: `discrete` or `coils`, a bit each; `holding` or `input` registers,
    sixteen in each, the first in the lowest bit; `none`."""
    inputs_start: Register = 0
    """The address of the first input."""
    relays_in: Literal["coils", "holding"] = "coils"
    """Where the relays are."""
    relays_start: Register = 0
    """The address of the first relay."""
    on: Register = 0xFF00
    """What is written to switch a relay on."""
    off: Register = 0x0000
    """What is written to switch it off."""
    cancel: Register | None = None
    """What is written before, where `off` does not end a pulse that is running."""
    pulse_start: Register | None = None
    """Where the first relay's pulse is written; not set: the board cannot time one."""
    pulse_value: Register = 0
    """What is written there for a pulse, its length to be added."""
    pulse_unit_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    """The unit of its length, in milliseconds."""
    pulse_most: Annotated[int, Field(ge=1, le=0xFFFF)] = 0x7FFF
    """The greatest length, in units."""
    modes_start: Register | None = None
    """The holding register of the first channel's control mode, which must be 0 in all."""

    @model_validator(mode="after")
    def _absolute_values(self) -> Self:
        if self.on == self.off:
            raise ValueError(f"found 0x{self.on:04X} as on and as off; expected two values")
        if self.relays_in == "coils" and _TOGGLE in (self.on, self.off):
            # A lost answer makes us ask again, and a toggle would then undo itself.
            raise ValueError(f"found 0x{_TOGGLE:04X}, a toggle; expected values for on and for off")
        return self

    def pulse_units(self, milliseconds: int) -> int | None:
        """The length to write for a pulse of at least this; ``None`` if it cannot be timed."""
        units = -(-milliseconds // self.pulse_unit_ms)
        return units if self.pulse_start is not None and units <= self.pulse_most else None


Profile = Literal["waveshare", "r4d8", "ryn4", "25iob16", "generic"]

# Values 06XX: on for XX seconds. OFF does not end such a delay, only 0600 does.
_ELETECHSUP: Final = BoardMap(
    inputs_in="none",
    relays_in="holding",
    on=0x0100,
    off=0x0200,
    cancel=0x0600,
    pulse_start=0,
    pulse_value=0x0600,
    pulse_unit_ms=1000,
    pulse_most=0xFF,
)

PROFILES: Final[dict[Profile, BoardMap]] = {
    "waveshare": BoardMap(pulse_start=0x0200, modes_start=0x1000),
    # The manual of R4D8 counts its channels from 1; a scan of a RYN4 found them from 0.
    "r4d8": _ELETECHSUP.model_copy(update={"relays_start": 1, "pulse_start": 1}),
    "ryn4": _ELETECHSUP,
    "25iob16": _ELETECHSUP.model_copy(update={"inputs_in": "holding", "inputs_start": 0x00C0}),
}
