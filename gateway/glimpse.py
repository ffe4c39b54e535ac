"""What may be shown of a reading: that it came, and when; nothing of the person behind it.

The page, the metrics and `up/health` are read by whoever looks after the gate, and a measurement of
the person who is just passing is nobody's but the centre's: so a code has no content and no
pseudonym here, a temperature no value (the thermometer's own surroundings show that it lives), and
of the door of a home not even whether it is open. What a gate or a sealed door says is about the
gate.
"""

from msgspec import Struct

from drivers.base import (
    CodeScanned,
    DeviceObserved,
    DoorObserved,
    Position,
    Reading,
    Role,
    TemperatureMeasured,
)
from gateway.clock import Stamp


class Glimpse(Struct, frozen=True):
    """The last thing that a device said about somebody or something else than itself."""

    kind: str
    """`code`, `temperature` or `door`."""
    stamp: Stamp
    door: str | None = None
    position: Position | None = None
    ambient_celsius: float | None = None


def glimpse(reading: Reading, stamp: Stamp) -> Glimpse | None:
    """What may be shown of `reading`; None for what a device says about itself."""
    match reading:
        case CodeScanned():
            return Glimpse("code", stamp)
        case TemperatureMeasured(ambient_celsius=ambient):
            return Glimpse("temperature", stamp, ambient_celsius=ambient)
        case DoorObserved(role=Role.HOME):
            return Glimpse("door", stamp, door=reading.door)
        case DoorObserved():
            return Glimpse("door", stamp, door=reading.door, position=reading.position)
        case DeviceObserved():
            return None
