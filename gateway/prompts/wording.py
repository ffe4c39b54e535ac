"""How the gate's prompts are worded in each language, and which of them cannot wait."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Final, get_args

from drivers.base import Language, Urgency
from gateway.checkpoint.prompts import Prompt

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
"""Each is the name of a file of words."""

_UNTOLD: Final = "…"
"""Stands in a blank for which nothing was given."""
_VALUE_MOST: Final = 200
"""Characters; a loudspeaker takes a minute for so many."""

_ROUTINE: Final = {
    Prompt.SHOW_CODE,
    Prompt.MEASURING,
    Prompt.PASS,
    Prompt.PASS_UNMEASURED,
    Prompt.ON_DUTY,
    Prompt.OFF_DUTY,
    Prompt.INSPECTED,
    Prompt.OFFLINE,
    Prompt.ONLINE,
    Prompt.CLOCK_UNSURE,
}
_ALARMS: Final = {Prompt.DOOR_FORCED, Prompt.NOBODY_ON_POST}


def urgency(prompt: Prompt) -> Urgency:
    """Whether it may give way to others: what tells somebody to do something does not."""
    if prompt in _ALARMS:
        return Urgency.ALARM
    return Urgency.ROUTINE if prompt in _ROUTINE else Urgency.NOTICE


def worded(prompt: Prompt, values: Mapping[str, str]) -> dict[Language, str]:
    """The sentence in each language, its blanks filled from `values`, on one line."""
    filled = {name: _one_line(values.get(name, _UNTOLD)) for name in blanks(prompt)}
    return {language: _words(language)[prompt].format_map(filled) for language in LANGUAGES}


def blanks(prompt: Prompt, language: str = LANGUAGES[0]) -> set[str]:
    """What has to be told for it, by name."""
    return {name for _, name, _, _ in Formatter().parse(_words(language)[prompt]) if name}


@cache
def _words(language: str) -> dict[str, str]:
    text = (files("gateway.prompts") / "assets" / f"{language}.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def _one_line(value: str) -> str:
    """It may come from far away: to a display, control characters are commands."""
    printable = "".join(each if each.isprintable() else " " for each in value)
    return " ".join(printable.split())[:_VALUE_MOST]
