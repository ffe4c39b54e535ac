"""Mistakes in a configuration: what pydantic reports about a model, told for a technician."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.configfile import described, words
from gateway.configfile.lines import Path
from gateway.configfile.words import Schema


class Misspelt(NamedTuple):
    """A name that is none of those that are known."""

    name: str
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at ``path``; a table stands there if ``table``, nothing if ``missing``."""

    path: Path
    words: str
    table: bool = False
    missing: bool = False
    misspelt: Misspelt | None = None
    """Compared only for the mistakes that are told: of many, it is what takes long."""

    def __str__(self) -> str:
        """``[table] key: words``; entries of a list are counted from 1."""
        text = self.words + (words.nearest(*self.misspelt) if self.misspelt else "")
        names = [
            f"#{part + 1}" if isinstance(part, int) else words.shown(part) for part in self.path
        ]
        if not names:
            return text
        if self.table:
            return f"[{_dotted(names)}]: {text}"
        table, key = names[:-1], names[-1]
        while key.startswith("#") and table:
            key = f"{table.pop()} {key}"
        return f"[{_dotted(table)}] {key}: {text}" if table else f"{key}: {text}"


def _dotted(names: list[str]) -> str:
    return ".".join(names).replace(".#", " #")


def mistakes(
    error: ValidationError, model: type[BaseModel], data: object, at: Path = ()
) -> Iterator[Mistake]:
    """Every mistake in ``error``, which came of validating ``data`` (found at ``at``)."""
    schema = described.schema_of(model)
    seen: set[Mistake] = set()
    for each in error.errors(include_url=False, include_input=False):
        mistake = _explain(each, schema, data, at)
        if mistake not in seen:  # a union reports once for each of its members
            seen.add(mistake)
            yield mistake


def _explain(error: ErrorDetails, root: Schema, data: object, at: Path) -> Mistake:
    path, schema, parent, value = at, root, root, data
    for step in error["loc"]:
        if not _holds(value, step):
            continue  # pydantic's own step: the member of a union, or "[key]"
        path, parent, schema = (*path, step), schema, described.step(schema, step)
        value = value[step]  # type: ignore[index]  # _holds has looked
    last = error["loc"][-1] if error["loc"] else ""
    match error["type"]:
        case "missing":
            wanted = described.step(schema, last)
            text = f"missing; expected {words.expected(wanted)}"
            return Mistake((*path, last), text, table=_is_table(wanted), missing=True)
        case "extra_forbidden":
            return _unknown(path, str(last), parent, isinstance(value, dict))
        case "value_error" | "assertion_error":
            return Mistake(path, str(error["ctx"]["error"]), isinstance(value, dict))
        case _ if last == "[key]":
            form = words.expected(parent.get("propertyNames", {}))
            text = f"found the name {words.quoted(str(path[-1]))}; expected {form}"
            return Mistake(path, text, isinstance(value, dict))
        case _:
            return _unfit(path, value, schema)


def _unfit(path: Path, value: object, schema: Schema) -> Mistake:
    hidden = any(isinstance(part, str) and words.is_about_secrets(part) for part in path)
    text = f"found {words.found(value, hidden=hidden)}; expected {words.expected(schema)}"
    choices = tuple(choice for choice in words.choices(schema) if isinstance(choice, str))
    misspelt = Misspelt(value, choices) if isinstance(value, str) else None
    return Mistake(path, text, isinstance(value, dict), misspelt=misspelt)


def _unknown(path: Path, name: str, parent: Schema, table: bool) -> Mistake:
    known = tuple(
        key for option in described.options(parent) for key in option.get("properties", {})
    )
    if words.is_secret(name):
        own_file = f'{name}_file = "…"' if f"{name}_file" in known else "its file"
        text = f"a secret must not stand here; keep it in a file of its own and name {own_file}"
        return Mistake(path, text, table)
    text = f"unknown; expected one of {', '.join(known)}" if known else "unknown"
    return Mistake(path, text, table, misspelt=Misspelt(name, known))


def _holds(value: object, step: str | int) -> bool:
    if isinstance(step, str):
        return isinstance(value, dict) and step in value
    return isinstance(value, list) and 0 <= step < len(value)


def _is_table(schema: Schema) -> bool:
    return any(option.get("type") == "object" for option in described.options(schema))
