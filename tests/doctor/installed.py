"""A box on which the gateway is installed, built of files; systemd is a program that answers."""

import os
from pathlib import Path

from gateway.doctor.surroundings import Surroundings
from tests.devices.machine import Machine

HEALTHY = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
    "NRestarts": "0",
    "ExecMainStatus": "0",
}


class Box:
    """Everything is as it should be, until a test breaks it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.machine = Machine(root)
        self.unit(**HEALTHY)
        for place in ("run/systemd/system", "run/systemd/timesync", "sys/class/rtc/rtc0", "proc"):
            (root / place).mkdir(parents=True)
        rules = root / "usr/lib/udev/rules.d/60-checkpoint-gateway.rules"
        rules.parent.mkdir(parents=True)
        rules.touch()

    @property
    def around(self) -> Surroundings:
        """As the examination sees it."""
        programs = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return Surroundings(self.root, os.environ | {"PATH": programs})

    def unit(self, **properties: str) -> None:
        """What systemctl says of the service from now on."""
        lines = "\n".join(f"{name}={value}" for name, value in properties.items())
        self.program("systemctl", f"cat <<'END'\n{lines}\nEND")

    def program(self, name: str, script: str) -> None:
        """Put a program on the box."""
        path = self.root / "bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def write(self, path: str, text: str) -> Path:
        """A small file, as the kernel shows them."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file
