"""`checkpoint-gateway status`: finds the gateway, says how it is, and by its exit code, too."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from rich.console import Console

from gateway import control
from gateway.control import Answer
from gateway.health import Health
from gateway.watch.terminal import shown
from tests.watch.pictures import CAMERA, TROUBLED, WELL

CONFIG = """\
[gateway]
id = "410102011003007"
district = "410102"
street = "011"
community = "003"
state_dir = "{state}"

[uplink]
host = "127.0.0.1"
"""


def text(seen: Health, width: int = 120) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as captured:
        for each in shown(seen):
            console.print(each)
    return captured.get()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a gateway that would answer in a directory of the test's."""
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG.format(state=tmp_path))
    return path


async def status(*arguments: str, directory: Path) -> tuple[int, str, str]:
    """The command, as the technician's shell runs it."""
    environment = {name: text for name, text in os.environ.items() if "RUNTIME_DIR" not in name}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "status", *arguments),
        cwd=Path(__file__).parents[2],
        env=environment | {"COLUMNS": "120", "HOME": str(directory)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def answering(seen: Health, directory: Path) -> AbstractAsyncContextManager[None]:
    """A gateway that works in `directory` and is as in the picture."""

    async def tell(_: Mapping[str, object]) -> Answer:
        return Answer(body=seen)

    return control.serve(directory / "control.sock", {"health": tell})


async def test_a_gate_at_which_all_is_well(config: Path) -> None:
    async with answering(WELL, config.parent):
        code, out, err = await status(str(config), directory=config.parent)
    assert (code, err) == (0, "")
    assert out.startswith("All is well  410102011003007")
    assert "1,204,331 recorded" in out


async def test_a_gate_that_somebody_must_see_to(config: Path) -> None:
    async with answering(TROUBLED, config.parent):
        code, out, _ = await status("--json", str(config), directory=config.parent)
    assert code == 1
    told = json.loads(out)
    assert told["healthy"] is False
    assert told["findings"][0]["code"] == "device-lost"
    assert Health.model_validate(told["health"]) == TROUBLED


async def test_a_gate_that_does_not_run(config: Path) -> None:
    code, out, err = await status(str(config), directory=config.parent)
    assert (code, out) == (1, "")
    assert "no gateway runs here: there is no socket" in err


async def test_another_gate_is_not_taken_for_this_one(config: Path) -> None:
    other = WELL.model_copy(update={"gateway": "410102011003008"})
    async with answering(other, config.parent):
        code, _, err = await status(str(config), directory=config.parent)
    assert code == 1
    assert "410102011003008 answers" in err


def test_what_is_wrong_and_what_to_do() -> None:
    said = text(TROUBLED)
    assert said.startswith("Somebody has to see to this gate")
    assert "  fault   camera-in is lost: http://192.168.1.20/stream.mjpg cannot be reached" in said
    assert "Is it plugged in and powered?" in said
    assert "  warning The clock is not set" in said
    assert "temperature (surroundings 21.4 °C), 11 s ago" in said
    assert "door gate-1 closed, 3 min ago" in said
    assert "812 waiting, the oldest for 6 min" in said
    assert "offline for 6 min, the connection was lost" in said


@pytest.mark.parametrize("width", [40, 80])
def test_in_a_small_terminal_nothing_is_wider(width: int) -> None:
    assert max(map(len, text(TROUBLED, width).splitlines())) <= width


def test_what_a_wire_said_does_nothing_to_the_terminal() -> None:
    evil = "\x1b]0;caught\x07\x1b[2J[bold]"
    device = CAMERA.model_copy(update={"state": "lost", "reason": evil, "driver": evil})
    link = WELL.link.model_copy(update={"reason": evil, "online": False, "alarms": {evil: evil}})
    said = text(WELL.model_copy(update={"devices": {evil: device}, "link": link, "gateway": evil}))
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "[bold]" in said
