"""Puts a parcel in place: the one way in which this box becomes a gate."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.base import SECRETS
from gateway.config import Config
from gateway.errors import ConfigError, GatewayError
from gateway.events import Pseudonyms
from gateway.setup import document, former
from gateway.setup.contents import moved, secrets_of, validated
from gateway.setup.durable import NewFile, Whose, holds, make_directory, put
from gateway.setup.meaning import Tables
from gateway.setup.parcel import Parcel

_SAMPLES: Final = (
    Path("/usr/share/checkpoint-gateway/gateway.toml"),
    Path("/usr/local/share/checkpoint-gateway/gateway.toml"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will stand where, decided and validated; nothing has been touched."""

    config: Config
    file: Path
    """Where the configuration will be."""
    text: str
    files: Mapping[Path, bytes]
    key: bytes | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What may be done to what the box has already."""

    replace: bool = False
    """Write over its configuration, of which a copy is kept."""
    set_aside: bool = False
    """Set a journal of another gateway aside."""


def plan(parcel: Parcel, file: Path) -> Plan:
    """How the parcel comes to be the configuration `file`, with its secrets beside it.

    The text stays as somebody wrote it, unless names in it have to change or it has no remark at
    its beginning: it is written with remarks then.

    Raises:
        ConfigError: it cannot be used on this box; every mistake in it.
    """
    tables = tables_of(parcel)
    placed, files = moved(tables, parcel.files, file.absolute().parent, secrets_of(file))
    if file.absolute() in files:
        raise GatewayError(f"a secret would be written over the configuration: rename {file.name}")
    config = validated(placed)
    same = placed == tables and parcel.config.startswith("#")
    text = parcel.config if same else document.text(placed, file)
    return Plan(config, file, text, files, parcel.key)


def is_sample(file: Path) -> bool:
    """Whether it is what the installation has put there, and nobody's configuration yet."""
    return any(each.exists() and holds(file, each.read_bytes()) for each in _SAMPLES)


def tables_of(parcel: Parcel) -> Tables:
    """The configuration in a parcel.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        return tomllib.loads(parcel.config)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration in it is no TOML: {error}") from error


def objections(planned: Plan) -> dict[str, str]:
    """What the box has that consent is needed for, by the name in `Consent`."""
    found = {}
    file, source = planned.file, planned.config.gateway.source
    there = file.exists() and not is_sample(file)
    if there and not holds(file, planned.text.encode()):
        found["replace"] = f"{file} is there already; a copy of it would be kept"
    try:
        journal = former.former(planned.config)
        if journal is not None and journal.source != source:
            found["set_aside"] = (
                f"this box has a journal of {journal.source}, with {journal.waiting} events that"
                f" the centre does not have yet; {source} cannot go on with it, it would be set"
                " aside"
            )
    except GatewayError as error:
        found["set_aside"] = f"{error}; it would be set aside"
    return found


def carry_out(planned: Plan, consent: Consent) -> list[str]:
    """Do as planned; what was done, in words.

    Raises:
        GatewayError: it cannot be done, or needs consent; in that case nothing has changed.
    """
    found = objections(planned)
    missing = [text for name, text in found.items() if not getattr(consent, name)]
    if missing:
        raise GatewayError("; ".join(missing))
    state_dir = planned.config.gateway.state_dir
    make_directory(planned.file.absolute().parent, 0o755)
    make_directory(secrets_of(planned.file), 0o700)
    done = []
    if "set_aside" in found:
        done.append(f"the former journal is now in {former.set_aside(planned.config)}")
    files = {
        path: NewFile(content, Whose.ROOT if path.parent == SECRETS else Whose.GATEWAY)
        for path, content in planned.files.items()
    }
    key = state_dir / former.KEY
    make_directory(state_dir, 0o750)
    if planned.key is not None or not key.exists():
        # Made here already, so that a backup of this visit is complete.
        files[key] = NewFile(planned.key or Pseudonyms.new_key())
    files[planned.file] = NewFile(planned.text.encode(), Whose.ALL)  # last: it names the others
    done += [f"what was there is kept as {each}" for each in put(files)]
    return [*done, *(f"written: {each}" for each in files)]
