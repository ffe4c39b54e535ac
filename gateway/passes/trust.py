"""Whom a gateway believes, and what it makes of a code: the vocabulary of this room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from gateway.clock import Stamp, TimeQuality
from gateway.events import Class, Verdict

PERSON: Final = b"person\0"
"""How the bytes begin that name somebody."""


class Algorithm(StrEnum):
    """How something is signed, by its JOSE name (RFC 7518, RFC 8037)."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    PS256 = "PS256"


class Verifies(Protocol):
    """A public key with the one algorithm it is for."""

    def verifies(self, algorithm: Algorithm | None, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is of `message`, by this key and in its way."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who may sign passes: for its own `place` and what is below."""

    name: str
    place: str
    keys: Mapping[bytes, Verifies]
    """By `kid`; two or more while one follows the other."""
    revoked: frozenset[bytes] = frozenset()
    """Passes, by `cti`."""
    revoked_subjects: Mapping[str, int] = field(default_factory=dict)
    """By `sub`: what was issued up to then (seconds since 1970) counts no more."""


@dataclass(frozen=True, slots=True)
class HealthSigner:
    """Who may sign certificates about somebody's health."""

    key: Verifies
    uses: frozenset[str]
    """Of an EU certificate: `t`, `v`, `r`, for test, vaccination, recovery."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who may say, by a certificate, whose key it is."""

    certificate: bytes
    """Its own, in DER."""


@dataclass(frozen=True, slots=True)
class Trust:
    """All that codes are judged by; a new one takes the place of the former as a whole."""

    place: str
    """Where this gateway is: `district/street/community/gateway`."""
    issuers: tuple[Issuer, ...] = ()
    dcc: Mapping[bytes, tuple[HealthSigner, ...]] = field(default_factory=dict)
    """EU certificates: signers by `kid`."""
    shc: Mapping[str, Mapping[str, Verifies]] = field(default_factory=dict)
    """SMART Health Cards: by issuer, by `kid`."""
    icao: tuple[Authority, ...] = ()
    """Visible digital seals: the states' authorities."""
    health_codes: tuple[bytes, ...] = ()
    """How other health codes begin, in small letters; `*` stands for anything."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a code is. Whom it is for shows in no `repr`."""

    class_: Class = Class.UNKNOWN
    verdict: Verdict = Verdict.OPAQUE
    subject: bytes | None = field(default=None, repr=False)
    """Of a pass with a good signature: whom it is for, see `subject_of`."""
    cti: bytes | None = field(default=None, repr=False)
    """Of such a pass: which one it is."""
    role: str | None = None
    until: int | None = None
    """When a pass with a good signature ends, in seconds since 1970."""
    registered: bool | None = None
    """Of a visitor's pass: whether its issuer has registered them."""
    part: tuple[int, int] | None = None
    """It is one code of several: which, of how many."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known of the time, in seconds since 1970. Without a right clock it is only known how
    late it is at least: so a pass ends when that is certain, and begins unless it is too early for
    certain."""

    earliest: float
    latest: float | None

    @classmethod
    def of(cls, stamp: Stamp, floor_ms: int) -> "Moment":
        """What `stamp` tells, if it is known to be later than `floor_ms`."""
        if stamp.quality is TimeQuality.UNSYNC:
            return cls(floor_ms / 1000, None)
        return cls(stamp.wall_ms / 1000, stamp.wall_ms / 1000)

    def is_past(self, end: float) -> bool:
        """Whether `end` has come, for certain."""
        return self.earliest >= end

    def is_before(self, begin: float, leeway_s: float = 0) -> bool:
        """Whether `begin` is more than `leeway_s` away, for certain."""
        return self.latest is not None and self.latest + leeway_s < begin


def subject_of(issuer: str, subject: str) -> bytes:
    """Whom a pass is for, in bytes of which a pseudonym is made: equal for all passes of a person,
    and for nobody else's."""
    return PERSON + issuer.encode() + b"\0" + subject.encode()


def is_within(place: str, area: str) -> bool:
    """Whether `place` is `area`, or in it."""
    return place == area or place.startswith(area + "/")
