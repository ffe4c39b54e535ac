"""The secrets this box keeps for itself, each in a file only its own user can read."""

import os
from collections.abc import Callable, Collection
from pathlib import Path

from gateway import durably
from gateway.errors import GatewayError


def load_or_create(path: Path, create: Callable[[], bytes], *sizes: int) -> bytes:
    """The key in `path`; on the first start it is made by `create` and made durable.

    Raises:
        GatewayError: the file cannot be read or written, or has none of these `sizes` in bytes.
    """
    try:
        return _checked(path, path.read_bytes(), sizes)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise GatewayError(f"cannot read the key {path}: {error.strerror}") from error
    key = create()
    try:
        durably.write(path, key)
    except OSError as error:
        raise GatewayError(f"cannot keep a new key in {path}: {error.strerror}") from error
    return key


def replace(path: Path, key: bytes) -> None:
    """Put `key` in the place of what `path` holds, durably, and destroy that: it is overwritten
    where it lies. (What a flash chip keeps of it by itself, no program can reach.)

    Raises:
        OSError: the disk does not let it be done; then the former key is still there, or the new
            one is, whole.
    """
    former = os.open(path, os.O_WRONLY)
    try:
        size = os.fstat(former).st_size
        durably.write(path, key)
        os.pwrite(former, bytes(size), 0)
        os.fsync(former)
    finally:
        os.close(former)


def _checked(path: Path, key: bytes, sizes: Collection[int]) -> bytes:
    if len(key) not in sizes:
        expected = " or ".join(map(str, sizes))
        raise GatewayError(
            f"the key {path} holds {len(key)} bytes, expected {expected}; restore it from a "
            "backup, or remove it and accept that codes get new pseudonyms"
        )
    return key


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Have `content` in the new file `path`, durable.

    Raises:
        GatewayError: the file exists or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except FileExistsError as error:
        raise GatewayError(f"{path} exists; a key is never overwritten") from error
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from error
