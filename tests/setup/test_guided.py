"""The guided setup, typed at a terminal: real command, real broker, emulated devices on ports."""

import os
import stat
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from gateway import configfile
from tests.brokers import Mosquitto, mosquitto
from tests.devices.machine import Machine
from tests.ports import free_port
from tests.setup.console import COMMAND, Console, is_there, text_of, write

ROOT = Path(__file__).parents[2]
PASSWORD = "hush, hush"
RIGHTS = """\
topic write cg1/410102/011/003/410102011003007/up/#
topic read cg1/410102/011/003/410102011003007/down/#
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("dev", "proc", "etc"):
        (tmp_path / name).mkdir()
    return Machine(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Where the configuration goes; a draft beside it keeps this machine's own state apart."""
    place = tmp_path / "etc" / "gateway.toml"
    draft(place).parent.mkdir(exist_ok=True)
    draft(place).write_text(f'gateway = {{ state_dir = "{tmp_path}/state" }}\n')
    yield place
    assert [each.name for each in place.parent.iterdir() if each.name.endswith(".new")] == []


def draft(file: Path) -> Path:
    return file.with_name(".gateway.toml.unfinished")


@asynccontextmanager
async def guarded(directory: Path) -> AsyncIterator[Mosquitto]:
    """A broker as it should be: it asks for a password, and knows what is whose."""
    (directory / "acl").write_text(f"user 410102011003007\n{RIGHTS}")
    broker = Mosquitto(directory)
    password = broker.set_password("410102011003007", PASSWORD)
    settings = ("allow_anonymous false", password, f"acl_file {directory}/acl")
    async with mosquitto(directory, *settings) as broker:
        yield broker


def on_machine(machine: Machine, file: Path, *more: str) -> Console:
    command = (sys.executable, "-m", "tests.setup.on_machine", machine.root, "--file", file)
    return Console(*command, *more, cwd=ROOT, LC_ALL="C")


def real(file: Path, *more: str | Path) -> Console:
    return Console(*COMMAND, "setup", "--file", file, *more, cwd=file.parent)


async def tell_the_place(console: Console) -> None:
    await console.answer("Code of the gate", "410102 011 003 007")


async def tell_the_broker(console: Console, port: int, password: str = PASSWORD) -> None:
    await console.answer("Name or address", "127.0.0.1")
    await console.answer("Encrypted", "no")
    await console.answer("Port", str(port))
    await console.answer("User name")
    await console.answer("Password", password)
    await console.answer("Whose word", "broker")


async def test_a_whole_gate(tmp_path: Path, machine: Machine, file: Path) -> None:
    links = [machine.adapter(f"1-{n}", f"ttyUSB{n}") for n in (1, 2, 3)]
    links[2].touch()
    async with (
        guarded(tmp_path) as broker,
        Thermometer(links[0]),
        ModbusBoard(links[1]),
        on_machine(machine, file) as console,
    ):
        await console.answer("Go on with them?")
        await tell_the_place(console)
        await tell_the_broker(console, broker.port)
        await console.answer("Lanes for entry")
        await console.answer("Lanes for exit", "out-1")
        await console.answer("Ask the free")
        told = await console.answer("Use the gy_mcu906")
        assert "1-3:1.0-port0: nothing known answers" in told
        await console.answer("Its name", "thermometer")
        await console.answer("Which lane is it at (in-1, out-1, none) [in-1]")
        await console.answer("Use the modbus_io")
        await console.answer("Its name", "doors")
        await console.answer("Which lane is it at (in-1, out-1, none) [none]")
        await console.answer("Doors at it, names with blanks between [gate-1]", "gate-1 flat-3")
        await console.answer("gate-1: what is it for")
        await console.answer("gate-1: input", "0")
        await console.answer("gate-1: tamper_input")
        await console.answer("gate-1: strike", "2")
        await console.answer("flat-3: what is it for", "home")
        await console.answer("flat-3: input", "1")
        await console.answer("flat-3: tamper_input")
        await console.answer("Another device")
        await console.answer("Try it all now?")
        await console.answer("see a reading of thermometer?", "no")
        await console.answer("see a reading of doors?")
        told = await console.until("Start it with")
        assert await console.ended() == 0
    assert "ok  doors: gate-1 is open" in told
    assert "everything works" in told
    assert PASSWORD not in console.shown
    config = configfile.load(file)
    assert [each.driver for each in config.devices.values()] == ["gy_mcu906", "modbus_io"]
    assert config.devices["thermometer"].lane == "in-1"
    assert tomllib.loads(text_of(file))["devices"]["doors"]["doors"] == {
        "gate-1": {"role": "gate", "input": 0, "strike": 2},
        "flat-3": {"role": "home", "input": 1},
    }
    assert config.uplink.username is None
    assert config.uplink.password_file == file.parent / "password"
    assert text_of(file.parent / "password") == f"{PASSWORD}\n"
    assert stat.S_IMODE((file.parent / "password").stat().st_mode) == 0o600
    assert PASSWORD not in text_of(file)
    assert not draft(file).exists()


