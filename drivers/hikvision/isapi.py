"""What a Hikvision terminal tells over ISAPI: alerts, as JSON or XML, and the state of its doors.

An alert says what has happened; only these are about people and doors::

    majorEventType  subEventType
    5 event         0x15 lock opened   0x16 lock closed
                    0x19 door opened   0x1A door closed   0x1B forced open   0x1C held open
                    others: somebody was let in or not, with cardNo or QRCodeInfo
    1 alarm         0x404 tampered with   0x405 no more

``serialNo`` counts the events; ``currentEvent`` is false for those that a terminal repeats from its
memory after a reconnect. Any event may bring ``currTemperature``, in ``thermometryUnit``.

AcsWorkStatus has one figure for each door: 0 closed, 1 open, 2 to 4 a short or broken circuit, or
another fault, of the lock (``doorLockStatus``) and of the contact (``magneticStatus``).

Sources: Hikvision ISAPI Developer Guide, Access Control; alerts of terminals in public code.
"""

import json
from typing import Annotated, Final, Literal, Self
from xml.etree import ElementTree

from pydantic import AliasPath, BaseModel, ConfigDict, Field, ValidationError

from drivers.base import Lock, Position

STREAM: Final = "/ISAPI/Event/notification/alertStream"
STATUS: Final = "/ISAPI/AccessControl/AcsWorkStatus?format=json"
RELEASE: Final = '<RemoteControlDoor version="2.0"><cmd>open</cmd></RemoteControlDoor>'
"""Opens a door for the time set in the terminal; no other command is ever sent."""

_ALARM: Final = 1
_EVENT: Final = 5

_POSITIONS: Final = {
    0x19: Position.OPEN,
    0x1A: Position.CLOSED,
    0x1B: Position.OPEN,
    0x1C: Position.OPEN,
}
_LOCKS: Final = {0x15: Lock.UNLOCKED, 0x16: Lock.LOCKED}
_TAMPER: Final = {0x404: True, 0x405: False}
_BUTTON: Final = (0x17, 0x18)


def release_path(door: int) -> str:
    """Where ``RELEASE`` is sent for a door, counted from 1."""
    return f"/ISAPI/AccessControl/RemoteControl/door/{door}"


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Access(_Told):
    """``AccessControllerEvent``; what else is in it stays there."""

    major: int = Field(alias="majorEventType")
    minor: int = Field(alias="subEventType")
    serial: int | None = Field(None, alias="serialNo")
    current: bool = Field(True, alias="currentEvent")
    door: int = Field(1, alias="doorNo")
    card: str = Field("", alias="cardNo", repr=False)
    code: str = Field("", alias="QRCodeInfo", repr=False)
    temperature: float | None = Field(None, alias="currTemperature", allow_inf_nan=False)
    unit: Literal["celsius", "fahrenheit", "kelvin"] = Field("celsius", alias="thermometryUnit")

    @property
    def position(self) -> Position | None:
        """Where it says that the door is."""
        return _POSITIONS.get(self.minor) if self.major == _EVENT else None

    @property
    def lock(self) -> Lock | None:
        """What it says of the lock."""
        return _LOCKS.get(self.minor) if self.major == _EVENT else None

    @property
    def tamper(self) -> bool | None:
        """Whether the terminal is being tampered with, if it is about that."""
        return _TAMPER.get(self.minor) if self.major == _ALARM else None

    @property
    def is_about_a_person(self) -> bool:
        """Whether somebody held something up; a door's events repeat who was let in."""
        return self.major == _EVENT and self.minor not in {*_POSITIONS, *_LOCKS, *_BUTTON}

    @property
    def celsius(self) -> float | None:
        """The temperature, if there is one: 0 is what a terminal without a sensor says."""
        if not self.temperature:
            return None
        match self.unit:
            case "fahrenheit":
                return round((self.temperature - 32) / 1.8, 2)
            case "kelvin":
                return round(self.temperature - 273.15, 2)
            case _:
                return self.temperature


class Alert(_Told):
    """``EventNotificationAlert``; without ``access`` it is a sign of life, or of no concern."""

    kind: str = Field("", alias="eventType")
    at: str = Field("", alias="dateTime")
    access: Access | None = Field(None, alias="AccessControllerEvent")

    @classmethod
    def read(cls, body: bytes) -> Self | None:
        """The alert in a part's body; None if it cannot be understood."""
        try:
            told = _tree(body) if body.lstrip().startswith(b"<") else json.loads(body)
            if isinstance(told, dict) and "EventNotificationAlert" in told:
                told = told["EventNotificationAlert"]
            return cls.model_validate(told)
        except (ValidationError, ValueError, RecursionError, ElementTree.ParseError):
            return None


def _tree(body: bytes) -> dict[str, object]:
    return {_local(each.tag): _value(each) for each in ElementTree.fromstring(body)}


def _value(element: ElementTree.Element) -> object:
    if len(element):
        return {_local(each.tag): _value(each) for each in element}
    return (element.text or "").strip()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


_Figures = Annotated[list[int], Field(default_factory=list)]


class WorkStatus(_Told):
    """``AcsWorkStatus``: the terminal's doors, one figure for each."""

    locks: _Figures = Field(validation_alias=AliasPath("AcsWorkStatus", "doorLockStatus"))
    contacts: _Figures = Field(validation_alias=AliasPath("AcsWorkStatus", "magneticStatus"))

    def position(self, door: int) -> Position:
        """Of a door counted from 1."""
        known = {0: Position.CLOSED, 1: Position.OPEN} | dict.fromkeys((2, 3, 4), Position.FAULT)
        return known.get(_figure(self.contacts, door), Position.UNKNOWN)

    def lock(self, door: int) -> Lock:
        """Of a door counted from 1."""
        known = {0: Lock.LOCKED, 1: Lock.UNLOCKED} | dict.fromkeys((2, 3, 4), Lock.FAULT)
        return known.get(_figure(self.locks, door), Lock.UNKNOWN)


def _figure(figures: list[int], door: int) -> int:
    return figures[door - 1] if door <= len(figures) else -1
