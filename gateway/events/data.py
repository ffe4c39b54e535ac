"""What events say: one structure for each kind."""

from enum import StrEnum

from msgspec import Struct, field

from drivers.base import DeviceState, Lock, Position, Quality, Role, Surface


class Kind(StrEnum):
    """What an event is about; the last level of its topic and part of its type."""

    SCAN = "scan"
    TEMPERATURE = "temperature"
    DOOR = "door"
    PASSAGE = "passage"
    ALARM = "alarm"
    DUTY = "duty"
    INSPECTION = "inspection"
    REPORT = "report"
    DEVICE = "device"
    DOCUMENT = "document"
    COMMAND = "command"
    GAP = "gap"


class _Data(Struct, frozen=True, omit_defaults=True):
    """What an event says; what is None is left out."""


class Class(StrEnum):
    """Whose code it is, as far as the code itself tells."""

    RESIDENT = "resident"
    VISITOR = "visitor"
    ADMISSION = "admission"
    STAFF = "staff"
    VEHICLE = "vehicle"
    DELIVERY = "delivery"
    HEALTH_CODE = "health-code"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What became of checking a code."""

    VALID = "valid"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    BAD_SIGNATURE = "bad-signature"
    REVOKED = "revoked"
    NOT_HERE = "not-here"
    """Sound, and meant for another place."""
    OPAQUE = "opaque"
    """Nobody has judged the content."""
    UNREADABLE = "unreadable"
    """It begins like a pass and is none."""


class ScanData(_Data, frozen=True, kw_only=True):
    """A code was read. Its content is not in here, only a pseudonym of it."""

    device: str
    lane: str | None = None
    medium: str
    symbology: str
    class_: Class = field(default=Class.UNKNOWN, name="class")
    verdict: Verdict
    token: str
    """Keyed pseudonym: of whom a sound pass is for, else of the content."""
    former_token: str | None = None
    """Of an admission slip, by the key before the present one: it is good for once, whenever."""
    role: str | None = None
    """Of staff, as their badge says; for example `guard`."""
    until: int | None = None
    """When a sound pass ends, in seconds since 1970."""
    watched: bool | None = None
    """Whether whom it is for is on the watch list."""
    registered: bool | None = None
    """Whether whom it is for is in the register."""
    note: str | None = None
    """What a printed card that is no pass asks for, in the word that the policy gave it."""
    content: str | None = None
    """The code in clear; only where the configuration asks for that in as many words."""
    sealed: str | None = None
    """The code, sealed to the centre's key; only where the configuration asks for that."""
    decode_ms: float | None


class Fever(StrEnum):
    """What a measurement means at the gate; nobody is ever called ill."""

    NORMAL = "normal"
    RE_CHECK = "re-check"
    INVALID = "invalid"


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
    threshold: float | None = None
    """What `verdict` was judged by, in °C."""
    verdict: Fever | None = None


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


class Direction(StrEnum):
    """Which way somebody goes."""

    ENTRY = "entry"
    EXIT = "exit"


class Decision(StrEnum):
    """Whether somebody may pass, in ONVIF's words."""

    GRANTED = "granted"
    DENIED = "denied"


class Check(StrEnum):
    """How one condition of a passage stood when it was decided."""

    OK = "ok"
    MISSING = "missing"
    FAILED = "failed"


class PassageData(_Data, frozen=True, kw_only=True):
    """Somebody may pass or may not; a second event under the same correlation tells `taken`."""

    lane: str
    direction: Direction
    decision: Decision
    reason: str | None = None
    """Of a refusal, in the contract's words; of an override, as the guard gave it."""
    taken: bool | None = None
    """Whether the door saw somebody go through. Absent while that is open, or cannot be seen."""
    class_: Class | None = field(default=None, name="class")
    token: str | None = None
    """Of whom it is; absent if no code was shown."""
    celsius: float | None = None
    checks: dict[str, Check] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    """The ids of the events that it was decided by."""
    by: str = "policy"
    """`policy`, or `override:` with the token of the guard's badge, or `remote`."""
    policy: str
    """The version of the policy that decided."""
    took_ms: int
    """From the first part to this."""


class DeviceData(_Data, frozen=True, kw_only=True):
    """A device came, went, or said something about its own condition."""

    device: str
    driver: str
    state: DeviceState
    reason: str | None = None
    measured: float | None = None


