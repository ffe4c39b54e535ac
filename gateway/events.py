"""Events and their envelope: the one place that knows the JSON.

The envelope is CloudEvents 1.0 in structured mode. An event is encoded once, when the journal has
given it its place; from then on everybody copies bytes.
"""

import hmac
import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from drivers.base import (
    CodeScanned,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    Quality,
    Reading,
    Role,
    Surface,
    TemperatureMeasured,
)
from gateway.clock import Stamp, TimeQuality, rfc3339

_ID = re.compile(rb'\{"specversion":"1\.0","id":"([a-z2-7]{8})-([1-9][0-9]{0,18})"')


class Kind(StrEnum):
    """What an event is about; the last level of its topic and part of its type."""

    SCAN = "scan"
    TEMPERATURE = "temperature"
    DOOR = "door"
    DEVICE = "device"
    GAP = "gap"
    ALARM = "alarm"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ScanData(_Data):
    """A code was read. Its content is not in here, only a pseudonym of it."""

    device: str
    lane: str | None
    medium: str
    symbology: str
    verdict: str
    """`opaque`: nobody has judged the content."""
    token: str
    """Keyed pseudonym of the content: equal contents give equal tokens at this gateway."""
    decode_ms: float


class TemperatureData(_Data):
    """A person was measured. Nothing is altered: raw and reported value both stand here."""

    device: str
    lane: str | None
    celsius: float
    raw_celsius: float
    kind: Surface
    quality: Quality
    reason: str | None
    ambient_celsius: float | None
    correction: float | None
    samples: int


class DoorData(_Data):
    """The state of a door as its contacts tell it."""

    device: str
    door: str
    role: Role
    position: Position
    lock: Lock
    tamper: bool | None


class DeviceData(_Data):
    """A device came, went, or said something about its own condition."""

    device: str
    driver: str
    state: DeviceState
    reason: str | None
    measured: float | None


class GapReason(StrEnum):
    """Why events are missing."""

    CORRUPT = "corrupt"
    DISK_FULL = "disk-full"
    RETENTION = "retention"
    UNRECORDED = "unrecorded"
    """The disk took nothing for so long that memory could not hold all; they have no numbers."""


class GapData(_Data):
    """Events that have not been delivered and can no longer be.

    `from` and `to` are absent when not even the numbers are known.
    """

    epoch: str | None
    """The life of the journal in which they were numbered; absent if that is not known either."""
    first: int | None = Field(serialization_alias="from")
    last: int | None = Field(serialization_alias="to")
    count: int | None = None
    """How many; absent if that is not known. Others of the range may have been delivered."""
    why: GapReason


class AlarmState(StrEnum):
    """Where an alarm stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


class AlarmData(_Data):
    """Something that somebody must look at."""

    alarm: str
    """What it is about, for example `journal-failing`."""
    state: AlarmState
    reason: str | None


Data = ScanData | TemperatureData | DoorData | DeviceData | GapData | AlarmData


@dataclass(frozen=True, slots=True)
class Origin:
    """The device behind a reading."""

    device: str
    driver: str
    lane: str | None


@dataclass(frozen=True, slots=True)
class Observation:
    """A reading with where and when it was taken."""

    origin: Origin
    stamp: Stamp
    reading: Reading


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that has no place in the journal yet."""

    kind: Kind
    subject: str
    stamp: Stamp
    data: Data
    alarm: bool = False


class Pseudonyms:
    """Turns a code's content into a token that only this gateway's key could have made.

    A bare hash of an identity number is undone in seconds by trying them all; a keyed one is not.
    """

    KEY_BYTES = 32

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def new_key(cls) -> bytes:
        """A fresh random key."""
        return secrets.token_bytes(cls.KEY_BYTES)

    def token(self, payload: bytes) -> str:
        """26 characters, `a-z2-7`: the first 128 bits of HMAC-SHA256."""
        digest = hmac.digest(self._key, payload, "sha256")
        return b32encode(digest[:16]).decode("ascii").rstrip("=").lower()


def draft(observation: Observation, pseudonyms: Pseudonyms) -> Draft:
    """The event that records ``observation``."""
    kind, subject, data = _describe(observation.origin, observation.reading, pseudonyms)
    return Draft(kind, subject, observation.stamp, data)


