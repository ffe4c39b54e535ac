"""Asks for the doors of one device: what each is for, and which wires are its own."""

import re
from typing import Final

from gateway.setup.meaning import description, optional_wires, required, schema_at
from gateway.setup.sheet import Sheet

_ROLES: Final = ("gate", "sealed", "home")
_ACTS: Final = re.compile("strike|lock")
"""Wires that a home door has not: whoever lives behind it must always get out."""


def ask_doors(sheet: Sheet, *device: str) -> None:
    """Everything under ``[devices.NAME.doors]``."""
    at = (*device, "doors")
    former = sheet.get(*at) or {}
    names = sheet.names(
        "Doors at it, names with blanks between",
        *at,
        default=list(former) or ["gate-1"],
        explain="Such as gate-1. Each name may occur once at this gate.",
    )
    first = {"role": _ROLES[0]}
    sheet.put({name: first | former.get(name, {}) for name in names} or None, *at)
    for name in names:
        _ask_door(sheet, *at, name)


def _ask_door(sheet: Sheet, *at: str) -> None:
    schema = schema_at(sheet.tables, at)
    role = sheet.choose(f"{at[-1]}: what is it for", _ROLES, *at, "role", default=_ROLES[0])
    needed = [name for name in required(schema) if name != "role"]
    for wire in [*needed, *optional_wires(schema)]:
        if role == "home" and _ACTS.search(wire):
            sheet.put(None, *at, wire)
            continue
        words = description(schema_at(sheet.tables, (*at, wire))).partition(";")[0].rstrip(".")
        sheet.ask(f"{at[-1]}: {wire} ({words})", *at, wire, optional=wire not in needed)
