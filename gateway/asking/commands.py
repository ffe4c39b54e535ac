"""Asks the running gateway, and says what it answers."""

import argparse
import asyncio
import tomllib
from pathlib import Path
from typing import Any

from gateway import control
from gateway.config import Place
from gateway.control import Answer, Status
from gateway.errors import ConfigError, GatewayError

_PATIENCE_S = 30.0
"""A reload waits for devices to let go (5 s), and imports drivers."""


def run(chosen: argparse.Namespace) -> int:
    """Ask for what was `chosen`; the exit code.

    Raises:
        ConfigError: the configuration has mistakes.
        GatewayError: no gateway answers, or it refuses.
    """
    arguments: dict[str, Any] = {}
    if chosen.command == "reload":
        arguments = {"file": str(chosen.file.absolute())}
    else:
        arguments = {"level": chosen.level, "minutes": chosen.minutes}
    answer = asyncio.run(_ask(chosen.file, chosen.command, arguments))
    match answer.status:
        case Status.DONE:
            print(answer.text)
            return 0
        case Status.MISTAKES:
            raise ConfigError(answer.text)
        case _:
            raise GatewayError(answer.text)


async def _ask(file: Path, request: str, arguments: dict[str, Any]) -> Answer:
    socket = control.found(_state_dir(file))
    return await control.ask(socket, request, timeout_s=_PATIENCE_S, **arguments)


def _state_dir(file: Path) -> Path:
    """Where the gateway works that `file` is for, though there may be mistakes in it now."""
    usual: Path = Place.model_fields["state_dir"].default
    try:
        with file.open("rb") as text:
            place = tomllib.load(text).get("gateway")
    except (OSError, ValueError):
        return usual
    named = place.get("state_dir") if isinstance(place, dict) else None
    return Path(named) if isinstance(named, str) and named else usual
