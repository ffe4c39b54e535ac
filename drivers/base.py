"""The vocabulary every driver shares: readings, device configuration, drivers and their one error.

A reading says what a device observed, never what it means: whether somebody may pass is
decided elsewhere. Nothing in a reading is guessed; what the device did not tell is ``None`` or
``UNKNOWN``.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from enum import IntEnum, StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NoReturn, Protocol

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from drivers.counters import Counters

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$"),
    Field(json_schema_extra={"words": "1 to 32 small letters, digits, - or _, no - or _ first"}),
]
"""A device, lane or door as the configuration names it; short and safe inside a topic."""

_ONE_LINE = r"^[^\x00-\x1f\x7f]+$"

Line = Annotated[
    str,
    StringConstraints(pattern=_ONE_LINE, min_length=1, max_length=1024),
    Field(json_schema_extra={"words": "1 to 1024 characters on one line, in quotes"}),
]
"""Text without control characters: what it goes to may end it at one of them."""


def _a_path(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(_ONE_LINE, value):
        raise PydanticCustomError("path", "empty, or with a control character")
    return value


FilePath = Annotated[
    Path,
    BeforeValidator(_a_path),
    Field(json_schema_extra={"pattern": _ONE_LINE, "words": "the path of a file or directory"}),
]
"""A file, directory or device node: no empty text, which would mean the current directory, and
no control character, at which the system or a log would end it."""

SECRETS = Path("/etc/checkpoint-gateway/secrets")
"""What is in here only root can read; the service gets copies (LoadCredential= in its unit)."""


def _where_held(path: Path) -> Path:
    """systemd's copy of a file in `SECRETS`, see systemd.exec(5), Credentials; else `path`."""
    copy = Path(os.environ.get("CREDENTIALS_DIRECTORY", ""), f"secrets_{path.name}")
    return copy if path.parent == SECRETS and os.access(copy, os.R_OK) else path


SecretPath = Annotated[FilePath, AfterValidator(_where_held)]
"""A file that may be in `SECRETS`; the path is where this process can read it."""


class Position(StrEnum):
    """Where a door leaf is, in ONVIF's words (DoorPhysicalState)."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    FAULT = "fault"


class Lock(StrEnum):
    """What a lock reports about itself, in ONVIF's words (LockPhysicalState)."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    UNKNOWN = "unknown"
    FAULT = "fault"


class Role(StrEnum):
    """What a door is for. A home door is only ever watched; nothing here can lock one."""

    GATE = "gate"
    SEALED = "sealed"
    HOME = "home"


class Surface(StrEnum):
    """What a temperature was taken of, as the device states it."""

    SURFACE = "surface"
    BODY = "body"


class Quality(StrEnum):
    """How far a measurement can be trusted."""

    OK = "ok"
    SUSPECT = "suspect"
    INVALID = "invalid"


class DeviceState(StrEnum):
    """Whether a device can be relied on right now."""

    ONLINE = "online"
    DEGRADED = "degraded"
    LOST = "lost"
    REMOVED = "removed"
    """It is no longer configured; said by the gateway, by no driver."""


@dataclass(frozen=True, slots=True)
class CodeScanned:
    """A code was held up and read.

    ``payload`` is what the symbol carries, byte for byte. It may be anything a stranger printed,
    so it stays out of every ``repr`` and must not reach a log, a topic or a query. ``decode_ms``
    is how long the reading took, where the reader tells.
    """

    payload: bytes = field(repr=False)
    symbology: str
    medium: str
    decode_ms: float | None = None


@dataclass(frozen=True, slots=True)
class TemperatureMeasured:
    """One measurement of one person.

    ``celsius`` is the value to report and ``raw_celsius`` what the sensor sent; they differ by
    ``correction`` (°C, added) only where the configuration names one. ``body_celsius`` is what a
    sensor makes of it for a body, by its maker's formula; it is the value to report, in place of
    the raw one, only where the configuration asks for that and ``kind`` therefore says BODY.
    """

    celsius: float
    raw_celsius: float
    kind: Surface
    quality: Quality = Quality.OK
    reason: str | None = None
    ambient_celsius: float | None = None
    body_celsius: float | None = None
    correction: float | None = None
    samples: int = 1


@dataclass(frozen=True, slots=True)
class DoorObserved:
    """The state of a door as its contacts tell it; sent at start and at every change.

    ``commanded`` is what this gateway last told the lock to be, and proves nothing about ``lock``.
    """

    door: str
    role: Role
    position: Position
    lock: Lock = Lock.UNKNOWN
    tamper: bool | None = None
    commanded: Lock | None = None
    battery_percent: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceObserved:
    """A device's own condition; ``measured`` is the figure behind ``reason``, if there is one."""

    state: DeviceState
    reason: str | None = None
    measured: float | None = None


Reading = CodeScanned | TemperatureMeasured | DoorObserved | DeviceObserved


@dataclass(frozen=True, slots=True)
class Release:
    """Let somebody through ``door``, for the time that its stanza names. Nothing tells a door to
    shut: there is no such command."""

    door: str


