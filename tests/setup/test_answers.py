"""Setup without a question: answers from a file, the real command as a script runs it."""

import os
from pathlib import Path

import pytest

from drivers.emulators.thermometer import Thermometer
from gateway import configfile
from tests.brokers import mosquitto
from tests.ports import free_port
from tests.setup.console import at_once, text_of, unattended, write

ANSWERS = """\
[gateway]
id = "410102011003007"
district = "410102"
street = "011"
community = "003"
state_dir = "{directory}/state"

[uplink]
host = "127.0.0.1"
port = {port}
username = "410102011003007"
password_file = "gate.password"

[lanes.in-1]
direction = "entry"

[devices.thermometer]
driver = "gy_mcu906"
lane = "in-1"
port = "{directory}/thermometer"
"""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS.format(directory=tmp_path, port=free_port()))
    (tmp_path / "gate.password").write_text("hush\n")
    return file


def port_of(answers: Path) -> int:
    return configfile.load(answers).uplink.port


async def test_the_next_gate_from_the_answers_of_the_first(answers: Path, tmp_path: Path) -> None:
    file = tmp_path / "etc" / "gateway.toml"
    (tmp_path / "acl").write_text(
        "user 410102011003008\npattern write cg1/+/+/+/%u/up/#\npattern read cg1/+/+/+/%u/down/#\n"
    )
    rights = f"acl_file {tmp_path}/acl"
    async with mosquitto(tmp_path, "allow_anonymous true", rights) as broker:
        write(answers, text_of(answers).replace(f"{port_of(answers)}", f"{broker.port}"))
        async with Thermometer(tmp_path / "thermometer"):
            done = await unattended(
                "--file", file, "--answers", answers, "--gate", "410102011003008", cwd=tmp_path
            )
    assert (done.code, done.complained) == (0, "")
    assert "ok  thermometer answers" in done.said
    assert "everything works" in done.said
    config = configfile.load(file)
    assert config.gateway.id == "410102011003008"
    assert config.uplink.username is None  # the other gate's name was its id
    assert config.uplink.password_file == file.parent / "gate.password"
    assert (file.parent / "gate.password").read_text() == "hush\n"
    # What it wrote is a file of answers, too.
    more = ("--file", tmp_path / "third" / "gateway.toml", "--answers", file, "--no-test")
    done = at_once(tmp_path, *more)
    assert (done.code, done.complained) == (0, "")


def test_all_mistakes_at_once(answers: Path, tmp_path: Path) -> None:
    (tmp_path / "gate.password").unlink()
    text = text_of(answers).replace('"entry"', '"entrance"')
    write(answers, text.replace("gy_mcu906", "gy_mcu90"))
    file = tmp_path / "etc" / "gateway.toml"
    done = at_once(tmp_path, "--file", file, "--answers", answers, "--gate", "41")
    assert (done.code, done.said) == (78, "")
    gate, lane, driver, secret = done.complained.splitlines()
    assert gate.startswith("--gate: found 2 digits; expected 15")
    assert lane.startswith(f"{answers}:15: [lanes.in-1] direction: found the text")
    assert 'did you mean "gy_mcu906"?' in driver
    assert secret == (
        f"{answers}: [uplink] password_file: {tmp_path}/gate.password cannot be read: No such file"
        " or directory"
    )
    assert not file.parent.exists()


async def test_nothing_is_written_where_a_test_fails(answers: Path, tmp_path: Path) -> None:
    file = tmp_path / "etc" / "gateway.toml"
    done = await unattended("--file", file, "--answers", answers, cwd=tmp_path)
    assert done.code == 1
    assert "FAIL  thermometer: " in done.said
    assert "is the broker running" in done.said
    assert "--no-test writes it all the same" in done.complained
    assert not file.exists()


def test_what_is_there_stays_unless_told_otherwise(answers: Path, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("the former one")
    how = ("--file", file, "--answers", answers, "--no-test")
    done = at_once(tmp_path, *how)
    assert done.code == 1
    assert "a copy of it would be kept: --replace allows that" in done.complained
    assert file.read_text() == "the former one"
    assert at_once(tmp_path, *how, "--replace").code == 0
    assert (tmp_path / "gateway.toml.former-1").read_text() == "the former one"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--answers", "none.toml"), 78, "none.toml: there is no such file"),
        (("--gate", "410102011003008"), 1, "name their file, too"),
        (("--code", "CG1:1"), 1, "is no provisioning code"),
        (("--code", "A" * 300), 1, "this is no code, no picture"),
        (("--code", "http://a@b"), 1, "this is no code, no picture"),
        (("--code", "nowhere.png"), 1, "nowhere.png: "),
        (("restore", "--from", "nowhere"), 1, "nowhere cannot be read"),
        (("backup", "--to", "."), 78, "gateway.toml: there is no such file"),
    ],
)
def test_what_cannot_be_done(
    arguments: tuple[str, ...], code: int, told: str, tmp_path: Path
) -> None:
    done = at_once(tmp_path, "--file", "gateway.toml", *arguments)
    assert done.code == code
    assert told in done.complained
    assert "Traceback" not in done.complained
    assert os.listdir(tmp_path) == []
