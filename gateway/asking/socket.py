"""Where the gateway that is meant can be asked, and its answer."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway import control
from gateway.config import Place
from gateway.control import Answer

_PATIENCE_S = 30.0
"""A reload waits for devices to let go (5 s), and imports drivers."""


async def ask(file: Path, request: str, arguments: Mapping[str, Any]) -> Answer:
    """What the gateway that runs by the configuration `file` answers.

    Raises:
        NoAnswerError: none does.
    """
    socket = control.found(state_dir(file))
    return await control.ask(socket, request, timeout_s=_PATIENCE_S, **arguments)


def state_dir(file: Path) -> Path:
    """Where the gateway works that `file` is for, though there may be mistakes in it now."""
    usual: Path = Place.model_fields["state_dir"].default
    try:
        with file.open("rb") as text:
            place = tomllib.load(text).get("gateway")
    except (OSError, ValueError):
        return usual
    named = place.get("state_dir") if isinstance(place, dict) else None
    return Path(named) if isinstance(named, str) and named else usual
