"""The unit's file: systemd understands all of it, and it leaves no more open than it must."""

import re
import subprocess
from pathlib import Path

import pytest

from drivers.base import SECRETS
from gateway import cli, restarts

UNIT = Path(__file__).parents[1] / "systemd" / "checkpoint-gateway.service"
COMMAND = "/opt/checkpoint-gateway/venv/bin/checkpoint-gateway"
CONFIG = "/etc/checkpoint-gateway/gateway.toml"
MOST_EXPOSED = 15
"""Tenths, of 100; a unit without any sandbox has 96."""


def settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def complaints(text: str, directory: Path) -> str:
    """What systemd has to say about a unit; its exit code says nothing about unknown settings."""
    unit = directory / UNIT.name
    unit.write_text(text.replace(COMMAND, "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def exposure(text: str, directory: Path) -> tuple[bool, str]:
    """Whether it is low enough, and what is said of it."""
    unit = directory / UNIT.name
    unit.write_text(text)
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager"),
            *(f"--threshold={MOST_EXPOSED}", str(unit)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout


def test_systemd_understands_all_of_it(tmp_path: Path) -> None:
    assert complaints(UNIT.read_text(), tmp_path) == ""


@pytest.mark.parametrize(
    "mistake", ["WatchdogSek=30", "ProtectSystem=strictly", "SystemCallFilter=@all-of-it"]
)
def test_a_mistake_in_it_would_be_found(tmp_path: Path, mistake: str) -> None:
    broken = UNIT.read_text().replace("[Install]", f"{mistake}\n[Install]")
    assert complaints(broken, tmp_path) != ""


def test_it_leaves_little_open(tmp_path: Path) -> None:
    low, said = exposure(UNIT.read_text(), tmp_path)
    assert low, said


@pytest.mark.parametrize("setting", ["User", "CapabilityBoundingSet", "SystemCallFilter"])
def test_less_of_a_sandbox_would_be_found(tmp_path: Path, setting: str) -> None:
    open_ = re.sub(rf"^{setting}=.*\n", "", UNIT.read_text(), flags=re.MULTILINE)
    low, _ = exposure(open_, tmp_path)
    assert not low


def test_it_runs_and_reloads_one_configuration() -> None:
    assert settings("ExecStart") == [f"{COMMAND} run {CONFIG}"]
    assert settings("ExecReload") == [f"{COMMAND} reload {CONFIG}"]
    assert Path(CONFIG).parent == SECRETS.parent
    assert settings("LoadCredential") == [f"secrets:{SECRETS}"]


def test_its_figures_are_the_program_s() -> None:
    assert settings("RestartPreventExitStatus") == [str(cli.EXIT_CONFIG)]
    assert settings("StartLimitIntervalSec") == ["0"]
    assert int(settings("TimeoutStartSec")[0]) > restarts.pause_s(10**6)
