"""The machine around the gateway, as the examination sees it; a test builds its own."""

import asyncio
import os
import pwd
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.devices.sysfs import Roots

SERVICE = "checkpoint-gateway.service"
USER = "checkpoint-gateway"
"""Who the service runs as, where it is installed."""

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the system shows itself, and the programs it can be asked with."""

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def roots(self) -> Roots:
        """Where devices are listed."""
        return Roots(self.root / "sys", self.root / "dev", self.root / "proc")

    @property
    def systemd(self) -> bool:
        """Whether systemd runs this machine; sd_booted(3) asks the same."""
        return (self.root / "run/systemd/system").is_dir()

    async def ask(self, *command: str) -> str | None:
        """What a program prints; None if it is missing, fails or hangs."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env=self.environment
            )
        except OSError:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                told, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
            return None
        return told.decode(errors="replace") if process.returncode == 0 else None

    async def unit(self) -> dict[str, str]:
        """The properties of the service by their names in systemd; empty where it has none."""
        if not self.systemd:
            return {}
        told = await self.ask("systemctl", "show", SERVICE, "--no-pager")
        pairs = (line.partition("=") for line in (told or "").splitlines())
        unit = {name: value for name, _, value in pairs}
        return unit if unit.get("LoadState") == "loaded" else {}


def user_exists(name: str) -> bool:
    """Whether this machine has the user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
