"""OSDP readers and door controllers (IEC 60839-11-5), over their Secure Channel.

The protocol itself is libosdp's, see `drivers.osdp.panel`. One device on a line.

Without Secure Channel anybody on the wire can play a door or repeat a card, so it is required; only
``installation`` lets a device in that has no key yet, and gives it its own. A strike is switched
off by the device itself, whatever becomes of the gateway. Keys that people press are not looked
at: they are their secret.

A device that refuses a question goes off for 300 s in libosdp. So one that has refused to tell its
state is connected to anew and not asked for it again: its doors are unknown until they change.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers.base import (
    CodeScanned,
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Emit,
    FilePath,
    Name,
    OptionTable,
    Position,
    PulseOutput,
    Reading,
    Release,
    Role,
    SecretPath,
    SwitchOutput,
)
from drivers.base import Driver as BaseDriver
from drivers.osdp.panel import (
    Card,
    Control,
    Event,
    Inputs,
    Local,
    Panel,
    Report,
    order,
    question,
)
from drivers.together import together
from drivers.wire import serialport
from drivers.wire.serialport import Baud

_INSTALLATION: Final = (
    "in installation mode, in which anybody could listen in; take installation out of its stanza"
)

Input = Annotated[int, Field(ge=0, le=63)]
Output = Annotated[int, Field(ge=0, le=63)]


_LONGEST_S: Final = 3600.0
"""Of a pulse; with no tenth of a second or more than 6553 s the device would stay on for ever."""


class DoorConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: a door on the device's inputs and outputs."""

    role: Role
    """What the door is for: `gate`, `sealed` or `home`."""
    input: Input
    """The door contact's input, counted from 0."""
    open_when: Literal["inactive", "active"] = "inactive"
    """The input's level while the door is open; `inactive` for a contact closed by a shut door."""
    strike: Output | None = None
    """The output of the strike that lets somebody through, counted from 0."""
    strike_s: Annotated[float, Field(ge=0.1, le=60)] = 3.0
    """How long it is on; the device itself switches it off."""

    @model_validator(mode="after")
    def _no_home(self) -> Self:
        if self.role is Role.HOME and self.strike is not None:
            raise ValueError("a home door is only ever watched; nothing may lock or release it")
        return self


class OutputConfig(OptionTable):
    """`[devices.NAME.outputs.OUTPUT]`: an output that may be switched."""

    number: Output
    """Which one, counted from 0."""


class Config(DeviceConfig):
    """An OSDP device, alone on an RS-485 line."""

    driver: Literal["osdp"]
    port: FilePath
    """The serial port; best a stable name, as under /dev/serial/by-path."""
    baud: Baud = 9600
    """Bits per second."""
    address: Annotated[int, Field(ge=0, le=126)] = 0
    """The device's OSDP address."""
    key_file: SecretPath
    """File with the device's own key (SCBK), 32 hexadecimal digits on its first line."""
    installation: bool = False
    """Let a device in that has the default key only, and give it the one in `key_file`."""
    doors: dict[Name, DoorConfig] = Field(default_factory=dict)
    """The doors on its inputs."""
    outputs: dict[Name, OutputConfig] = Field(default_factory=dict)
    """Outputs that may be switched by name; never one that holds a door shut."""

    @model_validator(mode="after")
    def _strikes_are_apart(self) -> Self:
        taken = {output.number: f"outputs.{name}" for name, output in self.outputs.items()}
        for name, door in self.doors.items():
            if door.strike is None:
                continue
            use = f"doors.{name}.strike"
            if door.strike in taken:
                raise ValueError(f"{use} is {door.strike}, as is {taken[door.strike]}")
            taken[door.strike] = use
        return self


