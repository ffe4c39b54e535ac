"""A support archive: everything a stranger needs to help, and nothing about people.

No event is in it and no key; of the configuration its values without the comments, which may hold
anything; of the log what the gateway itself has said, which never holds a code's content, without
DEBUG, at which a thermometer's bytes are shown.
"""

import io
import json
import platform
import sqlite3
import tarfile
from importlib.metadata import distributions
from pathlib import Path

from gateway.doctor.examination import Examined
from gateway.doctor.surroundings import SERVICE, Surroundings
from gateway.errors import GatewayError

_LOG_LINES = "2000"
_COMMANDS = {
    "log.txt": (
        *("journalctl", "-u", SERVICE, "-p", "info", "-n", _LOG_LINES),
        *("--no-pager", "-o", "short-iso"),
    ),
    "service.txt": ("systemctl", "show", SERVICE, "--no-pager"),
    "time.txt": ("timedatectl", "show", "--all"),
    "network.txt": ("ip", "-brief", "address"),
    "disks.txt": ("df", "--human-readable", "--print-type"),
}


async def write(path: Path, examined: Examined, around: Surroundings) -> None:
    """Make the archive `path`.

    Raises:
        GatewayError: it cannot be written.
    """
    files = _own(examined)
    for name, command in _COMMANDS.items():
        files[name] = await around.ask(*command) or f"{' '.join(command)}: no answer\n"
    _pack(path, files)


def _pack(path: Path, files: dict[str, str]) -> None:
    try:
        with tarfile.open(path, "w:gz") as archive:
            for name, text in files.items():
                _add(archive, name, text.encode())
        path.chmod(0o640)
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from error


def _own(examined: Examined) -> dict[str, str]:
    config, health = examined.config, examined.health
    return {
        "findings.txt": f"{examined.report}\n",
        "findings.json": f"{examined.report.as_json()}\n",
        "configuration.json": config.model_dump_json(indent=1) if config else "null",
        "health.json": health.model_dump_json(indent=1) if health else "null",
        "versions.txt": _versions(),
    }


def _versions() -> str:
    packages = sorted(f"{each.name} {each.version}" for each in distributions())
    system = json.dumps(platform.freedesktop_os_release().get("PRETTY_NAME", ""))
    return "\n".join(
        [
            f"system {system}",
            f"kernel {platform.release()} {platform.machine()}",
            f"python {platform.python_version()}",
            f"sqlite {sqlite3.sqlite_version}",
            *packages,
            "",
        ]
    )


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(f"checkpoint-gateway-support/{name}")
    entry.size = len(content)
    entry.mode = 0o640
    archive.addfile(entry, io.BytesIO(content))