async def test_wrong_answers_are_explained_and_asked_again(file: Path) -> None:
    async with real(file) as console:
        await console.answer("Go on with them?", "perhaps")
        assert "expected yes or no" in await console.answer("Go on with them?")
        await console.answer("Code of the gate", "?")
        assert "district 6, street 3" in await console.answer("Code of the gate", "41010201100300")
        told = await console.answer("Code of the gate", b"\xff\xfe")
        assert "found 14 digits; expected 15" in told
        assert "not readable" in await console.answer("Code of the gate", "none")
        await console.answer("Name of the district", "chaoyang/1")
        told = await console.answer("Name of the district", "chaoyang")
        assert 'found the text "chaoyang/1"; expected 1 to 32 letters' in told
        await console.answer("Name of the street")
        assert "this has no default" in await console.answer("Name of the street", "x" * 32)
        await console.answer("Name of the community", "y" * 32)
        await console.answer("Name of the gate", "east")
        told = await console.answer("Code of the gate", "410102011003007")
        assert "may have 64" in told
        assert "Once more, or back" in told
        await console.answer("Name or address", "mqtt://broker")
        assert "without mqtt://" in await console.answer("Name or address", "127.0.0.1")
        await console.answer("Encrypted")
        await console.answer("Port [8883]", "0")
        assert "expected a whole number from 1 to 65535" in await console.answer("Port")
        await console.answer("File of the authority", "/nowhere/ca.pem")
        assert "there is no file /nowhere/ca.pem" in await console.answer(
            "File of the auth", "back"
        )
        await console.until("2 of 4")
        await console.answer("Name or address of the broker [127.0.0.1]", "back")
        await console.until("1 of 4")
        await console.until("Code of the gate, 15 digits [410102011003007]")


@pytest.mark.parametrize("at", ["Port", "Password"])
async def test_broken_off_it_goes_on_later(file: Path, at: str) -> None:
    async with real(file) as console:
        await console.answer("Go on with them?")
        await tell_the_place(console)
        await console.answer("Name or address", "127.0.0.1")
        await console.answer("Encrypted", "no")
        if at == "Password":
            await console.answer("Port")
            await console.answer("User name")
        await console.until(at)
        await console.until(": ")
        await console.press_ctrl_c("Broken off; nothing has been changed")
        assert await console.ended() == 130
    assert "Traceback" not in console.shown
    assert os.listdir(file.parent) == [draft(file).name]
    assert stat.S_IMODE(draft(file).stat().st_mode) == 0o600
    async with real(file) as console:
        await console.answer("Go on with them?")
        await console.answer("Code of the gate, 15 digits [410102011003007]")
        await console.until("Name or address")


async def test_a_failed_trial_leads_back_to_the_questions(
    tmp_path: Path, machine: Machine, file: Path
) -> None:
    machine.adapter("1-1", "ttyUSB1").touch()
    async with guarded(tmp_path) as broker, on_machine(machine, file) as console:
        await console.answer("Go on with them?")
        await tell_the_place(console)
        await tell_the_broker(console, broker.port, "wrong")
        await console.answer("Lanes for entry")
        await console.answer("Lanes for exit")
        await console.answer("Ask the free", "no")
        await console.answer("Another device", "thermometer")
        assert 'found "thermometer"; expected' in await console.answer("Another", "gy_mcu906")
        await console.answer("Its name", "Thermometer!")
        assert "small letters" in await console.answer("Its name", "thermometer")
        await console.answer("Which lane")
        await console.answer("thermometer: port", f"{tmp_path}/dev/ttyUSB1")
        await console.answer("Another device")
        await console.answer("Try it all now?")
        told = await console.answer("Write it all the same?")
        assert "FAIL  thermometer: " in told
        assert "check the user name, the password file" in told
        assert not is_there(file)
        await console.answer("Code of the gate, 15 digits [410102011003007]")
        await tell_the_broker(console, broker.port)
        await console.answer("Lanes for entry, names with blanks between [in-1]")
        await console.answer("Lanes for exit")
        await console.answer("Keep thermometer, a gy_mcu906", "no")
        await console.answer("Ask the free", "no")
        await console.answer("Another device")
        await console.answer("Try it all now?")
        assert "everything works" in await console.until("Start it with")
        assert await console.ended() == 0


