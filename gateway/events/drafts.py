"""Events without a place in the journal yet: what devices observed, as a record will say it."""

import hmac
import secrets
from typing import Protocol

from msgspec import Struct

from drivers.base import (
    CodeScanned,
    DeviceObserved,
    DoorObserved,
    Reading,
    TemperatureMeasured,
)
from gateway.clock import Stamp
from gateway.events.data import (
    AlarmData,
    AlarmState,
    Class,
    Data,
    DeviceData,
    DocumentData,
    DocumentState,
    DoorData,
    Fever,
    Kind,
    ScanData,
    TemperatureData,
    Verdict,
)

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_BASE32_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
"""Two digits at a time: 1.0 µs for a token, the standard library's b32encode takes 2.7."""


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


class Judged(Struct, frozen=True, kw_only=True):
    """What is known of a code when it is recorded; the fields are those of `ScanData`."""

    token: str
    class_: Class = Class.UNKNOWN
    verdict: Verdict = Verdict.OPAQUE
    former_token: str | None = None
    role: str | None = None
    until: int | None = None
    watched: bool | None = None
    registered: bool | None = None
    note: str | None = None
    content: str | None = None
    sealed: str | None = None


class Assessor(Protocol):
    """Judges what was observed, at the moment at which it is recorded."""

    def code(self, code: CodeScanned, stamp: Stamp) -> Judged:
        """Whose code it is, and whether it is good."""

    def fever(self, measured: TemperatureMeasured) -> tuple[float, Fever] | None:
        """The threshold in °C, and what that makes of the measurement; None: nobody judges it."""


class Unjudged:
    """Knows nobody's codes and no threshold."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def code(self, code: CodeScanned, stamp: Stamp) -> Judged:
        """See `Assessor.code`."""
        return Judged(token=self._pseudonyms.token(code.payload))

    def fever(self, measured: TemperatureMeasured) -> tuple[float, Fever] | None:
        """See `Assessor.fever`."""
        return None


def draft(observation: Observation, assessor: Assessor) -> Draft:
    """The event that records ``observation``."""
    kind, subject, data = _describe(observation, assessor)
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


def _describe(observation: Observation, assessor: Assessor) -> tuple[Kind, str, Data]:
    origin, reading = observation.origin, observation.reading
    place = f"lane/{origin.lane}" if origin.lane else f"device/{origin.device}"
    match reading:
        case CodeScanned():
            judged = assessor.code(reading, observation.stamp)
            return Kind.SCAN, place, _scan(origin, reading, judged)
        case TemperatureMeasured():
            return Kind.TEMPERATURE, place, _temperature(origin, reading, assessor.fever(reading))
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


def _scan(origin: Origin, code: CodeScanned, judged: Judged) -> ScanData:
    return ScanData(
        device=origin.device,
        lane=origin.lane,
        medium=code.medium,
        symbology=code.symbology,
        decode_ms=None if code.decode_ms is None else round(code.decode_ms, 1),
        class_=judged.class_,
        verdict=judged.verdict,
        token=judged.token,
        former_token=judged.former_token,
        role=judged.role,
        until=judged.until,
        watched=judged.watched,
        registered=judged.registered,
        note=judged.note,
        content=judged.content,
        sealed=judged.sealed,
    )


def _temperature(
    origin: Origin, measured: TemperatureMeasured, fever: tuple[float, Fever] | None
) -> TemperatureData:
    threshold, verdict = fever or (None, None)
    return TemperatureData(
        device=origin.device,
        lane=origin.lane,
        celsius=measured.celsius,
        raw_celsius=measured.raw_celsius,
        kind=measured.kind,
        quality=measured.quality,
        reason=measured.reason,
        ambient_celsius=measured.ambient_celsius,
        body_celsius=measured.body_celsius,
        correction=measured.correction,
        samples=measured.samples,
        threshold=threshold,
        verdict=verdict,
    )
