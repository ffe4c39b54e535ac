"""Events and their envelope: the one place that knows the JSON.

The envelope is CloudEvents 1.0 in structured mode. An event is encoded once, when the journal has
given it its place; from then on everybody copies bytes.
"""

import hmac
import re
import secrets
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field
from msgspec.json import Encoder

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
_UNSYNC = re.compile(
    rb',"time":"[^"]{24}","recordedtime":"([^"]{24})","sequence":"([0-9]+)","clock":"unsync"'
)
"""In a text these would stand with a backslash before each quotation mark."""
_encoder = Encoder()
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE32_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
"""Two digits at a time: 1.0 µs for a token, the standard library's b32encode takes 2.7."""


class Kind(StrEnum):
    """What an event is about; the last level of its topic and part of its type."""

    SCAN = "scan"
    TEMPERATURE = "temperature"
    DOOR = "door"
    DEVICE = "device"
    GAP = "gap"
    ALARM = "alarm"
    DOCUMENT = "document"


class _Data(Struct, frozen=True, omit_defaults=True):
    """What an event says; what is None is left out."""


class ScanData(_Data, frozen=True, kw_only=True):
    """A code was read. Its content is not in here, only a pseudonym of it."""

    device: str
    lane: str | None = None
    medium: str
    symbology: str
    verdict: str
    """`opaque`: nobody has judged the content."""
    token: str
    """Keyed pseudonym of the content: equal contents give equal tokens at this gateway."""
    decode_ms: float | None


class TemperatureData(_Data, frozen=True, kw_only=True):
    """A person was measured. Nothing is altered: raw and reported value both stand here."""

    device: str
    lane: str | None = None
    celsius: float
    raw_celsius: float
    kind: Surface
    quality: Quality
    reason: str | None = None
    ambient_celsius: float | None = None
    body_celsius: float | None = None
    """What the sensor makes of it for a body, by its maker's own formula."""
    correction: float | None = None
    samples: int


class DoorData(_Data, frozen=True, kw_only=True):
    """The state of a door as its contacts tell it."""

    device: str
    door: str
    role: Role
    position: Position
    lock: Lock
    commanded: Lock | None = None
    """What this gateway last told the lock to be; what it is, `lock` says."""
    tamper: bool | None = None
    battery: float | None = None
    """Percent, of the weakest device on the door."""


class DeviceData(_Data, frozen=True, kw_only=True):
    """A device came, went, or said something about its own condition."""

    device: str
    driver: str
    state: DeviceState
    reason: str | None = None
    measured: float | None = None


class GapReason(StrEnum):
    """Why events are missing."""

    CORRUPT = "corrupt"
    DISK_FULL = "disk-full"
    RETENTION = "retention"
    UNRECORDED = "unrecorded"
    """The disk took nothing for so long that memory could not hold all; they have no numbers."""


class GapData(_Data, frozen=True, kw_only=True):
    """Events that have not been delivered, or that the centre has lost, and that cannot be sent.

    `from` and `to` are absent when not even the numbers are known.
    """

    epoch: str | None = None
    """The life of the journal in which they were numbered; absent if that is not known either."""
    first: int | None = field(default=None, name="from")
    last: int | None = field(default=None, name="to")
    count: int | None = None
    """How many; absent if that is not known. Others of the range may have been delivered."""
    why: GapReason


class AlarmState(StrEnum):
    """Where an alarm stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


class AlarmData(_Data, frozen=True, kw_only=True):
    """Something that somebody must look at."""

    alarm: str
    """What it is about, for example `journal-failing`."""
    state: AlarmState
    reason: str | None = None


class DocumentState(StrEnum):
    """What became of a document."""

    APPLIED = "applied"
    REFUSED = "refused"


class DocumentData(_Data, frozen=True, kw_only=True):
    """Something that the gateway works by was put in force, or refused as a whole."""

    name: str
    """Which: `configuration`."""
    version: str | None = None
    """Absent if it could not even be read."""
    state: DocumentState
    reason: str | None = None


Data = ScanData | TemperatureData | DoorData | DeviceData | GapData | AlarmData | DocumentData


class Origin(Struct, frozen=True):
    """The device behind a reading."""

    device: str
    driver: str
    lane: str | None


class Observation(Struct, frozen=True):
    """A reading with where and when it was taken."""

    origin: Origin
    stamp: Stamp
    reading: Reading


class Draft(Struct, frozen=True):
    """An event that has no place in the journal yet."""

    kind: Kind
    subject: str
    stamp: Stamp
    data: Data
    alarm: bool = False
    correlation: str | None = None
    """What events that belong together share; ASCII letters and digits."""


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
        number = int.from_bytes(digest[:16], "big") << 2  # 128 bits, and 2 to make 13 times 10
        return "".join([_BASE32_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def draft(observation: Observation, pseudonyms: Pseudonyms) -> Draft:
    """The event that records ``observation``."""
    kind, subject, data = _describe(observation.origin, observation.reading, pseudonyms)
    return Draft(kind, subject, observation.stamp, data)


def new_correlation() -> str:
    """For events that will share it."""
    return secrets.token_hex(8)


def alarm(
    name: str, state: AlarmState, reason: str | None, subject: str, stamp: Stamp, correlation: str
) -> Draft:
    """The event that says where an alarm stands; all of one trouble share a `correlation`."""
    data = AlarmData(alarm=name, state=state, reason=reason)
    return Draft(Kind.ALARM, subject, stamp, data, alarm=True, correlation=correlation)


def document(
    name: str, version: str | None, state: DocumentState, reason: str | None, stamp: Stamp
) -> Draft:
    """The event that says what became of version `version` of the document `name`."""
    data = DocumentData(name=name, version=version, state=state, reason=reason)
    return Draft(Kind.DOCUMENT, "gateway", stamp, data)


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
                decode_ms=None if reading.decode_ms is None else round(reading.decode_ms, 1),
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
                body_celsius=reading.body_celsius,
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
                commanded=reading.commanded,
                tamper=reading.tamper,
                battery=reading.battery_percent,
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
    envelope = _Envelope(
        "1.0",
        event_id(epoch, seq),
        source,
        f"checkpoint.{event.kind}.v1",
        event.subject,
        rfc3339(event.stamp.wall_ms),
        rfc3339(recorded_ms),
        f"{seq:012d}",
        event.stamp.quality,
        event.data,
        event.correlation,
    )
    return _encoder.encode(envelope)


def redated(body: bytes, former_ms: int, wall_ms: int) -> bytes | None:
    """The encoded event with its time put right: `wall_ms` for `former_ms`.

    None if its clock was not unsync: such a time is never changed.
    """
    match = _UNSYNC.search(body)
    if match is None:
        return None
    recorded = datetime.fromisoformat(match[1].decode())
    later_ms = round(recorded.timestamp() * 1000) - former_ms
    clock = (
        f',"time":"{rfc3339(wall_ms)}","recordedtime":"{rfc3339(wall_ms + later_ms)}"'
        f',"sequence":"{match[2].decode()}","clock":"{TimeQuality.CORRECTED}"'
    )
    return body[: match.start()] + clock.encode() + body[match.end() :]


class _Envelope(Struct, omit_defaults=True):
    """The order is that of the text: `identify` looks for the id where it begins."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    recordedtime: str
    sequence: str
    clock: TimeQuality
    data: Data
    correlationid: str | None = None
