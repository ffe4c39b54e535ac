"""The whole examination: of a gate that is well, and with three things broken at once."""

import argparse
import asyncio
import json
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.emulators.camera import Camera
from drivers.emulators.thermometer import Thermometer
from gateway import cli
from gateway.doctor import command
from gateway.doctor.examination import Examined, examine
from gateway.doctor.surroundings import Surroundings
from gateway.findings import Level
from tests.brokers import Mosquitto, mosquitto
from tests.daemon import Daemon
from tests.doctor.installed import Box
from tests.ports import free_port
from tests.uplink.identities import Identities
from tests.uplink.test_probe import guarded

NAME = "410102011003007"
CONTENT = "marker-of-a-resident-42"

CONFIG = """\
# Wang at the property office has the key, telephone 13800000000.
[gateway]
id = "{name}"
district = "410102"
street = "011"
community = "003"
state_dir = "{directory}/state"

[uplink]
host = "{host}"
port = {port}
{uplink}

[devices.thermometer]
driver = "gy_mcu906"
port = "{directory}/{dev}/thermometer"
{devices}
"""


@pytest.fixture
def box(tmp_path: Path) -> Box:
    (tmp_path / "state").mkdir()
    box = Box(tmp_path / "box")
    (box.root / "dev").mkdir()
    return box


def config(
    directory: Path, port: int, *, uplink: str = "", devices: str = "", **options: str
) -> str:
    host = options.get("host", "127.0.0.1")
    return CONFIG.format(
        name=NAME, directory=directory, dev="box/dev", host=host, port=port, uplink=uplink,
        devices=devices,
    )  # fmt: skip


@asynccontextmanager
async def standing_before(camera: Camera) -> AsyncIterator[None]:
    """Somebody in the picture for as long as the block lasts."""
    person = asyncio.create_task(camera.person(stays_s=600))
    try:
        yield
    finally:
        person.cancel()
        await asyncio.wait([person])


async def examined(directory: Path, box: Box, text: str) -> Examined:
    file = directory / "gateway.toml"
    file.write_text(text)
    return await examine(file, box.around)


def beside(daemon: Daemon, box: Box) -> Surroundings:
    """The box with `daemon` as its gateway."""
    environment = box.around.environment
    return Surroundings(box.root, {**environment, "RUNTIME_DIRECTORY": str(daemon.socket.parent)})


def bad(found: Examined) -> dict[str, str]:
    """What is wrong, except with the clock: whether that is right is this machine's affair."""
    wrong = [each for each in found.report.findings if each.level is Level.BAD]
    assert all(each.todo for each in wrong)
    return {each.subject: f"{each.text} → {each.todo}" for each in wrong if each.subject != "clock"}


@asynccontextmanager
async def guarded_broker(directory: Path) -> AsyncIterator[Mosquitto]:
    async with mosquitto(directory, *guarded(directory)) as broker:
        yield broker


class TestWithoutAGateway:
    async def test_nothing_is_wrong(self, tmp_path: Path, box: Box) -> None:
        async with (
            guarded_broker(tmp_path) as broker,
            Thermometer(box.root / "dev/thermometer"),
            Camera() as camera,
        ):
            stanza = f'[devices.eye]\ndriver = "camera"\nsource = "{camera.url}"'
            found = await examined(tmp_path, box, config(tmp_path, broker.port, devices=stanza))
        assert bad(found) == {}, str(found.report)
        told = {each.subject: each.text for each in found.report.findings}
        assert told["devices.thermometer"] == "answers"
        assert "pictures of" in told["devices.eye"]

    async def test_three_things_are_broken(self, tmp_path: Path, box: Box) -> None:
        password = tmp_path / "password"
        password.write_text("open to all\n")
        password.chmod(0o644)
        rights = f"user {NAME}\ntopic read cg1/410102/011/003/{NAME}/down/#\n\nuser centre\n"
        async with mosquitto(tmp_path, *guarded(tmp_path, rights)) as broker:
            text = config(tmp_path, broker.port, uplink=f'password_file = "{password}"')
            found = await examined(tmp_path, box, text)
        wrong = bad(found)
        assert set(wrong) == {"devices.thermometer", "broker", "secrets"}
        assert "is it plugged in" in wrong["devices.thermometer"]
        assert "grant the right to write" in wrong["broker"]
        assert "chmod 0640" in wrong["secrets"]
        assert found.exit_code == 1

    async def test_a_port_that_somebody_else_has(self, tmp_path: Path, box: Box) -> None:
        async with Thermometer(box.root / "dev/thermometer"):
            box.machine.process(17, "minicom", box.root / "dev/thermometer")
            found = await examined(tmp_path, box, config(tmp_path, free_port()))
        assert "in use by process 17: minicom" in bad(found)["devices.thermometer"]

    async def test_a_passing_name(self, tmp_path: Path, box: Box) -> None:
        node = box.machine.adapter("1-1", "ttyUSB0")
        text = config(tmp_path, free_port()).replace('thermometer"\n', 'ttyUSB0"\n', 1)
        async with Thermometer(node):
            found = await examined(tmp_path, box, text)
        told = [str(each.todo) for each in found.report.findings if "next start" in each.text]
        assert len(told) == 1
        assert "serial/by-path/platform-usb-0:1-1:1.0-port0" in told[0]

    async def test_a_dark_picture(self, tmp_path: Path, box: Box) -> None:
        photos = tmp_path / "photos"
        photos.mkdir()
        cv2.imwrite(str(photos / "night.png"), np.full((480, 640, 3), 3, np.uint8))
        async with (
            Thermometer(box.root / "dev/thermometer"),
            Camera(photos=photos) as camera,
            standing_before(camera),
        ):
            stanza = f'[devices.eye]\ndriver = "camera"\nsource = "{camera.url}"'
            found = await examined(tmp_path, box, config(tmp_path, free_port(), devices=stanza))
        assert "dark" in bad(found)["devices.eye"]

    async def test_every_mistake_of_the_configuration(self, tmp_path: Path, box: Box) -> None:
        text = config(tmp_path, 99999).replace("gy_mcu906", "gy_mcu907")
        found = await examined(tmp_path, box, text)
        assert found.exit_code == 78
        mistakes = [each.text for each in found.report.findings if each.subject == "config"]
        assert len(mistakes) == 2
        assert all("gateway.toml:" in each for each in mistakes)


