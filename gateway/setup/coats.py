"""The two coats of a sealed parcel: a file on a stick, and a code to be typed or scanned."""

import base64
import binascii
from pathlib import Path
from typing import Final

from gateway.setup.parcel import ParcelError

_BANNER: Final = b"checkpoint-gateway backup\n"
"""The first line of a backup, for whoever wonders what the file is."""
_LARGEST_FILE: Final = 4 << 20
_SUFFIX: Final = ".backup"

PREFIX: Final = "CG1:"


def backup_name(gateway: str) -> str:
    """What the backup of a gateway is called."""
    return f"checkpoint-gateway-{gateway}{_SUFFIX}"


def as_file(sealed: bytes) -> bytes:
    """What stands in a backup file."""
    return _BANNER + sealed


def from_file(place: Path) -> bytes:
    """The sealed parcel in a backup file, or in the only one that a directory has.

    Raises:
        ParcelError: there is none, or several; it is none, or cannot be read.
    """
    path = _only_backup(place) if place.is_dir() else place
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE)
    except OSError as error:
        raise ParcelError(f"{path} cannot be read: {error.strerror}") from error
    if not content.startswith(_BANNER):
        raise ParcelError(f"{path} is no backup of a checkpoint-gateway")
    return content.removeprefix(_BANNER)


def _only_backup(directory: Path) -> Path:
    found = sorted(directory.glob(backup_name("*")))
    if not found:
        raise ParcelError(f"{directory} has no file {backup_name('…')}: is it the right stick?")
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise ParcelError(f"{directory} has several backups, name one of them: {names}")
    return found[0]


def as_code(sealed: bytes) -> str:
    """The provisioning code, in letters and digits that no keyboard and no reader mistakes."""
    return PREFIX + base64.b32encode(sealed).decode().rstrip("=")


def from_code(code: str) -> bytes:
    """The sealed parcel in a code as somebody has typed it: blanks, dashes, small letters.

    Raises:
        ParcelError: it is none.
    """
    text = "".join(code.split()).replace("-", "").upper()
    if not text.startswith(PREFIX):
        raise ParcelError(f"this is no provisioning code: it does not begin with {PREFIX}")
    text = text.removeprefix(PREFIX)
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError) as error:
        raise ParcelError(
            "this is no provisioning code: it has a character other than A to Z and 2 to 7, or one"
            " too few or too many"
        ) from error