@dataclass(frozen=True, slots=True)
class SwitchOutput:
    """Set ``output`` until told otherwise."""

    output: str
    on: bool


@dataclass(frozen=True, slots=True)
class PulseOutput:
    """Switch ``output`` on for ``seconds``."""

    output: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TriggerScan:
    """Look for a code now."""


@dataclass(frozen=True, slots=True)
class MeasureTemperature:
    """Measure who is there now."""


Language = Literal["zh-CN", "zh-Hant", "en"]
"""In which whoever is at the gate is spoken to, by its BCP 47 tag."""


class Urgency(IntEnum):
    """What gives way to what where one thing can be presented at a time."""

    ROUTINE = 0
    NOTICE = 1
    """Somebody is to do something."""
    ALARM = 2


@dataclass(frozen=True, slots=True)
class Announce:
    """Say or show something to whoever is there, now or not at all.

    ``prompt`` names it, and its recording; ``texts`` is the whole sentence by language, each
    on one line. ``lane`` is where it is meant for; None: the whole gate. ``at`` is the local
    time of day, None while nobody knows it.
    """

    prompt: str
    texts: Mapping[Language, str]
    lane: str | None = None
    urgency: Urgency = Urgency.ROUTINE
    at: time | None = None


Command = Release | SwitchOutput | PulseOutput | TriggerScan | MeasureTemperature | Announce


class Emit(Protocol):
    """Where a driver puts its readings; waits while the gateway cannot take more."""

    async def __call__(self, reading: Reading, *, age_s: float = 0.0) -> None:
        """Hand over ``reading``, observed ``age_s`` seconds ago."""


class DeviceError(Exception):
    """The device cannot be used at present; the sentence says what was found.

    Raised by ``Driver.run`` when it cannot go on. It is tried again later, by somebody else.
    """


class CommandError(Exception):
    """The device did not do what it was told, as far as is known; the sentence says why."""


class OptionTable(BaseModel):
    """Any table of the configuration: nothing may be misspelt, no number be infinite or none at
    all, and nothing changes after loading."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class LineUse(NamedTuple):
    """How a device uses a serial line that others may be on too."""

    port: str
    """The line's name, one of perhaps several."""
    settings: str
    """What all of them must agree on, in words."""
    station: str
    """What no two of them may be, in words."""


class DeviceConfig(OptionTable):
    """The stanza ``[devices.NAME]``; each driver extends it and fixes ``driver`` to its name."""

    driver: str
    """The driver's name: the file name under ``drivers/``."""
    lane: Name | None = None
    """The lane this device serves; a name under ``[lanes]``."""

    @property
    def door_roles(self) -> Mapping[str, Role]:
        """What each of its doors is for; a family that has doors names them in ``doors``."""
        doors: Mapping[str, Any] = getattr(self, "doors", {})
        return {name: door.role for name, door in doors.items()}

    @property
    def releasable(self) -> frozenset[str]:
        """Those of its doors that it can release; by default those that have a ``strike``."""
        doors: Mapping[str, Any] = getattr(self, "doors", {})
        return frozenset(
            name for name, door in doors.items() if getattr(door, "strike", None) is not None
        )

    @property
    def contacts(self) -> frozenset[str]:
        """Those of its doors whose position it can know; by default those with an ``input`` or a
        ``contact``."""
        doors: Mapping[str, Any] = getattr(self, "doors", {})
        return frozenset(
            name
            for name, door in doors.items()
            if getattr(door, "input", None) is not None or getattr(door, "contact", None)
        )

    def line_use(self) -> LineUse | None:
        """How it shares its port; ``None`` if the port must be its own."""
        return None

    def notices(self) -> Sequence[str]:
        """What is allowed and must be known to whoever builds the gate; one sentence each."""
        return ()


class Driver(ABC):
    """One device. Constructing it does no I/O, so that a configuration can be checked anywhere."""

    presents: ClassVar[bool] = False
    """Whether it can say or show something: whether it carries out `Announce`."""

    @cached_property
    def counters(self) -> Counters:
        """What it met besides good frames; whoever looks after the gate can ask for it."""
        return Counters()

    def lost(self) -> Sequence[Reading]:
        """What is no longer known now that ``run`` has failed, for whatever reason.

        A lost link makes a door unknown; it never leaves it closed.
        """
        return ()

    async def execute(self, command: Command) -> None:
        """Carry out ``command`` while ``run`` is at work; returns once the device has confirmed it,
        or has been told where it confirms nothing.

        Raises:
            CommandError: it cannot do this, is not connected, or did not confirm.
        """
        raise CommandError(f"this device cannot do {type(command).__name__}")

    @abstractmethod
    async def run(self, emit: Emit) -> NoReturn:
        """Talk to the device until cancelled.

        Emits ``DeviceObserved(ONLINE)`` once the device has answered. No retry, no back-off and
        no log of a lost connection in here: whoever runs the driver does these once for all.

        Raises:
            DeviceError: the device does not answer, or answered with something unusable.
        """
