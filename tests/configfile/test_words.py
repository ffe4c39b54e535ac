"""What is expected and what was found, as a technician reads it."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import TypeAdapter

from drivers.base import Name, Role
from gateway.configfile import words


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (int, "a whole number"),
        (Annotated[int, Ge(1), Le(65535)], "a whole number from 1 to 65535"),
        (Annotated[int, Le(1_000_000)], "a whole number of at most 1000000"),
        (Annotated[float, Ge(0.5)], "a number of at least 0.5"),
        (Annotated[float, Gt(0)], "a number above 0"),
        (Annotated[float, Gt(0), Le(60)], "a number above 0 and up to 60"),
        (Annotated[float, Ge(0), Lt(60)], "a number from 0 to below 60"),
        (Annotated[float, Gt(0), Lt(60)], "a number above 0 and below 60"),
        (bool, "true or false"),
        (str, 'text in "quotation marks"'),
        (Annotated[str, MinLen(1)], 'text in "quotation marks" with 1 characters or more'),
        (Annotated[str, MinLen(2), MaxLen(4)], 'text in "quotation marks" with 2 to 4 characters'),
        (Path, "the path of a file or directory"),
        (Name, "1 to 32 small letters, digits, - or _, no - or _ first"),
        (Role, '"gate", "sealed" or "home"'),
        (Literal[9600, 115200], "9600 or 115200"),
        (Literal["camera"], '"camera"'),
        (Annotated[int, Ge(1)] | None, "a whole number of at least 1"),
        (int | str, 'a whole number or text in "quotation marks"'),
        (tuple[float, float], "a list with 2 entries"),
        (Annotated[list[int], MaxLen(8)], "a list with 8 entries or fewer"),
        (Annotated[dict[str, int], MinLen(1)], "a table with 1 entries or more"),
        (dict[str, int], "a table"),
    ],
)
def test_expected(kind: Any, expected: str) -> None:
    assert words.expected(TypeAdapter(kind).json_schema()) == expected


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("abc", 'the text "abc"'),
        ("", 'the text ""'),
        ("a\nb\x1b[31m", 'the text "a·b·[31m"'),
        ("x" * 41, f'the text "{"x" * 39}…"'),
        ("rtsp://admin:hunter2@10.0.0.9/live", "a text, not repeated here"),
        ("user:hunter2@broker", "a text, not repeated here"),
        (True, "true"),
        (7, "the number 7"),
        (0.25, "the number 0.25"),
        (float("nan"), "the number nan"),
        ({}, "an empty table"),
        ({"a": 1}, "a table"),
        ([1, 2], "a list of 2 entries"),
        (date(2026, 1, 2), "a date or time"),
    ],
)
def test_found(value: object, found: str) -> None:
    assert words.found(value) == found


@pytest.mark.parametrize("name", ["password", "passwd", "Token", "client_secret", "psk", "pin"])
def test_secret(name: str) -> None:
    assert words.is_secret(name)


@pytest.mark.parametrize(
    "name", ["password_file", "credentials_file", "key_file", "opinion", "spin"]
)
def test_not_secret(name: str) -> None:
    assert not words.is_secret(name)


def test_the_nearest_name() -> None:
    assert words.nearest("hots", ["port", "host"]) == '; did you mean "host"?'
    assert words.nearest("Keepalive", ["keepalive_s"]) == '; did you mean "keepalive_s"?'
    assert words.nearest("zzz", ["port", "host"]) == ""
