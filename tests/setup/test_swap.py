"""A box breaks and another takes its place: real daemons, a real broker, the reference centre."""

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import DeviceState
from drivers.emulators.camera import Camera
from drivers.emulators.scanner import Gm65
from gateway import configfile
from gateway.setup import coats
from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import Daemon
from tests.receiving import Received, listening
from tests.setup.console import COMMAND, Console, at_once, is_there, text_of, unattended, write

ROOT = Path(__file__).parents[2]
ONLINE = DeviceState.ONLINE
GATE = "410102011003007"
SOURCE = f"/gateways/{GATE}"
PASSWORD = "hush, hush"
PASSPHRASE = "under the third stone"
CODE = b"https://pass.example.org/p/0123456789abcdef"
ANSWERS = """\
[gateway]
id = "{gate}"
district = "410102"
street = "011"
community = "003"
state_dir = "state"

[uplink]
host = "127.0.0.1"
port = {port}
password_file = "gate.password"
confirm = "centre"

[devices.scanner]
driver = "serial_scanner"
port = "scanner"
trigger = "gm65"
gone_after_s = 0.2
"""


class Box:
    """One box: what is on its disk, and the gateway that runs from there."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        self.file = directory / "gateway.toml"
        self.scanner = Gm65(directory / "scanner")

    def becomes(self, *how: str | Path) -> str:
        """Set up; what was said."""
        done = at_once(self.directory, *how, "--file", self.file)
        assert done.code == 0, done.complained
        assert PASSWORD not in done.said + done.complained
        return done.said

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Daemon]:
        """The gateway, as it was set up; dead at the end."""
        async with self.scanner, Daemon(self.directory, text_of(self.file)) as daemon:
            await daemon.until(
                lambda now: now.link.online and now.devices["scanner"].state is ONLINE
            )
            yield daemon
            await daemon.kill()


async def token_of(box: Box, received: Received, code: bytes) -> str:
    """Hold a code before the box's scanner; what the centre hears of it."""

    def scans() -> list[dict[str, Any]]:
        kind = "checkpoint.scan.v1"
        return [each for each in received.contents if each["type"] == kind]

    before = len(scans())
    box.scanner.hold_up(code)
    await until(lambda: len(scans()) > before)
    return str(scans()[-1]["data"]["token"])


