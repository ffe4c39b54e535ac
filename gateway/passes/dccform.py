"""The form of what an EU certificate says (ehn-dcc-schema 1.0.0 to 1.3.x): entries of one kind on
one person. Codes of diseases, tests and vaccines are not looked up: nobody's health is judged here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from gateway.passes.form import FormError

_Check = Callable[[object], bool]

TEST, VACCINATION, RECOVERY = "t", "v", "r"
_BORN: Final = re.compile(r"((19|20)\d\d(-\d\d){0,2})?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]+(Z|[+-]\d\d:?\d\d)?)?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)")
_COUNTRY: Final = re.compile(r"(?!(AA|Q[M-Z]|X[A-JL-Z]|ZZ)$)[A-Z]{0,10}")
"""ISO 3166 leaves these codes to whoever wants one; XK is what Kosovo took."""
_HOLDER: Final = re.compile(r"(?!ORG-)[^\n]{0,80}|ORG-\d{9,10}")
"""The European Medicines Agency numbers organisations with nine digits; some write ten."""
_DEVICE: Final = re.compile(r"(?!9999$)[^\n]{0,80}")
"""A number of the Joint Research Centre's list; four nines are none."""
_LONGEST: Final = 100


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _like(form: re.Pattern[str]) -> _Check:
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def _dose(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9


_ALWAYS: Final[dict[str, _Check]] = {"tg": _text, "co": _like(_COUNTRY), "is": _text, "ci": _text}
_NEEDED: Final[dict[str, dict[str, _Check]]] = {
    TEST: _ALWAYS | {"tt": _text, "sc": _like(_MOMENT), "tr": _text},
    VACCINATION: _ALWAYS
    | {"vp": _text, "mp": _text, "ma": _like(_HOLDER)}
    | {"dn": _dose, "sd": _dose, "dt": _like(_DATE)},
    RECOVERY: _ALWAYS | {"fr": _like(_DATE), "df": _like(_DATE), "du": _like(_DATE)},
}
_POSSIBLE: Final[dict[str, dict[str, _Check]]] = {
    TEST: {"nm": _text, "ma": _like(_DEVICE), "dr": _like(_MOMENT), "tc": _text},
    VACCINATION: {},
    RECOVERY: {},
}


def kinds(content: Mapping[Any, Any]) -> list[str]:
    """What it is about: `t`, `v`, `r`, one of them if its form is right."""
    return [kind for kind in _NEEDED if content.get(kind)]


def check(content: Mapping[Any, Any], issued: int) -> None:
    """Whether it has the form that a certificate has which was `issued` then.

    Raises:
        FormError: it has not.
    """
    if not all(_mistakeless(content, issued)):
        raise FormError("not the form of a certificate")


def _mistakeless(content: Mapping[Any, Any], issued: int) -> Iterator[bool]:
    born = content.get("dob")
    yield isinstance(born, str) and _BORN.fullmatch(born) is not None
    yield str(born)[:4] <= f"{datetime.fromtimestamp(issued, UTC):%Y}"
    yield _text(content.get("ver"))
    yield _named(content.get("nam"))
    yield len(kinds(content)) == 1
    for kind in kinds(content):
        entries = content[kind]
        yield isinstance(entries, list) and all(_entry(each, kind) for each in entries)


def _entry(entry: object, kind: str) -> bool:
    """One of the earliest certificates may have several, of one kind."""
    if not isinstance(entry, Mapping):
        return False
    needed, possible = _NEEDED[kind].items(), _POSSIBLE[kind].items()
    return all(right(entry.get(name)) for name, right in needed) and all(
        right(entry[name]) for name, right in possible if entry.get(name)
    )


def _named(names: object) -> bool:
    """Each name also as in a passport's machine readable zone (ICAO 9303), where not all keep to
    capitals."""
    if not isinstance(names, Mapping) or not isinstance(names.get("fnt"), str):
        return False
    for name, machine in (("fn", "fnt"), ("gn", "gnt")):
        written, readable = names.get(name, ""), names.get(machine, "")
        if not _text(written) or not _text(readable) or (written and not readable):
            return False
    return True
