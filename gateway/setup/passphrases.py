"""Where passphrases come from: somebody types them, or a file holds them; no command line does."""

import argparse
import sys
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError
from gateway.setup.dialogue import Dialogue
from gateway.setup.parcel import (
    LEAST_PASSPHRASE,
    Parcel,
    PassphraseError,
    is_encrypted,
    unseal,
)

_TRIES: Final = 3


def to_seal(chosen: argparse.Namespace, dialogue: Dialogue) -> str | None:
    """The passphrase to encrypt with; None if somebody has said that there is to be none.

    Raises:
        GatewayError: nobody has said what it is.
    """
    if chosen.no_passphrase:
        return None
    if chosen.passphrase_file:
        return _first_line(chosen.passphrase_file)
    if not sys.stdin.isatty():
        raise GatewayError(
            "a passphrase is needed to encrypt it: name a file that holds it with"
            " --passphrase-file, or say --no-passphrase"
        )
    while True:
        passphrase = dialogue.secret(f"Passphrase, {LEAST_PASSPHRASE} characters or more")
        if len(passphrase) < LEAST_PASSPHRASE:
            dialogue.say(f"  ! found {len(passphrase)} characters")
        elif dialogue.secret("The same once more") != passphrase:
            dialogue.say("  ! these were two different ones")
        else:
            return passphrase


def opened(sealed: bytes, file: Path | None, dialogue: Dialogue) -> Parcel:
    """The parcel, with a passphrase if it needs one.

    Raises:
        ParcelError: it cannot be opened.
    """
    if not is_encrypted(sealed):
        return unseal(sealed, None)
    if file:
        return unseal(sealed, _first_line(file))
    for _ in range(_TRIES - 1):
        try:
            return unseal(sealed, dialogue.secret("Its passphrase"))
        except PassphraseError as error:
            dialogue.say(f"  ! {error}")
    return unseal(sealed, dialogue.secret("Its passphrase"))


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(f"cannot read the passphrase from {file}: {error}") from error