class Driver(BaseDriver):
    """Keeps the device's Secure Channel up and tells what it reports."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._panel: Panel | None = None
        self._refused: set[Report] = set()
        self._inputs = b""
        self._tamper: bool | None = None
        self._told: dict[str, DoorObserved] = {}

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        key = _key(config.key_file)
        async with serialport.opened(config.port, baud=config.baud, confidential=True) as port:
            panel = Panel(port, config.address, key, secure=not config.installation)
            try:
                await together(panel.receive(), panel.refresh(), self._follow(panel, emit))
            finally:
                self._panel = None
                panel.close()

    def lost(self) -> Sequence[Reading]:
        """See :meth:`drivers.base.Driver.lost`."""
        self._inputs, self._tamper = b"", None
        return self._news()

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        todo = self._order(command)
        if todo is None:
            await super().execute(command)
            return
        if self._panel is None:
            raise CommandError(f"the OSDP device on {self._config.port} is not connected")
        try:
            done = await self._panel.tell(todo)
        except TimeoutError as error:
            raise CommandError(f"the OSDP device on {self._config.port} is silent") from error
        if not done:
            raise CommandError(f"the OSDP device on {self._config.port} refuses")

    def _order(self, command: Command) -> dict[str, Any] | None:
        """What to tell the device; None if there is nothing for this."""
        doors, outputs = self._config.doors, self._config.outputs
        match command:
            case Release(name) if name in doors and doors[name].strike is not None:
                return order(doors[name].strike or 0, Control.ON_FOR, doors[name].strike_s)
            case PulseOutput(name, seconds) if name in outputs:
                if not 0 < seconds <= _LONGEST_S:
                    raise CommandError(f"a pulse has up to {_LONGEST_S:g} s, not {seconds:g}")
                return order(outputs[name].number, Control.ON_FOR, seconds)
            case SwitchOutput(name, on) if name in outputs:
                return order(outputs[name].number, Control.ON if on else Control.OFF)
        return None

    async def _follow(self, panel: Panel, emit: Emit) -> NoReturn:
        await panel.online()
        self.counters.online()
        if self._config.installation:
            await emit(DeviceObserved(DeviceState.DEGRADED, _INSTALLATION))
        else:
            await emit(DeviceObserved(DeviceState.ONLINE))
        self._panel = panel
        for report in (Report.LOCAL, Report.INPUTS):
            await self._ask(panel, report)
        for door in self._news():
            await emit(door)
        while True:
            for reading in self._understood(await panel.events.get()):
                await emit(reading)

    async def _ask(self, panel: Panel, report: Report) -> None:
        """Have the device tell what is the case now; from then on it tells every change."""
        if report in self._refused or (report is Report.INPUTS and not panel.has_inputs):
            return
        if not await panel.tell(question(report)):
            self._refused.add(report)
            raise DeviceError(
                f"the OSDP device on {self._config.port} does not tell its {report.name.lower()};"
                f" it is not asked again, and they are unknown until they change"
            )

    def _understood(self, event: Event) -> Iterator[Reading]:
        match event:
            case Card():
                yield CodeScanned(event.data, "card", "reader")
            case Local():
                self._tamper = event.tamper
                usual = DeviceState.DEGRADED if self._config.installation else DeviceState.ONLINE
                reason = _INSTALLATION if self._config.installation else None
                yield DeviceObserved(*_trouble(event) or (usual, reason))
                yield from self._news()
            case Inputs():
                self._inputs = event.levels
                yield from self._news()

    def _news(self) -> list[DoorObserved]:
        """The doors that are not as they were told last."""
        doors = [
            DoorObserved(name, door.role, _position(door, self._inputs), tamper=self._tamper)
            for name, door in self._config.doors.items()
        ]
        news = [door for door in doors if self._told.get(door.door) != door]
        self._told.update((door.door, door) for door in news)
        return news


def _trouble(event: Local) -> tuple[DeviceState, str] | None:
    if event.tamper:
        return DeviceState.DEGRADED, "is being tampered with"
    if event.power_failed:
        return DeviceState.DEGRADED, "its power has failed"
    return None


def _position(door: DoorConfig, inputs: bytes) -> Position:
    level = inputs[door.input] if door.input < len(inputs) else None
    match level:
        case None:
            return Position.UNKNOWN
        case 0 | 1:
            return Position.OPEN if bool(level) is (door.open_when == "active") else Position.CLOSED
        case _:
            return Position.FAULT


def _key(file: Path) -> bytes:
    try:
        with file.open(encoding="ascii") as lines:
            key = bytes.fromhex(lines.readline())
    except (OSError, ValueError) as error:
        raise DeviceError(f"{file} holds no key that can be read") from error
    if len(key) != 16:
        raise DeviceError(f"{file} holds a key of {len(key)} bytes; expected 32 hexadecimal digits")
    return key
