"""JSON from strangers, read strictly, and written so that everybody signs the same bytes.

What is written is RFC 8785 (JCS) for all that `read` lets through: no number is so large or so
small that JSON readers disagree about it, no name occurs twice, no text is half a character.
"""

import json
from decimal import Decimal
from typing import Any, NoReturn

LARGEST_INTEGER = 2**53 - 1
"""Beyond it JSON readers disagree about integers."""
_SMALLEST_FRACTION = 1e-6
"""Below it ECMAScript, whose way of writing numbers RFC 8785 takes, writes exponents."""
_MOST_DIGITS = 32
_DEEPEST = 32


def read(text: bytes, *, most_bytes: int) -> dict[str, Any]:
    """The JSON object in `text`.

    Raises:
        ValueError: it is none, or not one that everybody understands alike. What it says is fit to
            be shown: nothing of the content is in it but names.
    """
    if len(text) > most_bytes:
        raise ValueError(f"it is longer than {most_bytes} bytes")
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_int=_integer,
            parse_float=_fraction,
        )
    except UnicodeDecodeError as error:
        raise ValueError("it is no UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON (character {error.pos})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if isinstance(value, dict):
        _check(value, _DEEPEST)
        return value
    raise ValueError("it is no JSON object")


def canonical(value: Any) -> bytes:
    """`value`, made of what `read` gives, in the one form in which it is signed."""
    return _written(value).encode()


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no numbers")


def _integer(text: str) -> int:
    if len(text) <= _MOST_DIGITS and abs(int(text)) <= LARGEST_INTEGER:
        return int(text)
    raise ValueError("a number is too large")


def _fraction(text: str) -> float:
    value = float(text) if len(text) <= _MOST_DIGITS else 0.0
    if value and _SMALLEST_FRACTION <= abs(value) <= LARGEST_INTEGER:
        return value
    if value or any(digit in "123456789" for digit in text):
        raise ValueError("a number is too large, too small, or has too many digits")
    return 0.0


def _check(value: Any, levels: int) -> None:
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("a text has half a character")
    elif isinstance(value, dict | list):
        if not levels:
            raise ValueError("it is nested too deeply")
        if isinstance(value, dict):
            for name in value:
                _check(name, levels)
        for each in value.values() if isinstance(value, dict) else value:
            _check(each, levels - 1)


def _written(value: Any) -> str:
    match value:
        case dict():
            ordered = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
            inner = [f"{json.dumps(name, ensure_ascii=False)}:{_written(v)}" for name, v in ordered]
            return "{" + ",".join(inner) + "}"
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case float():
            text = format(Decimal(repr(value)), "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case _:
            return json.dumps(value, ensure_ascii=False)
