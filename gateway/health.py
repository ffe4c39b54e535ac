"""What is alive: one picture of the gateway, given to whoever asks on the local socket."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drivers.base import DeviceState
from gateway import control
from gateway.clock import TimeQuality
from gateway.control import NoAnswerError, Status


class _Picture(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeviceHealth(_Picture):
    """One device; `state` is None until it has first been heard of."""

    state: DeviceState | None
    reason: str | None
    counted: dict[str, int] = {}
    """What its driver met besides good frames, and how often it came back, since the start."""


class JournalHealth(_Picture):
    """Numbers of events: `recorded` = `confirmed` + `waiting`; `in_flight` of those waiting."""

    recorded: int
    in_flight: int
    confirmed: int
    waiting: int
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


class LinkHealth(_Picture):
    """The way to the centre."""

    online: bool
    reason: str | None
    set_aside: int = 0
    """Events that no broker would take; the journal keeps them."""
    refused: dict[str, int] = {}
    """Messages that the broker did not accept, by reason code."""
    alarms: dict[str, str] = {}
    """What somebody must act on: name and reason."""


class Health(_Picture):
    """The whole picture."""

    gateway: str
    epoch: str
    clock: TimeQuality
    devices: dict[str, DeviceHealth]
    journal: JournalHealth
    link: LinkHealth


async def ask(path: Path, *, timeout_s: float = 2.0) -> Health | None:
    """The picture of the gateway that answers on the socket `path`; None if none does."""
    try:
        answer = await control.ask(path, "health", timeout_s=timeout_s)
        return Health.model_validate(answer.body) if answer.status is Status.DONE else None
    except NoAnswerError:
        return None
