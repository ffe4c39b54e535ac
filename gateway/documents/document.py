"""One document: what it says of itself, and whether that is true."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, ValidationError, convert, field

from gateway.canonical import canonical
from gateway.clock import Clock, TimeQuality
from gateway.config import Place
from gateway.errors import GatewayError
from gateway.signing import Keyring, Purpose

NAMES = ("policy", "passes", "watch-list", "rota", "register", "notices")
"""All that there are."""

LARGEST = 4 << 20
"""Bytes; a register of 40,000 people."""

_UNSIGNED = ("body", "url")
"""`sha256` speaks for them."""


class DocumentError(GatewayError):
    """It is not taken, and why."""


class Document(Struct, frozen=True, kw_only=True):
    """As it was signed; other members may be there."""

    name: Annotated[str, Meta(pattern=r"^[a-z-]{1,32}\Z")]
    version: Annotated[str, Meta(pattern=r"^[0-9]{1,9}([.-][0-9]{1,9}){0,5}\Z")]
    """Numbers with dots or hyphens between them, as 7, 1.4 or 2026-03-18.2."""
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """Of the body in its canonical form."""
    effective: Annotated[datetime, Meta(tz=True)]
    expires: Annotated[datetime, Meta(tz=True)] | None = None
    for_: Annotated[str, Meta(max_length=200)] = field(default="", name="for")
    """Of which gateways: a beginning of district/street/community/gateway; empty: of all."""
    body: dict[str, Any] | None = None

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """What `members` of a JSON object make.

        Raises:
            DocumentError: they make none.
        """
        try:
            return convert(members, cls)
        except ValidationError as error:  # its words are of types and places
            raise DocumentError(f"this is no document: {error}") from error

    @property
    def order(self) -> tuple[int, ...]:
        """What versions are compared by."""
        return order_of(self.version)

    @property
    def effective_ms(self) -> int:
        """In milliseconds since 1970."""
        return round(self.effective.timestamp() * 1000)

    @property
    def expires_ms(self) -> int | None:
        """In milliseconds since 1970."""
        return round(self.expires.timestamp() * 1000) if self.expires else None

    def contents(self) -> dict[str, Any]:
        """The body.

        Raises:
            DocumentError: there is none, or another one than was signed.
        """
        if self.body is None:
            raise DocumentError("it has no body; what is behind a url is not fetched by this gate")
        found = sha256(canonical(self.body)).hexdigest()
        if not hmac.compare_digest(found, self.sha256):
            raise DocumentError("its body is not the one that sha256 names")
        return self.body


def order_of(version: str) -> tuple[int, ...]:
    """What versions are compared by: number by number."""
    return tuple(int(number) for number in version.replace("-", ".").split("."))


def signed_part(members: Mapping[str, Any]) -> dict[str, Any]:
    """What of a document is signed."""
    return {name: value for name, value in members.items() if name not in _UNSIGNED}


def check_meant(
    document: Document, members: Mapping[str, Any], keys: Keyring, place: Place
) -> None:
    """See to it that the centre has signed this, for this gateway.

    Raises:
        DocumentError: it has not.
    """
    if document.name not in NAMES:
        raise DocumentError(f"there is no document {document.name}")
    if not keys.signer(Purpose.DOCUMENT, signed_part(members)):
        raise DocumentError("it is not signed by a key that counts here")
    own = [place.district, place.street, place.community, place.id]
    levels = document.for_.split("/") if document.for_ else []
    if own[: len(levels)] != levels:
        raise DocumentError("it is for other gateways")


class Times:
    """Whether a time has come, also where the time is not known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def reached(self, at_ms: int) -> bool:
        """A clock that has been right before will be again, and is waited for: until then only the
        time floor is certain. One that has never been right has no time source."""
        now = self._clock.now()
        if now.quality is TimeQuality.UNSYNC and self._clock.floor_ms:
            return self._clock.floor_ms >= at_ms
        return now.wall_ms >= at_ms
