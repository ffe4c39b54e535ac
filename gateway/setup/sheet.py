"""The answers so far, which are an unfinished configuration; each is judged by its own model."""

from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import Any

from gateway.configfile import described, words
from gateway.configfile.lines import Path
from gateway.configfile.validate import validate
from gateway.configfile.words import Schema
from gateway.setup.dialogue import NONE, Dialogue
from gateway.setup.meaning import Tables, description, schema_at


class Sheet:
    """Asks for options by their place in the configuration, and keeps what it is told."""

    def __init__(self, dialogue: Dialogue, tables: Tables) -> None:
        self.dialogue = dialogue
        self.tables = tables

    def get(self, *path: str) -> Any:
        """What stands there; None if nothing does."""
        value: Any = self.tables
        for each in path:
            value = value.get(each) if isinstance(value, dict) else None
        return value

    def put(self, value: Any, *path: str) -> None:
        """Let it stand there; nothing, if it is None."""
        table = self.tables
        for each in path[:-1]:
            table = table.setdefault(each, {})
        if value is None:
            table.pop(path[-1], None)
        else:
            table[path[-1]] = value

    def ask(
        self,
        question: str,
        *path: str,
        default: object = None,
        optional: bool = False,
        is_file: bool = False,
    ) -> Any:
        """The option at ``path``; what stands there already is the default.

        ``optional`` options may be left out. ``is_file`` has the file looked for.
        """
        schema, former = schema_at(self.tables, path), self.get(*path)
        known = default if former is None else former
        offered = NONE if known is None and optional else _shown(known)

        def check(text: str) -> Sequence[str]:
            if optional and text == NONE:
                self.put(None, *path)
                return ()
            self.put(typed(text, schema), *path)
            wrong = self.mistakes(path)
            if not wrong and is_file and not FilePath(text).is_file():
                wrong = [f"there is no file {text}"]
            if wrong:
                self.put(former, *path)
            return wrong

        explain = f"{description(schema)} Expected: {words.expected(schema)}."
        self.dialogue.ask(question, offered, explain=explain, check=check)
        return self.get(*path)

    def choose(self, question: str, choices: Sequence[str], *path: str, default: str) -> str:
        """The option at ``path``, one of the ``choices``."""
        explain = description(schema_at(self.tables, path))
        known = self.get(*path)
        offered = known if known in choices else default
        answer = self.dialogue.choose(question, choices, offered, explain=explain)
        self.put(None if answer == NONE else answer, *path)
        return answer

    def names(self, question: str, *path: str, default: Sequence[str], explain: str) -> list[str]:
        """Names of the tables under ``path``, none of them wrong."""

        def check(text: str) -> Sequence[str]:
            former = self.get(*path)
            self.put({name: {} for name in _split(text)}, *path)
            wrong = [each for name in _split(text) for each in self.mistakes((*path, name))]
            self.put(former, *path)
            return wrong

        offered = " ".join(default) or NONE
        return _split(self.dialogue.ask(question, offered, explain=explain, check=check))

    def until_right(self, path: Path, asking: Callable[[], None]) -> None:
        """Ask again for as long as the answers do not fit each other."""
        while True:
            asking()
            wrong = self.mistakes(path)
            if not wrong:
                return
            self.dialogue.say(*(f"  ! {each}" for each in wrong), "  Once more, or back:")

    def mistakes(self, path: Path) -> list[str]:
        """What is wrong at and below ``path``, but for what is only missing there."""
        _, found = validate(self.tables)
        return [str(each) for each in found if each.path[: len(path)] == path and not each.missing]


def typed(text: str, schema: Schema) -> Any:
    """What somebody typed, as TOML has it: digits are a number where one may stand."""
    kinds = {option.get("type") for option in described.options(schema)}
    if text.isascii() and text.isdigit() and kinds & {"integer", "number"}:
        return int(text)
    if "number" in kinds:
        try:
            return float(text)
        except ValueError:
            return text
    return {"yes": True, "no": False}.get(text, text) if "boolean" in kinds else text


def _shown(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else str(value)


def _split(text: str) -> list[str]:
    return [] if text == NONE else list(dict.fromkeys(text.replace(",", " ").split()))
