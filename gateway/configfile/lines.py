"""Says in which line of a TOML text each table, key and list entry stands; tomllib does not."""

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

Path = tuple[str | int, ...]
"""From the top of the document: table and key names, and positions in lists."""

_TOKEN = re.compile(
    r"""
      (?P<skip>  [ \t\r]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<long>  \"{3} (?: [^"\\] | \\. | \"{1,2}(?!") )*+ \"{3,5}    # up to two quotes may end
               | '{3}  (?: [^']        |  '{1,2}(?!')  )*+  '{3,5} )   # the text itself
    | (?P<short> \" (?: [^"\\\n] | \\. )*+ \" | ' [^'\n]*+ ' )
    | (?P<mark>  [\[\]{},=.] )
    | (?P<bare>  [^\s\[\]{},=.#"']+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

_LITERALS = ("bare", "short", "long")
"""Kinds of token that are, or begin, a value of their own."""


_CLOSES = {"[": "]", "{": "}"}


class _Token(NamedTuple):
    kind: str | None
    text: str
    line: int


def key_lines(text: str) -> list[tuple[Path, int]]:
    """Each table, key and list entry of ``text`` with its line, counted from 1, in file order.

    A dotted key counts for each of its parts. ``text`` should be valid TOML; of an invalid one
    what comes before the mistake is right.
    """
    return _Reader(text).document()


def first_lines(text: str) -> dict[Path, int]:
    """The line in which each path of ``text`` is first mentioned."""
    lines: dict[Path, int] = {}
    for path, line in key_lines(text):
        lines.setdefault(path, line)
    return lines


def unclosed_quote(text: str) -> int | None:
    """The line of the first quotation mark that no other one closes, if there is one."""
    return next((token.line for token in _tokens(text) if token.text in ('"', "'")), None)


def long_number(text: str, most: int) -> int | None:
    """The line of the first number of more than ``most`` characters, if there is one."""
    bare = (token for token in _tokens(text) if token.kind == "bare" and len(token.text) > most)
    return next((token.line for token in bare if token.text.lstrip("+-")[:1].isdigit()), None)


def ends_in_braces(text: str) -> bool:
    """Whether a brace is still open at the end of ``text``."""
    marks = [token.text for token in _tokens(text)]
    return marks.count("{") > marks.count("}")


def too_deep(text: str, most: int) -> int | None:
    """The line in which more than ``most`` brackets are open, or a name has more parts."""
    closing: list[str] = []
    parts = 0
    before = header = "\n"
    for token in _tokens(text):
        match token.text:
            case "[" | "{":
                header = before if not closing else header
                closing.append(_CLOSES[token.text])
            case "]" | "}" if closing[-1:] == [token.text]:
                closing.pop()
            case ".":
                parts += 1
            case "=":
                parts = 0
            case "\n":
                parts = 0
                if header == "\n":  # a table's name ends with its line, closed or not
                    closing.clear()
        if max(len(closing), parts) > most:
            return token.line
        before = token.text
    return None


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield _Token(match.lastgroup, match[0], line)
        line += match[0].count("\n")


def _key_name(token: _Token) -> str:
    if token.kind == "bare":
        return token.text
    try:
        return next(iter(tomllib.loads(f"{token.text} = 0")))
    except tomllib.TOMLDecodeError:  # only in a text that is itself invalid
        return token.text


class _Reader:
    """Walks over the tokens once; values are skipped, only their places are noted."""

    _END = _Token("end", "", 0)

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens, self._END)
        self._found: list[tuple[Path, int]] = []
        self._list_ends: dict[Path, int] = {}

    def document(self) -> list[tuple[Path, int]]:
        table: Path = ()
        while self._next.kind != "end":
            if self._next.text == "[":
                table = self._header()
            elif self._next.kind in ("bare", "short"):
                self._key_value(table)
            else:
                self._take()
        return self._found

    def _take(self) -> _Token:
        token, self._next = self._next, next(self._tokens, self._END)
        return token

    def _take_if(self, text: str) -> bool:
        return self._next.text == text and bool(self._take())

    def _header(self) -> Path:
        line = self._take().line
        entry = self._take_if("[")
        *parents, last = self._key()
        table: Path = ()
        for name in parents:
            table = self._note(table, name, line)
        if entry:
            table = (*table, last)
            self._list_ends[table] = self._list_ends.get(table, -1) + 1
            self._found.append((table, line))
            table = (*table, self._list_ends[table])
            self._found.append((table, line))
        else:
            table = self._note(table, last, line)
        while self._take_if("]"):
            pass
        return table

    def _note(self, table: Path, name: str, line: int) -> Path:
        """Step from ``table`` down to ``name``; in a list of tables, to its last entry."""
        table = (*table, name)
        self._found.append((table, line))
        return (*table, self._list_ends[table]) if table in self._list_ends else table

    def _key(self) -> list[str]:
        names = [_key_name(self._take())]
        while self._take_if("."):
            names.append(_key_name(self._take()))
        return names

    def _key_value(self, table: Path) -> None:
        line = self._next.line
        for name in self._key():
            table = self._note(table, name, line)
        if self._take_if("="):
            self._value(table)

    def _value(self, path: Path) -> None:
        if self._take_if("["):
            self._list(path)
        elif self._take_if("{"):
            while self._next.kind != "end" and not self._take_if("}"):
                if self._next.kind in ("bare", "short"):
                    self._key_value(path)
                else:
                    self._take()
        else:
            while self._next.kind in _LITERALS or self._next.text == ".":
                self._take()

    def _list(self, path: Path) -> None:
        position = 0
        while self._next.kind != "end" and not self._take_if("]"):
            if self._next.kind in _LITERALS or self._next.text in ("[", "{"):
                entry = (*path, position)
                self._found.append((entry, self._next.line))
                self._value(entry)
                position += 1
            else:
                self._take()
