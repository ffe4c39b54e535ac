"""What is alive: one picture of the gateway, given to whoever asks on the local socket."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drivers.base import DeviceState, Position
from gateway import control
from gateway.clock import TimeQuality
from gateway.control import NoAnswerError, Status


class _Picture(BaseModel):
    model_config = ConfigDict(frozen=True)


class Moment(_Picture):
    """When something was: by the wall clock, which may be wrong, and how long ago, which is not."""

    time: str
    """RFC 3339, UTC."""
    age_s: float


class LastReading(_Picture):
    """The last reading of a device, as far as it may be shown; see `gateway.glimpse`."""

    kind: str
    at: Moment
    door: str | None = None
    position: Position | None = None
    ambient_celsius: float | None = None


class DeviceHealth(_Picture):
    """One device; `state` is None until it has first been heard of."""

    driver: str = ""
    lane: str | None = None
    state: DeviceState | None
    reason: str | None
    since: Moment | None = None
    """When its state became what it is."""
    last: LastReading | None = None
    counted: dict[str, int] = {}
    """What its driver met besides good frames, and how often it came back, since the start."""


class JournalHealth(_Picture):
    """Numbers of events: `recorded` = `confirmed` + `waiting`; `in_flight` of those waiting."""

    recorded: int
    in_flight: int
    confirmed: int
    waiting: int
    oldest_waiting: Moment | None = None
    """When the oldest of those waiting was observed, where that is known."""
    failing: str | None = None
    """What the disk says while it takes nothing."""
    held: int = 0
    """Events in memory until it does."""
    lost: int = 0
    """Events that memory had no room for since the start."""
    check: str = "not checked yet"
    """What the last look over the whole file came to."""
    damaged: int = 0
    """Events of this life that were recorded and can no longer be read."""
    carried: int = 0
    """Events saved from journals that were set aside, which have yet to be delivered."""
    taken_bytes: int | None = None
    """On the disk, with what lies beside the file."""
    most_bytes: int | None = None
    """What the configuration lets it take."""
    left_bytes: int | None = None
    """What the disk has left."""


class LinkHealth(_Picture):
    """The way to the centre."""

    online: bool
    reason: str | None
    since: Moment | None = None
    """When it came or went."""
    last_confirmed: Moment | None = None
    """When an event was last confirmed for the first time."""
    set_aside: int = 0
    """Events that no broker would take; the journal keeps them."""
    refused: dict[str, int] = {}
    """Messages that the broker did not accept, by reason code."""
    alarms: dict[str, str] = {}
    """What somebody must act on: name and reason."""


class ClockHealth(_Picture):
    """The time, and how far it can be trusted."""

    quality: TimeQuality
    time: str = ""
    """RFC 3339, UTC."""
    floor: str | None = None
    """It is later than this, whatever the clock says."""
    booted: Moment | None = None
    """When the box was switched on."""


class BoxHealth(_Picture):
    """The box itself; None is what it does not tell. See `gateway.box`."""

    celsius: float | None = None
    undervoltage: bool | None = None
    undervoltage_since_boot: bool | None = None
    throttled: bool | None = None
    memory_bytes: int | None = None
    memory_available_bytes: int | None = None
    load: float | None = None
    disk_written_bytes: int | None = None
    disk_worn_percent: int | None = None


class ProcessHealth(_Picture):
    """This program."""

    started: Moment | None = None
    memory_bytes: int | None = None
    cpu_s: float = 0.0
    descriptors: int | None = None


class Versions(_Picture):
    """What is running."""

    software: str = ""
    contract: str = ""


class ConfigurationHealth(_Picture):
    """What the gateway works by."""

    version: str
    """See `gateway.config.Config.version`."""
    refused: str | None = None
    """Why the file as it was found last is not in force."""


class Health(_Picture):
    """The whole picture."""

    gateway: str
    epoch: str
    clock: ClockHealth
    devices: dict[str, DeviceHealth]
    journal: JournalHealth
    link: LinkHealth
    box: BoxHealth = BoxHealth()
    process: ProcessHealth = ProcessHealth()
    versions: Versions = Versions()
    configuration: ConfigurationHealth = ConfigurationHealth(version="")


async def ask(path: Path, *, timeout_s: float = 2.0) -> Health | None:
    """The picture of the gateway that answers on the socket `path`; None if none does."""
    try:
        answer = await control.ask(path, "health", timeout_s=timeout_s)
        return Health.model_validate(answer.body) if answer.status is Status.DONE else None
    except NoAnswerError:
        return None
