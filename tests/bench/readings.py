"""What a busy gate observes: codes, temperatures and doors, all of them different."""

from collections.abc import Iterator
from itertools import count, cycle, islice

from drivers.base import (
    CodeScanned,
    DoorObserved,
    Lock,
    Position,
    Reading,
    Role,
    Surface,
    TemperatureMeasured,
)
from gateway.clock import Clock
from gateway.events import Draft, Observation, Origin, Pseudonyms, Unjudged, draft, encode
from tests.uplink.gate import PLACE

CLOCK = Clock(synchronised=lambda: True)
PSEUDONYMS = Pseudonyms(bytes(Pseudonyms.KEY_BYTES))

_CAMERA = Origin("camera", "camera", "in-1")
_THERMOMETER = Origin("thermometer", "gy_mcu906", "in-1")
_BOARD = Origin("doors", "modbus_io", None)


def passage(number: int) -> list[tuple[Origin, Reading]]:
    """What is seen of one person."""
    celsius = 35.5 + number % 20 / 10
    code = CodeScanned(b"https://example.org/pass/%012d" % number, "qr", "camera", 4.2)
    measured = TemperatureMeasured(celsius, celsius, Surface.SURFACE, ambient_celsius=21.8)
    doors = [
        DoorObserved("gate-1", Role.GATE, position, Lock.UNKNOWN, tamper=False)
        for position in (Position.OPEN, Position.CLOSED)
    ]
    return [(_CAMERA, code), (_THERMOMETER, measured), *((_BOARD, door) for door in doors)]


def observations() -> Iterator[Observation]:
    """One after the other without an end, each taken when it is asked for."""
    for number in count():
        for origin, reading in passage(number):
            yield Observation(origin, CLOCK.now(), reading)


def drafts(most: int) -> list[Draft]:
    """So many events that have no place in a journal yet."""
    return [draft(each, Unjudged(PSEUDONYMS)) for each in islice(observations(), most)]


def bodies(most: int) -> list[bytes]:
    """Encoded events with the numbers from 1; only the number differs beyond the first thousand."""
    events = cycle(drafts(min(most, 1000)))
    return [
        encode(event, source=PLACE.source, epoch="benchaaa", seq=seq, recorded_ms=0)
        for seq, event in zip(range(1, most + 1), events, strict=False)
    ]
