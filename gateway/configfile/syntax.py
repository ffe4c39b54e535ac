"""TOML text → plain data; what is not TOML is told in plain words with its line."""

import re
import tomllib
from typing import Any, NamedTuple

from gateway.configfile.lines import (
    ends_in_braces,
    key_lines,
    long_number,
    too_deep,
    unclosed_quote,
)

MOST_MISTAKES = 20
"""A file with more mistakes than this in its syntax is some other kind of file."""

_DEEPEST = 50
"""Levels of tables and lists; a dotted key can make thousands of them."""

_MOST_DIGITS = 1000
"""Of a number; above 4300 Python itself refuses it, and does not say where it stands."""


class SyntaxMistake(NamedTuple):
    """One mistake in the syntax; ``name`` is the key or table that could not be read for it."""

    line: int
    words: str
    name: str | None


class Parsed(NamedTuple):
    """What could be read; ``text`` is the text without its mistakes, line for line as before.

    ``whole`` is false where a mistake hides the rest of the file: then there is no data.
    """

    data: dict[str, Any]
    text: str
    mistakes: list[SyntaxMistake]
    whole: bool


_MESSAGE = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)
_HEADER = re.compile(r"\s*\[+\s*(?P<name>[A-Za-z0-9_-]*)")
_KEY = re.compile(r"\s*(?P<name>[A-Za-z0-9_-]+)(?:\s*=)?(?P<value>.*)")

_NO_NAME = "Invalid initial character for a key part"

_IN_ONE_LINE = {
    "Invalid value": "the value after = is missing or has no valid form; text needs quotation"
    " marks, numbers have a point and no unit, yes and no are true and false",
    "Expected newline or end of document after a statement": "something follows the end of the"
    " value; text needs quotation marks, numbers have no unit, a remark begins with #",
    "Expected '='": "= is missing after the key; a key with spaces needs quotation marks",
    "Expected ']": "the name of the table is not closed with ]; a name with spaces needs"
    " quotation marks",
    _NO_NAME: "the name is missing, or needs quotation marks",
    "Illegal character '\\n'": "a text is not closed with its quotation mark",
    "Found invalid character '\\n'": "a text is not closed with its quotation mark",
    'Expected "\'"': "a text is not closed with its quotation mark",
    "Unescaped '\\' in a string": "a backslash begins a special character; write it twice, or"
    " put the text in 'single quotes'",
    "Invalid hex value": "\\u needs 4 and \\U needs 8 hexadecimal digits",
    "Escaped character is not": "\\u and \\U need the number of a character that exists",
    "Invalid date or datetime": "there is no such date or time",
    "Unclosed inline table": "between { and } stand key = value pairs, all of them in one line,"
    " with commas between them and none after the last; for more lines make it a [table]",
    "Duplicate inline table key": "a key is set twice between { and }",
    "Cannot overwrite a value": "the name is used twice",
    "Cannot declare": "the table is declared twice",
    "Cannot mutate immutable namespace": "the table is complete and cannot be added to",
    "Cannot redefine namespace": "the table is complete and cannot be added to",
}
"""What tomllib says → what a technician understands. These spoil one line: the rest is checked."""

_ACROSS_LINES = {
    "Invalid statement": "this is neither a [table] nor a key = value nor a # remark",
    "Unclosed array": "a list that began with [ lacks a comma or its closing ]",
    "Unterminated string": "a text is not closed with its quotation marks",
    "Expected ": "a text is not closed with its quotation marks",
    "Illegal character": "a control character stands where it may not",
    "Found invalid character": "a control character stands where it may not",
}
"""The same for mistakes after which nobody knows where the next line belongs."""


