"""Who may order something of this gateway: Ed25519 signatures (RFC 8032) by keys with names."""

import base64
import binascii
import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gateway.canonical import canonical
from gateway.errors import GatewayError
from gateway.keys import write_new

if TYPE_CHECKING:  # a gate without a centre's key need not load the library
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_log = logging.getLogger(__name__)

SIGNATURE = "signature"
"""The member that holds it, in base64."""


class Purpose(StrEnum):
    """What is signed: one can never pass for the other."""

    COMMAND = "command"
    DOCUMENT = "document"


def signed_bytes(purpose: Purpose, statement: Mapping[str, Any]) -> bytes:
    """What is signed: a line that says what it is, then `statement` without its signature in its
    canonical form."""
    members = {name: value for name, value in statement.items() if name != SIGNATURE}
    return f"checkpoint-gateway {purpose} 1\n".encode() + canonical(members)


class Keyring:
    """The public keys whose owners are obeyed, by name; two while one takes over from another."""

    def __init__(self, keys: Mapping[str, "Ed25519PublicKey"]) -> None:
        self._keys = keys

    @classmethod
    def read(cls, files: Iterable[Path]) -> Self:
        """The keys in these PEM files, each called as its file is without `.pem`; one that cannot
        be used is left out, and said: the gate works without it."""
        keys = {}
        for path in files:
            try:
                keys[path.stem] = read_public(path)
            except GatewayError as error:
                _log.warning("nothing that is signed with this key counts: %s", error)
        return cls(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def signer(self, purpose: Purpose, statement: Mapping[str, Any]) -> str | None:
        """The name of the key that has signed `statement`; None if none of them has."""
        from cryptography.exceptions import InvalidSignature

        try:
            signature = base64.b64decode(statement[SIGNATURE], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            return None
        message = signed_bytes(purpose, statement)
        for name, key in self._keys.items():
            try:
                key.verify(signature, message)
            except InvalidSignature:
                continue
            return name
        return None


def sign(
    purpose: Purpose, statement: Mapping[str, Any], key: "Ed25519PrivateKey"
) -> dict[str, Any]:
    """`statement` with its signature."""
    signature = base64.b64encode(key.sign(signed_bytes(purpose, statement))).decode()
    return {**statement, SIGNATURE: signature}


def read_public(path: Path) -> "Ed25519PublicKey":
    """The public key in the PEM file `path`.

    Raises:
        GatewayError: it cannot be read, or is something else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, Ed25519PublicKey):
        return key
    raise GatewayError(
        f"{path} is no Ed25519 public key in PEM; checkpoint-gateway centre keygen --sign makes one"
    )


def read_private(path: Path) -> "Ed25519PrivateKey":
    """The private key in the PEM file `path`.

    Raises:
        GatewayError: it cannot be read, or is something else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # a TypeError: it has a password
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise GatewayError(f"{path} is no Ed25519 private key in PEM without a password")


def make_keys(private: Path, public: Path) -> None:
    """Write a new pair of keys into two files that must not exist.

    Raises:
        GatewayError: one of them exists or cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_new(private, secret, 0o600)
    open_half = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_new(public, open_half, 0o644)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GatewayError(f"the key {path} cannot be read: {error.strerror}") from error
