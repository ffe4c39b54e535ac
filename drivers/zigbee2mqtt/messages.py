"""What Zigbee2MQTT tells of door contacts and locks, and what is known of the doors by it.

::

    contact     true while closed          lock_state  locked, unlocked, not_fully_locked
    tamper      true while open            state       LOCK or UNLOCK; UNLOCK also if not known
    battery     percent                    last_seen   ISO 8601, or milliseconds since 1970

A message repeats from memory what the device did not send again. Source: Zigbee2MQTT's
documentation, MQTT topics and messages; its converters fromZigbee.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from drivers.base import DoorObserved, Lock, OptionTable, Position, Role

_LOCKS: Final = {
    "locked": Lock.LOCKED,
    "unlocked": Lock.UNLOCKED,
    "not_fully_locked": Lock.FAULT,
}
Topic = Annotated[
    str,
    StringConstraints(pattern=r"^[^+#/\x00-\x1f\x7f][^+#\x00-\x1f\x7f]{0,127}$"),
    Field(json_schema_extra={"words": "a name as Zigbee2MQTT shows it, in quotes"}),
]
"""A name that is a topic, or a part of one."""


def _a_time(value: datetime) -> datetime:
    if not 1970 <= value.year < 9999:  # others have no seconds since 1970 in every time zone
        raise ValueError("no time at which a device was seen")
    return value


class Report(BaseModel):
    """What Zigbee2MQTT knows of a device; fields that it does not know are absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    contact: bool | None = None
    lock_state: str | None = None
    state: str | None = None
    tamper: bool | None = None
    battery: Annotated[float, Field(ge=0, le=100)] | None = None
    last_seen: Annotated[datetime, AfterValidator(_a_time)] | None = None

    @classmethod
    def read(cls, payload: bytes) -> Self | None:
        """The report in a message; None if there is none."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError:
            return None

    @property
    def position(self) -> Position:
        """Where the door is."""
        known = {True: Position.CLOSED, False: Position.OPEN, None: Position.UNKNOWN}
        return known[self.contact]

    @property
    def lock(self) -> Lock:
        """Whether it is locked; ``state`` alone proves only the one."""
        if self.lock_state is None:
            return Lock.LOCKED if self.state == "LOCK" else Lock.UNKNOWN
        return _LOCKS.get(self.lock_state, Lock.UNKNOWN)


NOTHING: Final = Report()


def word(payload: bytes) -> str:
    """`online` or `offline`, however this version of Zigbee2MQTT wraps it; else nothing."""
    text = payload.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        told: Any = json.loads(text)
        text = str(told.get("state")) if isinstance(told, dict) else ""
    return text if text in {"online", "offline"} else ""


class DoorConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: one door and the Zigbee devices on it."""

    role: Role
    """What the door is for: `gate`, `sealed` or `home`."""
    contact: Topic | None = None
    """The door contact's friendly name."""
    lock: Topic | None = None
    """The lock's friendly name."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.contact is None and self.lock is None:
            raise ValueError("contact is missing; a door needs a contact or a lock, or both")
        return self


@dataclass(frozen=True, slots=True)
class _Seen:
    report: Report
    at_s: float


class Doors:
    """The doors as their devices report them; knows no clock, times are seconds of any clock."""

    def __init__(self, doors: Mapping[str, DoorConfig], stale_s: float) -> None:
        self._doors = doors
        self._stale_s = stale_s
        self._seen: dict[str, _Seen] = {}
        self._commanded: dict[str, Lock] = {}
        self._told: dict[str, DoorObserved] = {}

    @property
    def devices(self) -> set[str]:
        """The friendly names of all contacts and locks."""
        names = {each for door in self._doors.values() for each in (door.contact, door.lock)}
        return {name for name in names if name is not None}

    def report(self, device: str, report: Report, at_s: float) -> None:
        """Take what a device was seen to be at ``at_s``."""
        self._seen[device] = _Seen(report, at_s)

    def forget(self, device: str | None = None) -> None:
        """A device is out of reach; without a name, all are."""
        for each in [device] if device is not None else list(self._seen):
            self._seen.pop(each, None)

    def command(self, door: str, lock: Lock) -> None:
        """Note what the door's lock has been told."""
        self._commanded[door] = lock

    def news(self, now_s: float) -> list[DoorObserved]:
        """The doors that are not as they were told last."""
        doors = [self._door(name, door, now_s) for name, door in self._doors.items()]
        news = [door for door in doors if self._told.get(door.door) != door]
        self._told.update((door.door, door) for door in news)
        return news

    def _door(self, name: str, door: DoorConfig, now_s: float) -> DoorObserved:
        contact, lock = self._fresh(door.contact, now_s), self._fresh(door.lock, now_s)
        tampers = [each.tamper for each in (contact, lock) if each.tamper is not None]
        batteries = [each.battery for each in (contact, lock) if each.battery is not None]
        return DoorObserved(
            name,
            door.role,
            contact.position,
            lock.lock,
            tamper=any(tampers) if tampers else None,
            commanded=self._commanded.get(name),
            battery_percent=min(batteries, default=None),
        )

    def _fresh(self, device: str | None, now_s: float) -> Report:
        seen = self._seen.get(device or "")
        return seen.report if seen and now_s - seen.at_s < self._stale_s else NOTHING
