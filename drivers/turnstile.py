"""A tripod turnstile on RS-485 (Mach Power AC-ATRI-018 and its kin): lets one person through.

::

    EB addr 40 00 xor   one person may pass to the left
    EB addr 41 00 xor   one person may pass to the right

``xor`` is over the four bytes before it. The turnstile times the passage itself. It is not known to
answer anything: that somebody has passed is told by its dry contact, wired to an input elsewhere,
and where its arm is, by nothing. Its commands 4A (forbid) and 43 (raise the arm) would keep people
in and are never sent; the emergency release that drops the arm is wired to its terminals, not here.

Source: the maker's manual, whose checksums of 42 and 43 are misprints.
"""

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
    Name,
    OptionTable,
    Role,
)
from drivers.base import Driver as BaseDriver
from drivers.switching import ReleaseMs, Strike, Switching
from drivers.switching.doors import Doors
from drivers.wire import bus
from drivers.wire.bus import Line, LineConfig
from drivers.wire.framing import xor_of

_PASS: Final = {"left": 0x40, "right": 0x41}
_SILENT: Final = "it confirms nothing: only its adapter is known to be there"


class PassConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: one way through the turnstile."""

    role: Role
    """What it is for: `gate`."""
    passes: Literal["left", "right"]
    """Which way people go, as the turnstile's manual has it."""
    release_ms: ReleaseMs = 5000
    """How long the turnstile waits for somebody, in milliseconds; told, not set: it knows."""

    @model_validator(mode="after")
    def _at_a_gate(self) -> Self:
        if self.role is not Role.GATE:
            raise ValueError(f'role is "{self.role}", but a turnstile stands at a gate')
        return self


class Config(LineConfig):
    """A turnstile on an RS-485 line."""

    driver: Literal["turnstile"]
    address: Annotated[int, Field(ge=0, le=255)] = 1
    """Its address, as its switches say."""
    poll_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """Pause between two looks at whether the port is still there, in seconds."""
    doors: Annotated[dict[Name, PassConfig], Field(min_length=1, max_length=2)]
    """The ways through it."""

    @property
    def station(self) -> str:
        """See :meth:`drivers.wire.bus.LineConfig.station`."""
        return f"turnstile {self.address}"

    @property
    def releasable(self) -> frozenset[str]:
        """See :meth:`drivers.base.DeviceConfig.releasable`."""
        return frozenset(self.doors)

    def notices(self) -> Sequence[str]:
        """See :meth:`drivers.base.DeviceConfig.notices`."""
        return ["a turnstile confirms nothing; wire its contact for a passage to an input"]

    @model_validator(mode="after")
    def _each_way_once(self) -> Self:
        ways = [door.passes for door in self.doors.values()]
        if len(set(ways)) < len(ways):
            raise ValueError(f'doors: two of them pass to the {ways[0]}; expected "left", "right"')
        return self


class Driver(BaseDriver):
    """Lets somebody through when told to."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._doors = Doors({name: door.role for name, door in config.doors.items()})
        strikes = {
            name: Strike(_PASS[door.passes], door.release_ms) for name, door in config.doors.items()
        }
        self._switching = Switching(strikes, {})

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        async with (
            bus.joined(config.port, config.settings) as line,
            self._switching.connected(_Arm(line, config.address)),
        ):
            self.counters.online()
            await emit(DeviceObserved(DeviceState.ONLINE, _SILENT))
            while True:
                for name in config.doors:
                    await self._doors.tell(emit, name, released=self._switching.released(name))
                await self._switching.wait(config.poll_s)
                await line.look()

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        await self._switching.execute(command)

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        return self._doors.lost()


class _Arm:
    """The turnstile on its line; see :class:`drivers.switching.Board`."""

    def __init__(self, line: Line, address: int) -> None:
        self._line = line
        self._address = address

    def times(self, milliseconds: int) -> bool:
        """It times every passage by itself."""
        return milliseconds > 0

    async def pulse(self, output: int, milliseconds: int) -> None:  # the turnstile knows how long
        """Let one person pass; ``output`` is the command for the way."""
        body = bytes((0xEB, self._address, output, 0x00))
        await self._line.tell(body + bytes((xor_of(body),)))

    async def switch(self, output: int, *, on: bool) -> None:
        """There is nothing here that stays on."""
        raise DeviceError(f"0x{output:02X} is one passage, and not to be switched {on}")