class TestTheWay:
    async def test_a_name_that_nobody_knows(self, tmp_path: Path, box: Box) -> None:
        found = await examined(tmp_path, box, config(tmp_path, 1883, host="gate.invalid"))
        assert "gate.invalid cannot be resolved" in bad(found)["dns"]
        assert "broker" not in bad(found)

    @pytest.mark.parametrize(("days", "wrong"), [(10, True), (300, False)])
    async def test_a_certificate_that_ends(
        self, tmp_path: Path, box: Box, days: int, *, wrong: bool
    ) -> None:
        made = Identities(tmp_path)
        until = datetime.now(UTC) + timedelta(days=days)
        async with made.broker(after=until) as broker:
            uplink = f'tls = {{ ca_file = "{made.ca_file}" }}'
            text = config(tmp_path, broker.port, uplink=uplink)
            found = await examined(tmp_path, box, text)
        assert ("certificate" in bad(found)) is wrong, str(found.report)
        assert any(f"{until:%Y-%m-%d}" in each.text for each in found.report.findings)


class TestBesideAGateway:
    async def test_it_is_asked_and_left_alone(self, tmp_path: Path, box: Box) -> None:
        async with guarded_broker(tmp_path) as broker:
            daemon = Daemon(tmp_path, config(tmp_path, broker.port))
            file = tmp_path / "gateway.toml"
            async with Thermometer(box.root / "dev/thermometer") as thermometer, daemon:
                await daemon.until(lambda it: it.devices["thermometer"].state == "online")
                found = await examine(file, beside(daemon, box))
                assert bad(found) == {}, str(found.report)
                thermometer.unplug()
                await daemon.until(lambda it: it.devices["thermometer"].state == "lost")
                found = await examine(file, beside(daemon, box))
        assert "lost: " in bad(found)["devices.thermometer"]
        assert daemon.log.count("thermometer is lost") == 1

    async def test_the_archive_holds_nothing_about_people(self, tmp_path: Path, box: Box) -> None:
        archive = tmp_path / "support.tar.gz"
        password = tmp_path / "password"
        password.write_text("a password of the gate\n")
        password.chmod(0o600)
        async with guarded_broker(tmp_path) as broker, Camera() as camera:
            text = config(
                tmp_path, broker.port, uplink=f'password_file = "{password}"',
                devices=f'[devices.eye]\ndriver = "camera"\nsource = "{camera.url}"',
            )  # fmt: skip
            daemon = Daemon(tmp_path, text)
            async with Thermometer(box.root / "dev/thermometer") as thermometer, daemon:
                await daemon.until(lambda it: it.devices["eye"].state == "online")
                seen = await daemon.until(lambda it: it.link.online)
                await asyncio.gather(camera.person(CONTENT.encode()), thermometer.person(36.44))
                await daemon.until(lambda it: it.journal.recorded >= seen.journal.recorded + 2)
                log = daemon.directory / "daemon.log"
                debug = "gy_mcu906 → 5a 5a 45 04 0e 3c, 36.44"
                all_of_it = f'*"-p info"*) cat {log};; *) cat {log}; echo "{debug}";;'
                box.program("journalctl", f'case "$*" in {all_of_it} esac')
                given = argparse.Namespace(
                    file=tmp_path / "gateway.toml", bundle=archive, json=False
                )
                found = await command.carry_out(given, beside(daemon, box))
        assert bad(found) == {}, str(found.report)
        with tarfile.open(archive) as opened:
            parts = {each.name: opened.extractfile(each) for each in opened.getmembers()}
            texts = {Path(name).name: part.read() for name, part in parts.items() if part}
        assert {"findings.txt", "health.json", "configuration.json", "log.txt"} <= set(texts)
        assert json.loads(texts["health.json"])["gateway"] == NAME
        assert b"started" in texts["log.txt"]
        whole = b"\n".join(texts.values())
        for secret in (CONTENT, "36.4", "Wang", "13800000000", "a password of the gate", '"token"'):
            assert secret.encode() not in whole


class TestCommand:
    def test_for_programs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "gateway.toml"
        file.write_text(config(tmp_path, free_port()))
        assert cli.main(["doctor", "--json", str(file)]) == 1
        told = json.loads(capsys.readouterr().out)
        assert told["passed"] is False
        assert set(told["findings"][0]) == {"subject", "level", "text", "todo"}

    def test_an_archive_that_cannot_be_written(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "gateway.toml"
        file.write_text("nothing")
        assert cli.main(["doctor", str(file), "--bundle", str(tmp_path / "no/where.gz")]) == 1
        assert "cannot be written" in capsys.readouterr().err
