"""Which passes are wanted: one on the command line, or a table of them."""

import csv
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from gateway.errors import GatewayError
from gateway.events import Class
from gateway.issuing.arguments import KINDS
from gateway.passes import claims
from gateway.passes.claims import Claims
from gateway.passes.form import FormError

_COLUMNS: Final = {"kind", "sub", "until", "name", "from", "place", "role", "registered"}
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_CTI_BYTES: Final = 6
"""Of a million passes of an issuer no two have the same number, but with a chance of 1 to 500."""
_MOST_ROWS: Final = 20_000


class Wanted(Struct, frozen=True):
    """A pass, and what is printed beside it."""

    said: Claims
    name: str | None


def row(asked: Mapping[str, str | None], issuer: str, place: str, now: int) -> Wanted:
    """The pass that the entries of a row, or the options of the command, ask for.

    Raises:
        GatewayError: something is missing, or is none of what it can be.
    """
    for name in ("kind", "sub", "until"):
        if not asked.get(name):
            raise GatewayError(f"{name} is missing")
    if asked["kind"] not in KINDS:
        raise GatewayError(f"kind: expected one of {', '.join(KINDS)}")
    begin = asked.get("from")
    said = Claims(
        issuer=issuer,
        subject=str(asked["sub"]),
        places=tuple((asked.get("place") or place).split()),
        kind=Class(str(asked["kind"])),
        issued=now,
        begin=_moment("from", begin) if begin else now,
        end=_moment("until", str(asked["until"]), end_of_day=True),
        number=secrets.token_bytes(_CTI_BYTES),
        role=asked.get("role") or None,
        registered=_yes(asked.get("registered")),
    )
    try:
        claims.from_cwt(claims.to_cwt(said))
    except FormError as error:
        raise GatewayError(f"sub, place or role: {error}") from error
    if said.end <= max(now, said.begin):
        raise GatewayError("until: that is over before the pass begins")
    return Wanted(said, asked.get("name") or None)


def table(path: Path, issuer: str, place: str, now: int) -> Iterator[Wanted]:
    """The passes that a table (CSV in UTF-8) asks for.

    Raises:
        GatewayError: it cannot be read; or what is wrong, with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if unknown := {*(rows.fieldnames or ())} - _COLUMNS:
                known = ", ".join(sorted(_COLUMNS))
                raise GatewayError(f"{path}:1: unknown column {min(unknown)}; there are {known}")
            for number, each in enumerate(rows):
                if number == _MOST_ROWS:
                    raise GatewayError(f"{path}: more than {_MOST_ROWS} rows")
                try:
                    yield row(each, issuer, place, now)
                except GatewayError as error:
                    raise GatewayError(f"{path}:{rows.line_num}: {error}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no table in UTF-8"
        raise GatewayError(f"{path} cannot be read: {reason}") from error


def _moment(name: str, text: str, *, end_of_day: bool = False) -> int:
    """A day of this machine's time zone, its end if it is a last one; or a moment."""
    try:
        moment = datetime.fromisoformat(text)
        if _DAY.fullmatch(text) and end_of_day:
            moment += timedelta(days=1)
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        raise GatewayError(f"{name}: expected a day, as 2026-06-30, or a moment") from None


def _yes(text: str | None) -> bool | None:
    return text.strip().lower() in ("yes", "true", "1", "是") if text else None
