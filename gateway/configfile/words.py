"""Says in a technician's words what was found in the file and what a model expects."""

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

Schema = dict[str, Any]
"""JSON Schema, as pydantic makes it from a model."""

_LONGEST_ECHO = 40
_SECRET_NAME = re.compile(
    r"passw|secret|token|credential|private|(^|_)(psk|pin)($|_)", re.IGNORECASE
)
_FILE_NAME = re.compile(r"_(file|path|dir)$")
_MAY_BE_LOGIN = "@"
"""As in ``user:password@host``; no option needs one."""
_MOST_NAMES = 50
"""Of the names in a file so many are listed, and compared with a misspelt one."""


def is_secret(name: str) -> bool:
    """Whether a key of this name would hold a secret itself, and not the name of a file."""
    return is_about_secrets(name) and not _FILE_NAME.search(name)


def is_about_secrets(name: str) -> bool:
    """Whether somebody may have written a secret as the value of a key of this name."""
    return bool(_SECRET_NAME.search(name))


def found(value: object, *, hidden: bool = False) -> str:
    """``value``, as it came out of the file; only its kind if it is to stay ``hidden``."""
    match value:
        case str() if hidden or _MAY_BE_LOGIN in value:
            return "a text, not repeated here"
        case str():
            return f"the text {quoted(value)}"
        case bool():
            return "true" if value else "false"
        case int() | float() if hidden:
            return "a number, not repeated here"
        case int():
            return f"the number {shown(str(value))}"
        case float():
            return f"the number {value:g}"
        case dict():
            return "a table" if value else "an empty table"
        case list():
            return f"a list of {len(value)} entries"
        case _:
            return "a date or time"


def quoted(text: str) -> str:
    """``text`` in quotation marks, as far as it is ``shown``."""
    return f'"{shown(text)}"'


def shown(text: str) -> str:
    """``text`` on one line and not too long; nothing of it if there may be a login inside."""
    if _MAY_BE_LOGIN in text:
        return "…@…"
    short = text if len(text) <= _LONGEST_ECHO else text[: _LONGEST_ECHO - 1] + "…"
    return printable(short)


def printable(text: str) -> str:
    """``text`` without anything that would begin a new line or steer a terminal."""
    return "".join(each if each.isprintable() else "·" for each in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` with the known name that looks most like ``name``, or nothing."""
    names = list(islice(known, _MOST_NAMES))
    best = difflib.get_close_matches(name[:_LONGEST_ECHO].lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {quoted(best[0])}?" if best else ""


def one_of(values: Sequence[object]) -> str:
    """The values in quotation marks with "or" before the last."""
    *others, last = [quoted(each) if isinstance(each, str) else str(each) for each in values]
    if len(others) >= _MOST_NAMES:
        return f"{', '.join(others[:_MOST_NAMES])} or another of {len(values)}"
    return f"{', '.join(others)} or {last}" if others else last


def choices(schema: Schema) -> list[object]:
    """The values among which ``schema`` leaves the choice, if it does that."""
    fixed = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return [*fixed, *(value for option in schema.get("anyOf", []) for value in choices(option))]


def expected(schema: Schema) -> str:
    """What ``schema`` takes."""
    if "words" in schema:
        return str(schema["words"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(expected(s) for s in schema["anyOf"] if s != _NULL))
    if fixed := choices(schema):
        return one_of(fixed)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "string":
        return _text(schema)
    if kind == "array":
        return "a list" + _amount(schema, "minItems", "maxItems", "entries")
    if kind == "object":
        return "a table" + _amount(schema, "minProperties", "maxProperties", "entries")
    return "true or false" if kind == "boolean" else "a value"


_NULL = {"type": "null"}
_FORMATS = {"path": "the path of a file or directory", "uri": "an address like http://host/path"}


def _number(schema: Schema) -> str:
    noun = "a whole number" if schema["type"] == "integer" else "a number"
    match schema:
        case {"minimum": low, "maximum": high}:
            return f"{noun} from {low} to {high}"
        case {"exclusiveMinimum": low, "maximum": high}:
            return f"{noun} above {low} and up to {high}"
        case {"minimum": low, "exclusiveMaximum": high}:
            return f"{noun} from {low} to below {high}"
        case {"exclusiveMinimum": low, "exclusiveMaximum": high}:
            return f"{noun} above {low} and below {high}"
    one_sided = {
        "minimum": "of at least",
        "exclusiveMinimum": "above",
        "maximum": "of at most",
        "exclusiveMaximum": "below",
    }
    return noun + "".join(
        f" {words} {schema[key]}" for key, words in one_sided.items() if key in schema
    )


def _text(schema: Schema) -> str:
    noun = _FORMATS.get(schema.get("format", ""), 'text in "quotation marks"')
    if "pattern" in schema:
        noun = f"text of the form {schema['pattern']}"
    return noun + _amount(schema, "minLength", "maxLength", "characters")


def _amount(schema: Schema, least: str, most: str, noun: str) -> str:
    match schema.get(least), schema.get(most):
        case None, None:
            return ""
        case int(low), None:
            return f" with {low} {noun} or more"
        case None, int(high):
            return f" with {high} {noun} or fewer"
        case low, high:
            return f" with {low} {noun}" if low == high else f" with {low} to {high} {noun}"
