"""Carries out `checkpoint-gateway status`: asks the running gateway, and shows what it says."""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from gateway import configfile, control
from gateway.errors import GatewayError
from gateway.health import Health
from gateway.watch.findings import findings, healthy
from gateway.watch.page import status
from gateway.watch.terminal import shown


def run(file: Path, *, as_json: bool) -> int:
    """Show how the gateway of the configuration `file` is; 0 if nobody has to see to it, else 1.

    Raises:
        ConfigError: `file` has mistakes.
        GatewayError: no gateway answers.
    """
    seen = asyncio.run(_asked(file))
    if as_json:
        sys.stdout.write(f"{status(seen).decode()}\n")
    else:
        console = Console()
        for each in shown(seen):
            console.print(each)
    return 0 if healthy(findings(seen)) else 1


async def _asked(file: Path) -> Health:
    place = configfile.load(file).gateway
    socket = control.found(place.state_dir)
    answer = await control.ask(socket, "health")
    seen = Health.model_validate(answer.body)
    if seen.gateway != place.id:
        raise GatewayError(
            f"the gateway {place.id} does not run: on {socket} {seen.gateway} answers, which works"
            f" in the same directory {place.state_dir}"
        )
    return seen
