"""The envelope: CloudEvents 1.0 in structured mode; the one place that knows its JSON.

An event is encoded once, when the journal has given it its place; from then on everybody copies
bytes.
"""

import re
from datetime import datetime
from typing import NamedTuple

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, Encoder

from gateway.clock import TimeQuality, rfc3339
from gateway.events.data import DATA_OF, Data, Kind
from gateway.events.drafts import Draft

_ID = re.compile(rb'\{"specversion":"1\.0","id":"([a-z2-7]{8})-([1-9][0-9]{0,18})"')
_UNSYNC = re.compile(
    rb',"time":"[^"]{24}","recordedtime":"([^"]{24})","sequence":"([0-9]+)","clock":"unsync"'
)
"""In a text these would stand with a backslash before each quotation mark."""
_encoder = Encoder()


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


class Decoded(NamedTuple):
    """What an encoded event says."""

    id: str
    kind: Kind
    subject: str
    clock: TimeQuality
    data: Data
    correlation: str | None


class _Received(Struct):
    """The envelope with its data still to be read: the type says as what."""

    id: str
    type: str
    subject: str
    clock: TimeQuality
    data: Raw
    correlationid: str | None = None


_received = Decoder(_Received)
_decoders = {f"checkpoint.{kind}.v1": (kind, Decoder(data)) for kind, data in DATA_OF.items()}


def decode(body: bytes) -> Decoded | None:
    """What `encode` made `body` of, but for its moment; None of what this version does not know."""
    try:
        found = _received.decode(body)
        kind, decoder = _decoders[found.type]
        data = decoder.decode(found.data)
    except (DecodeError, ValidationError, UnicodeDecodeError, KeyError):
        return None
    return Decoded(found.id, kind, found.subject, found.clock, data, found.correlationid)