def _describe(origin: Origin, reading: Reading, pseudonyms: Pseudonyms) -> tuple[Kind, str, Data]:
    place = f"lane/{origin.lane}" if origin.lane else f"device/{origin.device}"
    match reading:
        case CodeScanned():
            scan = ScanData(
                device=origin.device,
                lane=origin.lane,
                medium=reading.medium,
                symbology=reading.symbology,
                verdict="opaque",
                token=pseudonyms.token(reading.payload),
                decode_ms=round(reading.decode_ms, 1),
            )
            return Kind.SCAN, place, scan
        case TemperatureMeasured():
            temperature = TemperatureData(
                device=origin.device,
                lane=origin.lane,
                celsius=reading.celsius,
                raw_celsius=reading.raw_celsius,
                kind=reading.kind,
                quality=reading.quality,
                reason=reading.reason,
                ambient_celsius=reading.ambient_celsius,
                correction=reading.correction,
                samples=reading.samples,
            )
            return Kind.TEMPERATURE, place, temperature
        case DoorObserved():
            door = DoorData(
                device=origin.device,
                door=reading.door,
                role=reading.role,
                position=reading.position,
                lock=reading.lock,
                tamper=reading.tamper,
            )
            return Kind.DOOR, f"door/{reading.door}", door
        case DeviceObserved():
            device = DeviceData(
                device=origin.device,
                driver=origin.driver,
                state=reading.state,
                reason=reading.reason,
                measured=reading.measured,
            )
            return Kind.DEVICE, f"device/{origin.device}", device


def event_id(epoch: str, seq: int) -> str:
    """The id that an event keeps for ever, however often it is sent."""
    return f"{epoch}-{seq}"


def identify(body: bytes) -> tuple[str, int] | None:
    """Epoch and sequence number of an encoded event; None if this is none, or damaged."""
    match = _ID.match(body)
    return (match[1].decode(), int(match[2])) if match else None


def encode(event: Draft, *, source: str, epoch: str, seq: int, recorded_ms: int) -> bytes:
    """The event as it will be sent: CloudEvents JSON in UTF-8.

    ``source`` is ``/gateways/<id>``; ``seq`` counts from 1 within ``epoch``.
    """
    # Put together by hand around the parts that to_json must escape: 2.0 µs instead of 4.0.
    head = (
        f'{{"specversion":"1.0","id":"{event_id(epoch, seq)}",'
        f"{_what(source, event.kind, event.subject)}"
        f',"time":"{rfc3339(event.stamp.wall_ms)}","recordedtime":"{rfc3339(recorded_ms)}"'
        f',"sequence":"{seq:012d}","clock":"{event.stamp.quality}","data":'
    )
    return head.encode() + to_json(event.data, exclude_none=True) + b"}"


@lru_cache(maxsize=256)  # a box has a handful of lanes, doors and devices
def _what(source: str, kind: Kind, subject: str) -> str:
    texts = to_json({"source": source, "type": f"checkpoint.{kind}.v1", "subject": subject})
    return texts.decode()[1:-1]


class BirthState(_Data):
    """Sent, retained, at every connection."""

    state: str = "birth"
    session: int
    """Grows by one with every connection, so that an old will cannot pass for a new one."""
    epoch: str
    first_seq: int
    last_seq: int
    confirmed_seq: int
    software: str
    contract: str = "cg1"
    clock: TimeQuality
    devices: dict[str, DeviceState]
    lanes: list[str]


class EndState(_Data):
    """`offline`: stopped on purpose, sent by the gateway; `lost`: the will, sent by the broker."""

    state: str
    session: int
    epoch: str


def encode_state(state: BirthState | EndState, *, source: str, at_ms: int) -> bytes:
    """A state message in the same envelope, without a place in the journal."""
    envelope = {
        "specversion": "1.0",
        "id": f"{state.epoch}-state-{state.session}-{state.state}",
        "source": source,
        "type": "checkpoint.state.v1",
        "time": rfc3339(at_ms),
        "data": state,
    }
    return to_json(envelope)
