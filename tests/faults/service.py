"""The gateway as a service on a machine of its own, several of them side by side if need be."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.hangs import HUNG
from tests.faults.machine import Machine, eventually

COMMAND = "/opt/checkpoint-gateway/venv/bin/checkpoint-gateway"
PYTHON = "/opt/checkpoint-gateway/venv/bin/python3"
FIRST_PORT = 1883
CONFIG = """\
[gateway]
id = "{name}"
district = "410102"
street = "011"
community = "003"
state_dir = "/var/lib/{name}"

[uplink]
host = "{host}"
port = {port}
{more}
"""


class Service:
    """One installed unit: the product's own file, with a directory and settings of its own."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.name = name
        self.unit = f"{name}.service"
        self.config = f"/etc/checkpoint-gateway/{name}.toml"

    async def install(
        self,
        settings: Sequence[str] = (),
        *,
        program: str = COMMAND,
        config: str | None = None,
        host: str = "127.0.0.1",
        port: int = FIRST_PORT,
        more: str = "",
        sandbox: bool = True,
        limited: bool = False,
    ) -> None:
        """Put unit and configuration there; `program` is what comes before `run`.

        Without `sandbox` it may do everything; `limited` has systemd's own limit of starts.
        """
        root = self.machine.root
        (root / self.config[1:]).write_text(
            CONFIG.format(name=self.name, host=host, port=port, more=more)
            if config is None
            else config
        )
        ours = (root / "units/checkpoint-gateway.service").read_text() if sandbox else "[Service]\n"
        if limited:
            ours = ours.replace("StartLimitIntervalSec=0", "")
        await self.machine.install(
            self.unit,
            ours,
            [
                "ExecStart=",
                f"ExecStart={program} run {self.config}",
                "StateDirectory=",
                f"StateDirectory={self.name}",
                "RuntimeDirectory=",
                f"RuntimeDirectory={self.name}",
                *settings,
            ],
        )

    async def start(self, *, within_s: float = 60) -> None:
        """Start it, and wait until it is ready."""
        await self.machine.systemctl("start", "--no-block", self.unit)
        await self.running(within_s=within_s)

    async def running(self, *, within_s: float = 60) -> None:
        """Wait until it is ready."""
        await self.machine.until(
            lambda shown: shown["SubState"] == "running", unit=self.unit, within_s=within_s
        )

    async def online(self) -> None:
        """Wait until it says that it is connected."""
        await self.machine.until(
            lambda shown: shown.get("StatusText", "").startswith("connected"), unit=self.unit
        )

    async def shown(self) -> dict[str, str]:
        """Its properties."""
        return await self.machine.shown(self.unit)

    async def signal(self, name: str) -> float:
        """Send a signal to the gateway itself; when that was, by the monotonic clock."""
        await self.machine.systemctl("kill", "--kill-whom=main", f"--signal={name}", self.unit)
        return time.monotonic()

    async def hung(self) -> float:
        """Wait until a part of it hangs; since when that does, by the monotonic clock."""
        await self.says(HUNG)
        said, _, _ = (await self.log()).partition(HUNG)[2].partition("\n")
        return float(said)

    async def says(self, words: str) -> None:
        """Wait until its log has these."""

        async def said() -> bool:
            return words in await self.log()

        await eventually(said)

    async def restarted(self, *, within_s: float) -> float:
        """When the next process was started, by the monotonic clock."""
        shown = await self.machine.until(
            lambda shown: int(shown["NRestarts"]) > 0 and shown["MainPID"] != "0",
            unit=self.unit,
            within_s=within_s,
        )
        return int(shown["ExecMainStartTimestampMonotonic"]) / 1e6

    async def stopped(self) -> float:
        """Stop it; how many seconds that took."""
        began = asyncio.get_running_loop().time()
        await self.machine.systemctl("stop", self.unit)
        return asyncio.get_running_loop().time() - began

    async def log(self) -> str:
        """What it and systemd have said about it."""
        return await self.machine.run("journalctl", "--output=cat", f"--unit={self.unit}")

    @property
    def state_dir(self) -> Path:
        """Its state, from outside."""
        return self.machine.root / "var/lib" / self.name
