"""A centre's keys, and orders that are signed with them."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.canonical import canonical
from gateway.signing import Keyring, Purpose, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""The one that counts in tests; its bytes are those of the example in docs/mqtt.md."""
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))

GATEWAY = "410102011003007"


def keyring(*others: Ed25519PrivateKey) -> Keyring:
    """What obeys the centre, and the owners of `others`."""
    return Keyring({str(at): key.public_key() for at, key in enumerate((KEY, *others))})


def public_file(path: Path, key: Ed25519PrivateKey = KEY) -> Path:
    """The public half of `key` in the PEM file `path`."""
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def now() -> str:
    """As an order says when it was issued."""
    return datetime.now(UTC).isoformat()


def order(
    name: str,
    command: str,
    /,
    *,
    gateway: str = GATEWAY,
    key: Ed25519PrivateKey = KEY,
    **members: Any,
) -> dict[str, Any]:
    """A signed order for `gateway`, which is not named in it."""
    usual = {"id": name, "command": command, "issued": now(), "ttl_s": 15, "by": "ops:wang"}
    signed = sign(Purpose.COMMAND, {**usual, **members, "gateway": gateway}, key)
    del signed["gateway"]
    return signed


def document(
    name: str,
    version: str,
    body: Any,
    /,
    *,
    key: Ed25519PrivateKey = KEY,
    **members: Any,
) -> dict[str, Any]:
    """A signed document, in force from the beginning of the year on unless it says something
    else."""
    digest = sha256(canonical(body)).hexdigest()
    usual = {"name": name, "version": version, "sha256": digest}
    usual |= {"effective": "2026-01-01T00:00:00Z"}
    return {**sign(Purpose.DOCUMENT, {**usual, **members}, key), "body": body}
