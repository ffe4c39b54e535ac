"""Makes a parcel of what there is: a configuration that is in force, or a file of answers."""

import tomllib
from collections.abc import Collection
from pathlib import Path

from gateway import configfile
from gateway.errors import ConfigError, GatewayError
from gateway.setup import document
from gateway.setup.contents import gather
from gateway.setup.former import KEY
from gateway.setup.guide import code_mistakes, place_of
from gateway.setup.meaning import Tables
from gateway.setup.parcel import Parcel


def of_gate(file: Path) -> Parcel:
    """All that makes this box the gate that it is.

    Raises:
        ConfigError: the configuration has mistakes.
        GatewayError: something that belongs to it cannot be read.
    """
    config = configfile.load(file)
    text = file.read_text(encoding="utf-8-sig")
    files, mistakes = gather(tomllib.loads(text), Path(), {})
    if mistakes:
        raise GatewayError("; ".join(mistakes))
    key = config.gateway.state_dir / KEY
    try:
        return Parcel(config.gateway.id, text, files, key.read_bytes() if key.exists() else None)
    except OSError as error:
        raise GatewayError(f"{key} cannot be read: {error.strerror}") from error


def shortened(parcel: Parcel, without: Collection[str]) -> Parcel:
    """The same for a code: no remarks, and none of `devices`, `certificates` and `key` that is to
    be left out."""
    tables = tomllib.loads(parcel.config)
    if "devices" in without:
        tables.pop("devices", None)
        tables.pop("lanes", None)
    if "certificates" in without and tables["uplink"].get("tls"):
        tables["uplink"]["tls"] = {}
    files, _ = gather(tables, Path(), parcel.files)
    key = None if "key" in without else parcel.key
    return Parcel(parcel.gateway, document.bare(tables), files, key)


def of_answers(file: Path, code: str | None) -> Parcel:
    """A gate from a file of answers, which is a configuration; with ``code``, for that gate.

    Files that it names are looked for from where it is.

    Raises:
        ConfigError: every mistake in it.
    """
    wrong: list[str] = [f"--gate: {each}" for each in code_mistakes(code)] if code else []
    try:
        configfile.load(file)
    except ConfigError as error:
        wrong += str(error).splitlines()
    tables = _tables(file, wrong)
    files, unread = gather(tables, file.absolute().parent, {})
    if wrong := [*wrong, *(f"{file}: {each}" for each in unread)]:
        raise ConfigError("\n".join(wrong))
    if code:
        _move_to(tables, code)
    return Parcel(tables["gateway"]["id"], document.bare(tables), files)


def _tables(file: Path, wrong: list[str]) -> Tables:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:  # told already, with its line
        raise ConfigError("\n".join(wrong)) from error


def _move_to(tables: Tables, code: str) -> None:
    """The same answers for another gate."""
    uplink = tables["uplink"]
    if uplink.get("username") == tables["gateway"]["id"]:
        del uplink["username"]
    tables["gateway"] |= place_of(code)