async def test_a_terminal_with_typed_credentials_and_its_door(machine: Machine, file: Path) -> None:
    async with on_machine(machine, file) as console:
        await console.answer("Go on with them?", "back")
        assert "nothing to go back to" in await console.answer("Go on with them?")
        await tell_the_place(console)
        await tell_the_broker(console, free_port())
        await console.answer("Lanes for entry", "none")
        await console.answer("Lanes for exit", "out-1")
        await console.answer("Ask the free")
        await console.answer("Another device", "hikvision")
        await console.answer("Its name", "terminal")
        await console.answer("Which lane")
        await console.answer("terminal: url", "http://192.168.1.64")
        await console.answer("terminal: user:password", "admin:secret-1")
        await console.answer("Doors at it", "staff-1")
        await console.answer("staff-1: what is it for")
        await console.answer("Another device")
        await console.until("Try it all now?")
        await console.press_ctrl_c("Broken off")
    assert "secret-1" not in console.shown + text_of(draft(file))
    async with on_machine(machine, file, "--no-test") as console:
        await console.answer("Go on with them?")
        await tell_the_place(console)
        await tell_the_broker(console, free_port())
        await console.answer("Lanes for entry")
        await console.answer("Lanes for exit")
        await console.answer("Keep terminal, a hikvision at http://192.168.1.64?")
        await console.answer("terminal: user:password (Enter for none", "admin:secret-1")
        await console.answer("Ask the free")
        await console.answer("Another device")
        await console.until("Start it with")
        assert await console.ended() == 0
    assert "secret-1" not in console.shown
    assert (file.parent / "terminal").read_text() == "admin:secret-1\n"
    assert configfile.load(file).devices["terminal"].driver == "hikvision"


async def test_what_is_there_is_asked_about_and_kept(machine: Machine, file: Path) -> None:
    former = (ROOT / "config" / "demo.toml").read_text()
    former = former.replace('"state"', f'"{machine.root}/state"')
    former = former.replace('"passes.json"', f'"{machine.root}/passes.json"')
    write(file, former)
    write(machine.root / "passes.json", "{}")
    draft(file).unlink()
    async with on_machine(machine, file, "--no-test") as console:
        await console.answer(f"Begin with what {file} says now?")
        await console.answer("Code of the gate, 15 digits [410102011003007]", "410102011003008")
        await console.answer("Name or address of the broker [127.0.0.1]")
        await console.answer("Encrypted, with TLS? [no]")
        await console.answer("Port [18830]")
        await console.answer("User name [410102011003008]")
        await console.answer("Password")
        await console.answer("Whose word counts as delivered (broker, centre) [centre]")
        await console.answer("Lanes for entry, names with blanks between [in-1]", "east-1")
        await console.answer("Lanes for exit")
        for name, more in {
            "camera": ("camera: source", "camera: user:password"),
            "thermometer": ("thermometer: port",),
        }.items():
            await console.answer(f"Keep {name}, ")
            told = await console.answer("Which lane is it at (east-1, none) [east-1]")
            assert 'found the text "in-1"; expected "east-1"' in told
            for question in more:
                await console.answer(question)
        await console.answer("Keep doors, ")
        await console.answer("Keep loudspeaker, ")
        await console.answer("Which lane is it at (east-1, none) [east-1]")
        await console.answer("loudspeaker: sounds")
        await console.answer("Ask the free")
        await console.answer("Another device")
        await console.answer("Go on?", "no")
        assert await console.ended() == 1
    assert text_of(file) == former
    assert "nothing has been written" in console.shown
    async with on_machine(machine, file, "--no-test") as console:
        await console.answer("Go on with them?")
        await console.until("15 digits [410102011003008]")
        assert text_of(file) == former


async def test_the_end_of_the_input_changes_nothing(file: Path) -> None:
    async with real(file) as console:
        await console.answer("Go on with them?", "yes\n\x04")
        await console.until("the input has ended before all was answered")
        assert await console.ended() == 1
    assert not is_there(file)