@asynccontextmanager
async def guarded(directory: Path) -> AsyncIterator[Mosquitto]:
    password = Mosquitto(directory).set_password(GATE, PASSWORD)
    async with mosquitto(directory, "allow_anonymous false", password) as broker:
        yield broker


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A directory; beside it what is needed to make and open what is on it."""
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    (tmp_path / "gate.password").write_text(f"{PASSWORD}\n")
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def contents(directory: Path) -> list[bytes]:
    return [each.read_bytes() for each in directory.iterdir()]


def answers(stick: Path, port: int, gate: str = GATE) -> Path:
    file = stick.parent / "answers.toml"
    write(file, ANSWERS.format(gate=gate, port=port))
    return file


@pytest.mark.parametrize("by", ["stick", "picture"])
async def test_the_centre_sees_the_same_gateway_with_a_new_epoch(
    tmp_path: Path, stick: Path, by: str
) -> None:
    old, new = Box(tmp_path / "old"), Box(tmp_path / "new")
    secret = ("--passphrase-file", tmp_path / "passphrase")
    async with (
        guarded(tmp_path) as broker,
        listening(
            broker.port, Received(), acknowledge=True, user=GATE, password=PASSWORD
        ) as received,
    ):
        old.becomes("--answers", answers(stick, broker.port), "--no-test")
        async with old.running() as daemon:
            token = await token_of(old, received, CODE)
            if by == "stick":
                old.becomes("backup", "--to", stick, *secret)
            else:
                old.becomes("code", "--picture", stick / "gate.png", *secret)
            await token_of(old, received, b"another code")
            first = (await daemon.until(lambda now: now.journal.waiting == 0)).journal.recorded
        [former] = received.centre.table()

        if by == "stick":
            new.becomes("restore", "--from", stick, *secret)
        else:
            new.becomes("--code", stick / "gate.png", "--no-test", *secret)
        async with new.running() as daemon:
            assert await token_of(new, received, CODE) == token
            assert await token_of(new, received, b"a third code") != token
            second = (await daemon.until(lambda now: now.journal.waiting == 0)).journal.recorded
        lives = received.centre.table()
    assert {source for source, _ in lives} == {SOURCE}
    assert lives.pop(former) == [(1, first)], "something delivered is gone"
    assert list(lives.values()) == [[(1, second)]]
    assert received.altered == []
    for content in contents(stick):
        assert PASSWORD.encode() not in content
    assert PASSWORD not in text_of(new.file) + daemon.log


def test_a_backup_is_the_configuration_to_the_letter(tmp_path: Path, stick: Path) -> None:
    old, new = Box(tmp_path / "old"), Box(tmp_path / "new")
    remark = "# mended by Wang on a Friday\n"
    write(old.file, remark + ANSWERS.format(gate=GATE, port=1883))
    write(old.file, text_of(old.file).replace("gate.password", f"{old.directory}/gate.password"))
    write(old.directory / "gate.password", PASSWORD)
    said = old.becomes("backup", "--to", stick, "--no-passphrase")
    assert "back up again after it" in said
    assert "configuration, gate.password, without the key for pseudonyms" in said
    assert "It is not encrypted" in said
    assert stat.S_IMODE((stick / coats.backup_name(GATE)).stat().st_mode) == 0o600
    kept = text_of(old.file)
    said = old.becomes("restore", "--from", stick)
    assert text_of(old.file) == kept
    assert "must not be connected again" in said
    new.becomes("restore", "--from", stick)
    config = configfile.load(new.file)
    assert config.uplink.password_file == new.directory / "gate.password"


def test_no_backup_without_a_passphrase_or_a_word(tmp_path: Path, stick: Path) -> None:
    box = Box(tmp_path / "box")
    box.becomes("--answers", answers(stick, 1883), "--no-test")
    done = at_once(box.directory, "backup", "--to", stick, "--file", box.file)
    assert done.code == 1
    assert "--no-passphrase" in done.complained
    gone = tmp_path / "gone"
    where = ("--to", gone, "--no-passphrase", "--file", box.file)
    done = at_once(box.directory, "backup", *where)
    assert f"there is no directory {gone}: is the stick mounted?" in done.complained


async def test_a_passphrase_is_typed_twice_and_has_three_tries(tmp_path: Path, stick: Path) -> None:
    box = Box(tmp_path / "box")
    box.becomes("--answers", answers(stick, 1883), "--no-test")
    made = (*COMMAND, "setup", "backup", "--to", stick, "--file", box.file)
    async with Console(*made, cwd=box.directory) as console:
        await console.answer("Passphrase", "short")
        assert "found 5 characters" in await console.answer("Passphrase", PASSPHRASE)
        await console.answer("once more", "under the second stone")
        assert "two different ones" in await console.answer("Passphrase", PASSPHRASE)
        await console.answer("once more", PASSPHRASE)
        await console.until("written: ")
        assert await console.ended() == 0
    assert PASSPHRASE not in console.shown
    file = tmp_path / "new" / "gateway.toml"
    used = (*COMMAND, "setup", "restore", "--from", stick, "--file", file)
    async with Console(*used, cwd=tmp_path) as console:
        for _ in range(3):
            await console.answer("Its passphrase", "a wrong one")
        await console.until("the passphrase is wrong")
        assert await console.ended() == 1
    assert not is_there(file)
    async with Console(*used, cwd=tmp_path) as console:
        await console.answer("Its passphrase", "a wrong one")
        await console.answer("Its passphrase", PASSPHRASE)
        await console.until("Start it with")
        assert await console.ended() == 0
    assert is_there(file)


async def test_a_code_that_is_pasted_leaves_the_devices_to_be_asked_for(
    tmp_path: Path, stick: Path
) -> None:
    box = Box(tmp_path / "box")
    box.becomes("--answers", answers(stick, 1883), "--no-test")
    without = ("--without", "devices", "--without", "key", "--no-passphrase")
    code = (box.becomes("code", *without)).strip()
    assert len(code) < 500
    given = ("--code", code, "--file", "x.toml")
    done = at_once(tmp_path, *given)
    assert done.code == 1
    assert "other users can read a command line" in done.complained
    file = tmp_path / "new" / "gateway.toml"
    bare = tmp_path / "bare"  # a machine that nothing is plugged in to
    (bare / "proc").mkdir(parents=True)
    command = (sys.executable, "-m", "tests.setup.on_machine", bare)
    asked = ("--code", "-", "--no-test", "--file", file)
    async with Console(*command, *asked, cwd=tmp_path, PYTHONPATH=str(ROOT)) as console:
        await console.answer("Provisioning code", code.lower())
        await console.until("1 of 2: Which ways lead through the gate?")
        await console.answer("Lanes for entry")
        await console.answer("Lanes for exit")
        await console.answer("Ask the free")
        await console.answer("Another device")
        await console.until("Start it with")
        assert await console.ended() == 0
    assert configfile.load(file).gateway.id == GATE
    assert text_of(file.parent / "gate.password") == f"{PASSWORD}\n"


async def test_a_code_held_before_a_camera(tmp_path: Path, stick: Path) -> None:
    box = Box(tmp_path / "box")
    box.becomes("--answers", answers(stick, 1883), "--no-test")
    code = box.becomes("code", "--without", "key", "--passphrase-file", tmp_path / "passphrase")
    file = tmp_path / "new" / "gateway.toml"
    async with Camera() as camera:
        somebody = asyncio.create_task(camera.person(code.strip().encode(), stays_s=60))
        seen = ("--code", camera.url, "--passphrase-file", tmp_path / "passphrase")
        done = await unattended(*seen, "--no-test", "--file", file, cwd=tmp_path)
        somebody.cancel()
    assert (done.code, done.complained) == (0, "")
    assert configfile.load(file).devices == configfile.load(box.file).devices


async def test_a_box_with_events_of_another_gate_is_asked_about(
    tmp_path: Path, stick: Path
) -> None:
    box = Box(tmp_path / "box")
    other = GATE[:-1] + "8"
    box.becomes("--answers", answers(stick, 1883, other), "--no-test")
    async with box.scanner, Daemon(box.directory, text_of(box.file)) as daemon:
        await daemon.until(lambda now: now.journal.recorded > 0)
        await daemon.stop()
    how = ("--answers", answers(stick, 1883), "--no-test", "--replace", "--file", box.file)
    done = at_once(box.directory, *how)
    assert done.code == 1
    assert f"this box has a journal of /gateways/{other}, with " in done.complained
    assert "--set-aside allows that" in done.complained
    assert configfile.load(box.file).gateway.id == other
    assert "the former journal is now in state/former-1" in box.becomes(*how, "--set-aside")
