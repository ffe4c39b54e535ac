"""An issuer's private key: Ed25519 in PEM, in a file that only its owner can read."""

import os
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.errors import GatewayError


def keep(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a new `key` into a file that must not exist.

    Raises:
        GatewayError: it does, or cannot be written.
    """
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(descriptor)
    except FileExistsError as error:
        raise GatewayError(f"{path} exists; a key is never overwritten") from error
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from error


def read(path: Path) -> Ed25519PrivateKey:
    """The key in `path`.

    Raises:
        GatewayError: it cannot be read, others can read it, or it is something else.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise GatewayError(f"others can read {path}; first: chmod 600 {path}")
            content = file.read()
    except OSError as error:
        raise GatewayError(f"{path} cannot be read: {error.strerror}") from error
    with suppress(ValueError, TypeError):  # a TypeError: it is locked with a password
        key = load_pem_private_key(content, None)
        if isinstance(key, Ed25519PrivateKey):
            return key
    raise GatewayError(f"{path} is no key for passes; checkpoint-gateway pass keygen makes one")
