"""The events of a part, each of them looked at: nothing else may be published in a gate's name."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import DecodeError, json

from gateway import seal
from gateway.events import event_id
from gateway.stick.part import Header, Part, PartError


def events_of(part: Part, key: X25519PrivateKey | None) -> list[bytes]:
    """The events of `part` as they will be sent, which `key` unseals if they are sealed.

    Raises:
        PartError: something is wrong with one of them, or they cannot be unsealed.
    """
    lines = _opened(part, key).split(b"\n")
    if lines.pop() or len(lines) != part.header.count:
        raise PartError(f"it says that it has {part.header.count} events, and has {len(lines)}")
    for seq, line in zip(_numbers(part.header), lines, strict=True):
        if fault := _fault(line, seq, part.header):
            raise PartError(f"event {event_id(part.header.epoch, seq)}: {fault}")
    return lines


def _opened(part: Part, key: X25519PrivateKey | None) -> bytes:
    sealed = part.header.sealed
    if sealed is None:
        return part.body
    if key is None:
        raise PartError(f"it is sealed to the key {sealed.to}; name its private half with --key")
    if (own := seal.name_of(key.public_key())) != sealed.to:
        raise PartError(f"it is sealed to the key {sealed.to}, and --key is {own}")
    try:
        return seal.unseal(part.body, part.head, sealed.sender, key)
    except seal.SealError as error:
        raise PartError(str(error)) from error


def _numbers(header: Header) -> Iterator[int]:
    for first, last in header.ranges:
        yield from range(first, last + 1)


def _fault(line: bytes, seq: int, header: Header) -> str | None:
    """What keeps `line` from being that event; None if nothing does."""
    try:
        event = json.decode(line)
        # As a gateway writes it, to the byte: with a key in it twice, for one, two receivers could
        # read two different events.
        canonical = json.encode(event) == line
    except (DecodeError, UnicodeDecodeError):
        return "it is no JSON"
    except RecursionError:
        return "it is nested too deep"
    if not canonical or not isinstance(event, dict):
        return "it is not written as a gateway writes events"
    wanted = {
        "specversion": "1.0",
        "id": event_id(header.epoch, seq),
        "source": f"/gateways/{header.gateway}",
        "sequence": f"{seq:012d}",
    }
    for name, value in wanted.items():
        if event.get(name) != value:
            return f"its {name} is {event.get(name)!r:.80}, expected {value!r}"
    return None
