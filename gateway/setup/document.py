"""Writes a configuration as TOML with what a technician wants to know beside each option.

The remarks are the models' own words, so that they can't differ from what the program does.
"""

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gateway.config import Config
from gateway.configfile import lines
from gateway.setup.meaning import Tables, description, schema_at

_WIDTH: Final = 100
_TITLES: Final = {
    "gateway": "Which gate this is",
    "journal": "The journal: every reading is on this box's disk before anybody hears of it",
    "uplink": "The way to the centre",
    "lanes": "Lanes: the ways through the gate",
    "devices": "Devices: one table each",
}
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_HEAD: Final = """\
# The configuration of gate {gate}, written by checkpoint-gateway setup.
#
# What is not named here has its default; /usr/share/checkpoint-gateway/gateway.toml (config/ in a
# checkout) shows every option. After every change, before anything is restarted:
#
#     checkpoint-gateway check {file}
"""


def text(tables: Tables, file: Path) -> str:
    """The configuration ``tables`` as it will stand in ``file``, with remarks."""
    gate = tables["gateway"]["id"]
    told = [_HEAD.format(gate=gate, file=file)]
    known = [name for name in Config.model_fields if name in tables]
    for name in (*known, *(each for each in tables if each not in known)):
        title = f"# ── {_TITLES.get(name, name)} "
        told.append("\n" + title.ljust(_WIDTH, "─") + "\n")
        told += _Remarks(tables).table((name,), tables[name])
    return "".join(told)


def bare(tables: Tables) -> str:
    """The same without a remark, as short as can be."""
    return "".join(f"{_key(name)}={_value(each)}\n" for name, each in tables.items())


class _Remarks:
    """One part of the file; no remark is made twice in it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._made: set[str] = set()

    def table(self, path: lines.Path, table: Tables) -> Iterator[str]:
        """A table: its options, and then the tables in it."""
        options = {key: each for key, each in table.items() if not isinstance(each, dict)}
        inner = {key: each for key, each in table.items() if isinstance(each, dict)}
        if options or not inner:
            if len(path) > 1:
                yield "\n" if self._made else ""
                yield from self._remark(path)
            yield f"[{'.'.join(_key(str(each)) for each in path)}]\n"
        for key, each in options.items():
            if key != "driver":
                yield from self._remark((*path, key))
            yield f"{_key(key)} = {_value(each)}\n"
        for key, each in inner.items():
            yield from self.table((*path, key), each)

    def _remark(self, path: lines.Path) -> Iterator[str]:
        words = description(schema_at(self._tables, path))
        if words and words not in self._made:
            self._made.add(words)
            for line in textwrap.wrap(words, _WIDTH - 2, break_on_hyphens=False):
                yield f"# {line}\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    match value:
        case str():
            return _text(value)
        case dict():
            return (
                "{" + ",".join(f"{_key(key)}={_value(each)}" for key, each in value.items()) + "}"
            )
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