def parse(text: str) -> Parsed:
    """Read ``text`` as TOML, going on after every mistake that spoils one line only."""
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    if hopeless := _hopeless(text):
        return Parsed({}, "", [hopeless], whole=False)
    mistakes: list[SyntaxMistake] = []
    while len(mistakes) < MOST_MISTAKES:
        sound = "\n".join(lines) + "\n"
        try:
            data = tomllib.loads(sound)
        except tomllib.TOMLDecodeError as error:
            mistake, repaired = _explain(str(error), lines)
        else:
            if not _is_deep(data):
                return Parsed(_without_unread(data), sound, mistakes, whole=True)
            line = next(line for path, line in key_lines(sound) if len(path) > _DEEPEST)
            mistake, repaired = SyntaxMistake(line, _TOO_DEEP, None), None
        mistakes.append(mistake)
        if repaired is None:
            break
        lines[mistake.line - 1] = repaired
    return Parsed({}, "", mistakes, whole=False)


_TOO_DEEP = f"lists or tables are nested too deeply, or not closed; {_DEEPEST} levels are allowed"


def _hopeless(text: str) -> SyntaxMistake | None:
    """What tomllib explains badly, or takes for ever over."""
    before, alone, _ = text.partition("\r")
    if alone:
        words = "a line ends in CR alone; save the file with LF or CR LF at the end of each line"
        return SyntaxMistake(before.count("\n") + 1, words, None)
    if line := too_deep(text, _DEEPEST):
        return SyntaxMistake(line, _TOO_DEEP, None)
    if line := long_number(text, _MOST_DIGITS):
        return SyntaxMistake(line, "a number has too many digits", None)
    return None


def _is_deep(data: dict[str, Any]) -> bool:
    level: list[Any] = [data]
    for _ in range(_DEEPEST + 1):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for entries in inner for each in entries if isinstance(each, dict | list)]
    return bool(level)


def _explain(message: str, lines: list[str]) -> tuple[SyntaxMistake, str | None]:
    """The mistake in words, and its line made harmless if that is possible."""
    match = _MESSAGE.fullmatch(message)
    what = match["what"] if match else message
    line = int(match["line"]) if match and match["line"] else _where_it_began(lines)
    column = int(match["column"]) if match and match["column"] else None
    if column and what.startswith(_NO_NAME) and ends_in_braces(lines[line - 1][: column - 1]):
        what = "Unclosed inline table"
    for start, words in _IN_ONE_LINE.items():
        if what.startswith(start):
            first = _used_before(lines, line) if what.startswith("Cannot ") else ""
            name, repaired = _repair(lines[line - 1], line, column)
            return SyntaxMistake(line, words + first, name), repaired
    for start, words in _ACROSS_LINES.items():
        if what.startswith(start):
            return SyntaxMistake(line, words, None), None
    return SyntaxMistake(line, what, None), None


def _where_it_began(lines: list[str]) -> int:
    """For a mistake that tomllib notices at the end only: a quotation mark, or the last line."""
    last_written = max((number for number, line in enumerate(lines, 1) if line.strip()), default=1)
    return unclosed_quote("\n".join(lines)) or last_written


def _repair(text: str, line: int, column: int | None) -> tuple[str | None, str | None]:
    """What ``text`` names, and what can stand in its place; nothing if others depend on it."""
    header = _HEADER.match(text)
    start = header or _KEY.match(text)
    # A mistake at the name itself is none of a statement: the line is part of a longer value.
    if start is None or (column is not None and column <= start.end("name")):
        return None, None
    if header:
        return header["name"], f'["{_UNREAD} {line}"]'
    return (None, None) if _goes_on(start["value"]) else (start["name"], "")


def _goes_on(value: str) -> bool:
    """Whether a value may end in a later line."""
    unbalanced = any(value.count(left) != value.count(right) for left, right in ("[]", "{}"))
    return unbalanced or '"""' in value or "'''" in value


_UNREAD = "(unread)"


def _without_unread(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if not name.startswith(_UNREAD)}


def _used_before(lines: list[str], line: int) -> str:
    """Where the name in ``line`` was used first, if it was."""
    known = key_lines("\n".join(lines[:line]))
    here = next((path for path, at in reversed(known) if at == line), None)
    first = next((at for path, at in known if path == here), line)
    return f"; first in line {first}" if first != line else ""
