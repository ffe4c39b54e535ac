"""Asks the running gateway, and says what it answers."""

import argparse
import asyncio
from typing import Any

from gateway.asking import documents
from gateway.asking.socket import ask
from gateway.control import Status
from gateway.errors import ConfigError, GatewayError

_PATIENCE_S = 30.0
"""A reload waits for devices to let go (5 s), and imports drivers."""


def run(chosen: argparse.Namespace) -> int:
    """Ask for what was `chosen`; the exit code.

    Raises:
        ConfigError: the configuration has mistakes.
        GatewayError: no gateway answers, or it refuses.
    """
    if chosen.command == "documents":
        print(documents.run(chosen))
        return 0
    arguments: dict[str, Any] = {}
    if chosen.command == "reload":
        arguments = {"file": str(chosen.file.absolute())}
    else:
        arguments = {"level": chosen.level, "minutes": chosen.minutes}
    answer = asyncio.run(ask(chosen.file, chosen.command, arguments))
    match answer.status:
        case Status.DONE:
            print(answer.text)
            return 0
        case Status.MISTAKES:
            raise ConfigError(answer.text)
        case _:
            raise GatewayError(answer.text)
