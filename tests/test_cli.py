"""The command as a technician types it: real processes, exit codes, and what is on the screen."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "config" / "gateway.toml"
DEMO = ROOT / "config" / "demo.toml"
COMMAND = Path(sys.executable).with_name("checkpoint-gateway")


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "80", **environment},
    )


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.toml"
    file.write_text('[gateway]\nid = 7\n[uplink]\nhosts = "broker"\n')
    return file


def test_version() -> None:
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"checkpoint-gateway {version('checkpoint-gateway')}\n"
    assert version("checkpoint-gateway") == declared_version()


def declared_version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def test_help_shows_every_command_and_examples() -> None:
    done = command("--help")
    assert done.returncode == 0
    for line in ("run the gate", "find every mistake", "with emulated devices", "exit codes: 0"):
        assert line in done.stdout
    assert done.stdout.count("  checkpoint-gateway ") >= 3
    assert max(map(len, done.stdout.splitlines())) <= 90


@pytest.mark.parametrize("name", ["run", "check", "demo"])
def test_every_command_has_help(name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: checkpoint-gateway {name} ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "required: COMMAND"),
        (["rum"], "invalid choice: 'rum'"),
        (["run"], "required: FILE"),
        (["run", "a", "b"], "unrecognized arguments: b"),
        (["check", "a", "--verbose"], "unrecognized arguments: --verbose"),
        (["demo", "--seconds", "soon"], '"soon" is not a number of seconds above 0'),
        (["demo", "--seconds", "-1"], '"-1" is not a number of seconds above 0'),
        (["demo", "--seconds", "nan"], '"nan" is not a number of seconds above 0'),
        (["demo", "--photos", "/nowhere"], 'there is no directory "/nowhere"'),
    ],
)
def test_a_wrong_command(arguments: list[str], told: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: checkpoint-gateway")
    assert told in done.stderr


def test_check_of_a_right_file() -> None:
    done = command("check", SAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{SAMPLE}: no mistakes found" in done.stdout
    assert "thermometer-in (gy_mcu906)" in done.stdout


def test_check_says_what_must_be_known_of_a_right_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    door = "[devices.doors.doors.gate-1]\n"
    text = SAMPLE.read_text().replace(door, f"{door}strike = 0\nrelease_ms = 60000\n")
    text = text.replace('#profile = "waveshare"', 'profile = "generic"\nmap = {}')
    file.write_text(text)
    done = command("check", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "note     doors: doors.gate-1: this board cannot time 60000 ms; the gateway" in done.stdout
    )


@pytest.mark.parametrize("name", ["check", "run"])
def test_mistakes_exit_78_with_all_of_them_and_no_traceback(name: str, broken: Path) -> None:
    done = command(name, broken)
    assert (done.returncode, done.stdout) == (78, "")
    told = done.stderr.splitlines()
    assert all(line.startswith(f"{broken}:") for line in told)
    assert len(told) == 6  # id, district, street, community, host, hosts


@pytest.mark.parametrize("name", ["check", "run"])
def test_no_such_file(name: str, tmp_path: Path) -> None:
    done = command(name, tmp_path / "none.toml")
    assert done.returncode == 78
    assert done.stderr == f"{tmp_path}/none.toml: there is no such file\n"


def test_what_stops_the_gateway_at_start_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a directory should be")
    file = tmp_path / "gate.toml"
    text = (ROOT / "config" / "demo.toml").read_text()
    file.write_text(text.replace('"state"', f'"{tmp_path}/state"'))
    done = command("run", file)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("checkpoint-gateway: ")
    assert "Traceback" not in done.stderr


def test_a_name_in_no_encoding_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"gate-\xff.toml")
    file.write_bytes(SAMPLE.read_bytes())
    assert command("check", file, PYTHONIOENCODING="utf-8").returncode == 0


@pytest.mark.parametrize("arguments", [["--help"], ["check", str(DEMO)], ["demo", "--help"]])
def test_nothing_heavy_is_loaded_for_an_answer(arguments: list[str]) -> None:
    """Help and check must be quick, and must not need what only a running gateway needs."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "gateway.cli" in loaded
    assert not loaded & {"paho", "aiosqlite", "iotcore", "gateway.app", "gateway.demo"}


def test_ctrl_c_shows_no_traceback(tmp_path: Path) -> None:
    """Ctrl-C while the configuration is being read: here by a driver that presses it itself."""
    driver = f"{PRESS_CTRL_C}class Config(DeviceConfig): ...\nclass Driver(BaseDriver): ...\n"
    (tmp_path / "interrupting.py").write_text(driver)
    file = tmp_path / "gate.toml"
    file.write_text(SAMPLE.read_text().replace('driver = "camera"', 'driver = "interrupting"'))
    start = "import sys, drivers; drivers.__path__.append(sys.argv.pop(1));"
    start += "from gateway.__main__ import main; sys.exit(main())"
    done = interruptible(sys.executable, "-c", start, tmp_path, "check", file)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_shows_no_traceback_while_the_command_is_being_loaded(tmp_path: Path) -> None:
    """Here by a module that the command line needs, in front of Python's own."""
    (tmp_path / "argparse.py").write_text(PRESS_CTRL_C)
    done = interruptible(COMMAND, "check", SAMPLE, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


PRESS_CTRL_C = "import os\nos.kill(os.getpid(), 2)\n"


def interruptible(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it so that Ctrl-C reaches it, even if whoever runs these tests ignores it."""
    return subprocess.run(
        ["env", "--default-signal=INT", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