class DutyAct(StrEnum):
    """What happened at a post."""

    CHECK_IN = "check-in"
    CHECK_OUT = "check-out"
    HAND_OVER = "hand-over"
    LATE = "late"
    """The shift has begun, and nobody who was to be there is."""


class DutyData(_Data, frozen=True, kw_only=True):
    """Somebody came on post or left it, or should have."""

    post: str
    act: DutyAct
    token: str | None = None
    """Of the badge."""
    former: str | None = None
    """At a hand-over, of the badge of whoever was there before."""
    shift: str | None = None
    role: str | None = None


class SlotState(StrEnum):
    """What became of an inspection."""

    DONE = "done"
    MISSED = "missed"
    UNKNOWN = "unknown"
    """Nobody can tell: the gateway was off in that time, or its clock not right."""


class InspectionData(_Data, frozen=True, kw_only=True):
    """An inspection was made in its time, or was not."""

    slot: str
    """Its time of day, as `09:00`."""
    day: str
    """As `2026-03-18`, local."""
    state: SlotState
    post: str | None = None
    token: str | None = None


class Period(StrEnum):
    """What a report is about."""

    DAY = "day"
    SHIFT = "shift"


class ReportData(_Data, frozen=True, kw_only=True):
    """What happened in a day or a shift; made by the clock, also when nothing did."""

    period: Period
    name: str
    """Of a day as `2026-03-18`, of a shift that and its name."""
    zero: bool
    """Nobody passed, and nothing else happened that somebody must know of."""
    counts: dict[str, int]
    missing: dict[str, int]
    first: int | None = None
    """The first sequence number that is counted here, and …"""
    last: int | None = None
    """… the last; absent if there is none."""
    since: str
    """RFC 3339; the beginning of what is counted here."""
    uptime_s: int
    """How long of the period the gateway was at work, as far as its records tell."""
    late_s: int | None = None
    """How long after its time it was made: the gateway was off then, or its clock not right."""
    chain: str
    """SHA-256, in hexadecimal, over the ids that are counted here and the `chain` of the report
    before: what is left out later shows. Of each id in turn: of the chain so far (empty at first),
    a space and the id."""
    clock: str
    """The worst quality that the clock had in this period."""


class CommandData(_Data, frozen=True, kw_only=True):
    """Somebody ordered something of this gateway."""

    id: str
    command: str
    target: str | None = None
    by: str | None = None
    """Who, as the order says."""
    reason: str | None = None
    status: int
    """What became of it, in HTTP's numbers."""
    text: str | None = None
    args: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Those that were understood."""


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
    reminder: int | None = None
    """It has been raised before and nobody has acknowledged it: 1 for the first reminder."""
    by: str | None = None
    """Who acknowledged it."""
    count: int | None = None
    """How often it has happened, where that is what the alarm is about."""


class DocumentState(StrEnum):
    """What became of a document."""

    APPLIED = "applied"
    REFUSED = "refused"
    EXPIRED = "expired"
    """It is used on, for want of a newer one."""
    ROLLED_BACK = "rolled-back"


class DocumentData(_Data, frozen=True, kw_only=True):
    """Something that the gateway works by was put in force, or refused as a whole."""

    name: str
    """Which: `configuration`, `policy` …"""
    version: str | None = None
    """Absent if it could not even be read."""
    state: DocumentState
    reason: str | None = None


Data = (
    ScanData
    | TemperatureData
    | DoorData
    | PassageData
    | AlarmData
    | DutyData
    | InspectionData
    | ReportData
    | DeviceData
    | DocumentData
    | CommandData
    | GapData
)

DATA_OF: dict[Kind, type[Data]] = {
    Kind.SCAN: ScanData,
    Kind.TEMPERATURE: TemperatureData,
    Kind.DOOR: DoorData,
    Kind.PASSAGE: PassageData,
    Kind.ALARM: AlarmData,
    Kind.DUTY: DutyData,
    Kind.INSPECTION: InspectionData,
    Kind.REPORT: ReportData,
    Kind.DEVICE: DeviceData,
    Kind.DOCUMENT: DocumentData,
    Kind.COMMAND: CommandData,
    Kind.GAP: GapData,
}
"""What an event of each kind holds."""
