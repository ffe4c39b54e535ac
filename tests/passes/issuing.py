"""An issuer of passes with keys of its own, and the gates that know it."""

from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import structs

from gateway.clock import Stamp, TimeQuality
from gateway.events import Class
from gateway.passes import own
from gateway.passes.claims import Claims
from gateway.passes.document import understand
from gateway.passes.trust import Trust

NOW = 1_773_817_923
"""2026-03-18, seconds since 1970."""
DAY = 86_400
PLACE = "410102/011/003/410102011003007"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NEXT_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
KID, NEXT_KID = bytes.fromhex("9f3c01aa"), bytes.fromhex("77e00b12")

RESIDENT = Claims(
    issuer="410102-003",
    subject="r-20418-2",
    places=("410102/011/003",),
    kind=Class.RESIDENT,
    issued=NOW - DAY,
    begin=NOW - DAY,
    end=NOW + 90 * DAY,
    number=bytes.fromhex("04d1a2b3c4d5"),
)


def at(second: float = NOW, quality: TimeQuality = TimeQuality.SYNC) -> Stamp:
    """A moment, in seconds since 1970."""
    return Stamp(round(second * 1000), quality, "boot", 0)


def base64url(data: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key: Ed25519PrivateKey, kid: bytes | None = None) -> dict[str, str]:
    """The public half, as documents have it."""
    x = base64url(key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x} | ({"kid": kid.hex()} if kid else {})


def body(**issuer: Any) -> dict[str, Any]:
    """A document with one issuer, who has two keys."""
    entry = {
        "name": "410102-003",
        "place": "410102/011/003",
        "keys": [jwk(KEY, KID), jwk(NEXT_KEY, NEXT_KID)],
    }
    return {"issuers": [entry | issuer]}


def trust(place: str = PLACE, **issuer: Any) -> Trust:
    """What a gate believes by that."""
    return understand(body(**issuer)).trust(place)


def shown(
    claims: Claims = RESIDENT, key: Ed25519PrivateKey = KEY, kid: bytes = KID, **other: Any
) -> bytes:
    """The text of the code of a pass; `other`: what its claims say otherwise."""
    return own.write(structs.replace(claims, **other), kid, key.sign)
