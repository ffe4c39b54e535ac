"""The Makefile on machines that lack something: what it installs, and what it tells to type."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELL_TOOLS = ("sh", "make", "sed", "touch", "mkdir", "env", "echo", "true")


class Machine:
    """A directory with the Makefile and a PATH on which only given commands exist."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._bin = directory / "bin"

    def install(self) -> None:
        self._bin.mkdir()
        for tool in SHELL_TOOLS:
            (self._bin / tool).symlink_to(str(shutil.which(tool)))
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.directory)

    def provide(self, name: str, script: str) -> None:
        (self._bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self._bin / name).chmod(0o755)

    def make(self, *targets: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._bin / "make", *targets],
            cwd=self.directory,
            env={"PATH": str(self._bin), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.install()
    machine.provide("id", "echo 1000")
    machine.provide("sudo", "exit 1")
    machine.provide("python3", "exit 1")
    return machine


def test_without_a_target_it_lists_them(machine: Machine) -> None:
    done = machine.make()
    assert done.returncode == 0
    for target in ("setup", "run", "test", "check", "fmt", "clean"):
        assert f"make {target}\t" in done.stdout


def test_a_user_without_rights_is_told_the_line_to_type(machine: Machine) -> None:
    done = machine.make("run")
    assert done.returncode == 2
    wanted = "  sudo apt-get update && sudo apt-get install python3 python3-venv libzbar0\n"
    assert wanted in done.stdout


def test_only_what_is_missing_is_asked_for(machine: Machine) -> None:
    machine.provide("python3", 'case "$2" in *zbar*) exit 1;; esac')
    assert "apt-get install libzbar0\n" in machine.make("run").stdout


@pytest.mark.parametrize(("user", "sudo"), [("0", "exit 1"), ("1000", 'shift; exec "$@"')])
def test_root_or_sudo_install_what_is_missing(machine: Machine, user: str, sudo: str) -> None:
    machine.provide("id", f"echo {user}")
    machine.provide("sudo", sudo)
    machine.provide("apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {machine.directory}/apt')
    machine.make("run")
    assert (machine.directory / "apt").read_text().splitlines() == [
        " -qq update",
        "noninteractive -qq --no-install-recommends install python3 python3-venv libzbar0",
    ]


def test_an_old_python_is_refused_in_words(machine: Machine) -> None:
    machine.provide(
        "python3",
        'case "$*" in -V) echo Python 3.9.2;; *version_info*) exit 1;; esac',
    )
    done = machine.make("run")
    assert done.returncode == 2
    assert "this is Python 3.9.2, but 3.11 or later is needed" in done.stdout


def ready(machine: Machine, *stamps: str) -> None:
    directory = machine.directory / ".venv" / "stamps"
    directory.mkdir(parents=True)
    newer = (machine.directory / "pyproject.toml").stat().st_mtime + 10
    for stamp in stamps:
        (directory / stamp).touch()
        os.utime(directory / stamp, (newer, newer))


def test_nothing_is_installed_twice(machine: Machine) -> None:
    ready(machine, "venv", "demo")
    done = machine.make("-n", "run", "ARGS=--seconds 5")
    assert done.stdout.split() == [".venv/bin/checkpoint-gateway", "demo", "--seconds", "5"]


def test_the_demo_needs_no_tools_of_developers(machine: Machine) -> None:
    ready(machine, "venv")
    done = machine.make("-n", "run")
    assert "--editable '.[demo]'" in done.stdout
    assert "dev" not in done.stdout


def test_a_changed_project_file_installs_again(machine: Machine) -> None:
    ready(machine, "venv", "demo", "dev", "test-tools")
    later = (machine.directory / ".venv" / "stamps" / "dev").stat().st_mtime + 10
    os.utime(machine.directory / "pyproject.toml", (later, later))
    assert "--editable '.[demo,dev]'" in machine.make("-n", "test").stdout
