"""The secrets this box keeps for itself, each in a file only its own user can read."""

from collections.abc import Callable
from pathlib import Path

from gateway import durably
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
        durably.write(path, key)
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
