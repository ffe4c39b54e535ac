"""Sealing to the centre's public key: whoever finds what was sealed learns nothing from it.

X25519 (RFC 7748) between the centre's key and one made for a single message, HKDF-SHA256 (RFC 5869)
of what they agree on, ChaCha20-Poly1305 (RFC 8439) under the result. The key is used once, so the
nonce is zero. What stands open beside the message (its context) is authenticated with it.
"""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway.errors import GatewayError
from gateway.keys import write_new

OVERHEAD_BYTES = 16
"""What a sealed message has more than an open one."""
_INFO = b"checkpoint-gateway seal 1"
_NONCE = bytes(12)


class SealError(GatewayError):
    """It cannot be opened: another key, or not what was sealed."""


@dataclass(frozen=True, slots=True)
class Seal:
    """For one message; `sender` is the public half of its key, in hexadecimal digits."""

    sender: str
    _key: bytes

    def close(self, message: bytes, context: bytes) -> bytes:
        """`message`, sealed; to be called once."""
        return ChaCha20Poly1305(self._key).encrypt(_NONCE, message, context)


def seal_to(recipient: X25519PublicKey) -> Seal:
    """A seal that only the owner of `recipient`'s other half can open."""
    own = X25519PrivateKey.generate()
    sender = own.public_key().public_bytes_raw()
    return Seal(sender.hex(), _agree(own.exchange(recipient), sender, recipient))


def unseal(message: bytes, context: bytes, sender: str, own: X25519PrivateKey) -> bytes:
    """What was sealed with a seal of this `sender`.

    Raises:
        SealError: it was not sealed to `own` key, or has been altered since.
    """
    try:
        raw = bytes.fromhex(sender)
        shared = own.exchange(X25519PublicKey.from_public_bytes(raw))
        key = _agree(shared, raw, own.public_key())
        return ChaCha20Poly1305(key).decrypt(_NONCE, message, context)
    except (ValueError, InvalidTag) as error:
        raise SealError("the seal does not open: it or what it holds has been altered") from error


def name_of(key: X25519PublicKey) -> str:
    """A short name of a public key, to tell which one something was sealed to."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def read_public(path: Path) -> X25519PublicKey:
    """The centre's public key in the PEM file `path`.

    Raises:
        GatewayError: it cannot be read, or is something else.
    """
    with suppress(ValueError):
        key = load_pem_public_key(_content(path))
        if isinstance(key, X25519PublicKey):
            return key
    raise GatewayError(
        f"{path} is no X25519 public key in PEM; checkpoint-gateway centre keygen makes one"
    )


def read_private(path: Path) -> X25519PrivateKey:
    """The centre's private key in the PEM file `path`.

    Raises:
        GatewayError: it cannot be read, or is something else.
    """
    with suppress(ValueError, TypeError):  # a TypeError: it is locked with a password
        key = load_pem_private_key(_content(path), None)
        if isinstance(key, X25519PrivateKey):
            return key
    raise GatewayError(f"{path} is no X25519 private key in PEM without a password")


def make_keys(private: Path, public: Path) -> str:
    """Write a new pair of keys into two files that must not exist; its short name.

    Raises:
        GatewayError: one of them exists or cannot be written.
    """
    key = X25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_new(private, secret, 0o600)
    open_half = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_new(public, open_half, 0o644)
    return name_of(key.public_key())


def _agree(shared: bytes, sender: bytes, recipient: X25519PublicKey) -> bytes:
    salt = sender + recipient.public_bytes_raw()
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=_INFO).derive(shared)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GatewayError(f"the key {path} cannot be read: {error.strerror}") from error
