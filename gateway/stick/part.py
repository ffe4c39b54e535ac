"""A part: one file with some thousand events of one life of a journal, whole or not a part.

A line of JSON says what it is, then come `bytes` bytes, then a line of JSON with the SHA-256 of all
that is before it. The bytes are the events, one in a line, as they would have been sent; or the
same sealed to the centre's key, with the first line for the context.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway import seal
from gateway.config import LONGEST_TOPIC, Level
from gateway.errors import GatewayError
from gateway.ranges import Range, total
from gateway.topics import gateway_of

MOST_BYTES = 1 << 20
"""Of events in a part, some 3,000: it is held in memory as a whole, to be checked before any of it
counts. Parts of 4 MiB made an export need 90 MB in place of 60, and write no faster."""
MOST_RANGES = 500
_MOST_HEAD_BYTES = 64 << 10
_LAST_LINE = re.compile(rb'\{"sha256":"([0-9a-f]{64})"\}\n')
_LAST_LINE_BYTES = 78
MOST_FILE_BYTES = _MOST_HEAD_BYTES + MOST_BYTES + seal.OVERHEAD_BYTES + _LAST_LINE_BYTES
_TOPIC = re.compile(r"cg1(/[A-Za-z0-9-][A-Za-z0-9_-]{0,31}){4}/up/batch")

_Seq = Annotated[int, Field(ge=1, le=2**53)]


class PartError(GatewayError):
    """This is no part, or not a whole one."""


class _FromOutside(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Sealed(_FromOutside):
    """To which key the events are sealed (`gateway.seal.name_of`), and by which."""

    to: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    sender: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Header(_FromOutside):
    """The first line."""

    format: Literal["checkpoint-gateway export 1"] = "checkpoint-gateway export 1"
    gateway: Level
    topic: Annotated[str, Field(max_length=LONGEST_TOPIC)]
    """Where the events are to be published."""
    epoch: Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{8}$")]
    ranges: Annotated[list[tuple[_Seq, _Seq]], Field(min_length=1, max_length=MOST_RANGES)]
    """The numbers of the events, ascending."""
    bytes: Annotated[int, Field(ge=1, le=MOST_BYTES + seal.OVERHEAD_BYTES)]
    sealed: Sealed | None = None

    @property
    def count(self) -> int:
        """How many events."""
        return total(self.ranges)

    def fault(self) -> str | None:
        """What contradicts itself in here."""
        if not _TOPIC.fullmatch(self.topic) or gateway_of(self.topic) != self.gateway:
            return f"{self.topic!r} is not where {self.gateway} sends its batches"
        former = 0
        for first, last in self.ranges:
            if not former < first <= last:
                return "its numbers do not ascend"
            former = last
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """A whole part, by its checksum."""

    header: Header
    head: bytes
    """The first line."""
    body: bytes
    digest: str


def assemble(
    gateway: str,
    topic: str,
    epoch: str,
    ranges: list[Range],
    bodies: Sequence[bytes],
    recipient: X25519PublicKey | None,
) -> Part:
    """The part with these events, whose numbers are `ranges`; sealed if there is a `recipient`."""
    body = b"".join([each + b"\n" for each in bodies])
    closed = seal.seal_to(recipient) if recipient else None
    header = Header(
        gateway=gateway,
        topic=topic,
        epoch=epoch,
        ranges=ranges,
        bytes=len(body) + (seal.OVERHEAD_BYTES if closed else 0),
        sealed=Sealed(to=seal.name_of(recipient), sender=closed.sender)
        if recipient and closed
        else None,
    )
    head = header.model_dump_json(exclude_none=True).encode() + b"\n"
    if closed:
        body = closed.close(body, head)
    return Part(header, head, body, hashlib.sha256(head + body).hexdigest())


def encoded(part: Part) -> bytes:
    """The content of the file."""
    return b"".join([part.head, part.body, b'{"sha256":"', part.digest.encode(), b'"}\n'])


def decoded(content: bytes) -> Part:
    """The part that is the `content` of a file.

    Raises:
        PartError: there is none, or it is not whole.
    """
    last_line = _LAST_LINE.fullmatch(content[-_LAST_LINE_BYTES:])
    checked = memoryview(content)[:-_LAST_LINE_BYTES]
    if last_line is None or hashlib.sha256(checked).hexdigest() != last_line[1].decode():
        raise PartError("it is cut short or altered: its checksum is another")
    end = content.find(b"\n", 0, _MOST_HEAD_BYTES) + 1
    try:
        header = Header.model_validate_json(content[:end])
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise PartError(f"its first line is not understood: {at}: {first['msg']}") from error
    if fault := header.fault():
        raise PartError(fault)
    body = content[end:-_LAST_LINE_BYTES]
    if len(body) != header.bytes:
        raise PartError(f"it has {len(body)} bytes of events, and says {header.bytes}")
    return Part(header, content[:end], body, last_line[1].decode())
