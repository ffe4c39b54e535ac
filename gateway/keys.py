"""The secrets this box keeps for itself, each in a file only its own user can read."""

import os
from collections.abc import Callable
from pathlib import Path

from gateway.errors import GatewayError


def load_or_create(path: Path, create: Callable[[], bytes], size: int) -> bytes:
    """The key in `path`; on the first start it is made by `create` and made durable.

    Raises:
        GatewayError: the file cannot be read or written, or does not hold `size` bytes.
    """
    try:
        return _checked(path, path.read_bytes(), size)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise GatewayError(f"cannot read the key {path}: {error.strerror}") from error
    key = create()
    try:
        _write_durably(path, key)
    except OSError as error:
        raise GatewayError(f"cannot keep a new key in {path}: {error.strerror}") from error
    return key


def _checked(path: Path, key: bytes, size: int) -> bytes:
    if len(key) != size:
        raise GatewayError(
            f"the key {path} holds {len(key)} bytes, expected {size}; restore it from a backup, or "
            "remove it and accept that codes get new pseudonyms"
        )
    return key


def _write_durably(path: Path, key: bytes) -> None:
    # Written aside and renamed: a pulled plug leaves either no key or a whole one.
    aside = path.with_name(path.name + ".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    aside.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
