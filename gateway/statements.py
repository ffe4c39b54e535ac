"""What the gateway says of itself besides its events: births, ends, health, the state of a device.

The same envelope as an event's, but nothing of it is recorded, so it has no place in the journal.
"""

from msgspec import Struct, field
from msgspec.json import Encoder

from drivers.base import DeviceState
from gateway.clock import Stamp, TimeQuality, rfc3339

_encoder = Encoder()


class BirthState(Struct, frozen=True, kw_only=True):
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
    documents: dict[str, str] = field(default_factory=dict)
    """The version in force of what the gateway works by, by name."""


class EndState(Struct, frozen=True, kw_only=True):
    """`offline`: stopped on purpose, sent by the gateway; `lost`: the will, sent by the broker."""

    state: str
    session: int
    epoch: str


class DeviceReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last known state of a device, for those who come later."""

    device: str
    driver: str
    lane: str | None = None
    state: DeviceState
    reason: str | None = None
    since: str
    """When it came to be in this state; RFC 3339."""


def encode_report(
    kind: str, data: object, *, name: str, source: str, subject: str | None, stamp: Stamp
) -> bytes:
    """Something that is told in the same envelope, but is no event and has no place in the journal;
    `name` is its id."""
    envelope = {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": f"checkpoint.{kind}.v1",
        **({"subject": subject} if subject else {}),
        "time": rfc3339(stamp.wall_ms),
        "clock": stamp.quality,
        "data": data,
    }
    return _encoder.encode(envelope)


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
    return _encoder.encode(envelope)
