"""The swap of a broken box: backups and provisioning codes, made and read."""

import argparse
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError
from gateway.setup import coats
from gateway.setup.dialogue import Dialogue
from gateway.setup.durable import overwrite
from gateway.setup.packing import of_gate, shortened
from gateway.setup.parcel import Parcel, is_encrypted, seal
from gateway.setup.passphrases import opened, to_seal

WARNING: Final = (
    "The box that it came from must not be connected again: the broker would throw out one for the",
    "other. Events that only its disk holds can be exported from there.",
)
_NO_KEY: Final = (
    "There is no key for pseudonyms yet, which the first start makes: back up again after it."
)
_OPEN: Final = "It is not encrypted: whoever has it can connect in this gate's name."


def backup(chosen: argparse.Namespace, dialogue: Dialogue) -> int:
    """Write everything that makes this box the gate that it is to a stick; the exit code."""
    parcel = of_gate(chosen.file)
    if not chosen.to.is_dir():
        raise GatewayError(f"there is no directory {chosen.to}: is the stick mounted?")
    content = coats.as_file(seal(parcel, to_seal(chosen, dialogue)))
    if parcel.key is None:
        dialogue.say(_NO_KEY)
    path = chosen.to / coats.backup_name(parcel.gateway)
    overwrite(path, content)
    if path.read_bytes() != content:
        raise GatewayError(f"{path} does not read back as it was written: use another stick")
    dialogue.say(f"written: {path}, {len(content)} bytes", *_contents(parcel))
    if chosen.no_passphrase:
        dialogue.say(_OPEN)
    return 0


def from_backup(chosen: argparse.Namespace, dialogue: Dialogue) -> Parcel:
    """What the stick holds."""
    parcel = opened(coats.from_file(chosen.source), chosen.passphrase_file, dialogue)
    dialogue.say(*_contents(parcel))
    return parcel


def make_code(chosen: argparse.Namespace, dialogue: Dialogue) -> int:
    """Print this gate's provisioning code, or draw it; the exit code."""
    parcel = shortened(of_gate(chosen.file), chosen.without)
    code = coats.as_code(seal(parcel, to_seal(chosen, dialogue)))
    if chosen.picture:
        from gateway.setup import pictures

        overwrite(chosen.picture, pictures.as_picture(code))
        dialogue.say(f"written: {chosen.picture}, for {len(code)} characters", *_contents(parcel))
    else:
        dialogue.say(code)
    return 0


def from_code(chosen: argparse.Namespace, dialogue: Dialogue) -> Parcel:
    """What the provisioning code holds that was typed, pasted, or seen.

    Raises:
        GatewayError: it stands on the command line and is not encrypted.
    """
    given: str = chosen.code
    if given == "-":
        given = dialogue.ask("Provisioning code", None)
        sealed = coats.from_code(given)
    elif not given.upper().startswith(coats.PREFIX):
        from gateway.setup import pictures

        sealed = coats.from_code(pictures.seen(given))
    else:
        sealed = coats.from_code(given)
        if not is_encrypted(sealed):
            raise GatewayError(
                "this code is not encrypted, and other users can read a command line: give --code -"
                " and type it when asked, or give a picture of it"
            )
    parcel = opened(sealed, chosen.passphrase_file, dialogue)
    dialogue.say(*_contents(parcel))
    return parcel


def _contents(parcel: Parcel) -> tuple[str, ...]:
    files = ", ".join(Path(each).name for each in parcel.files) or "no further file"
    key = "with" if parcel.key else "without"
    return (f"gate {parcel.gateway}: configuration, {files}, {key} the key for pseudonyms",)
