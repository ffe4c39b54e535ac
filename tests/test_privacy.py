"""A busy gate at DEBUG: no code, card, key or password is in its log, answers or journal."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drivers.emulators.camera import Camera
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.osdp_device import OsdpDevice
from drivers.emulators.scanner import Scanner
from drivers.emulators.terminal import Terminal
from drivers.emulators.thermometer import Thermometer
from gateway import control
from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import GATE, Daemon

SHOWN = b"shown-to-the-camera-4711"
READ = b"read-by-the-scanner-4712"
TOLD = "told-by-the-terminal-4713"
CARD = b"\xc4\x7a\x14\xee"
CARD_NUMBER = "0047140047"
KEY = bytes.fromhex("c0ffee11223344556677889900aabbcc")
BROKER_PASSWORD = "the-brokers-password-4715"
TERMINAL_PASSWORD = "the-terminals-password-4716"
SECRETS = [
    *(SHOWN, READ, CARD, KEY),
    *(text.encode() for text in (TOLD, CARD_NUMBER, BROKER_PASSWORD, TERMINAL_PASSWORD)),
]

CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
password_file = "password"

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"

[devices.board]
driver = "modbus_io"
port = "board"
doors.gate-1 = {{ input = 0, role = "gate" }}
"""
)
READERS = """
[devices.camera]
driver = "camera"
source = "{camera}"

[devices.scanner]
driver = "serial_scanner"
port = "scanner"

[devices.reader]
driver = "osdp"
port = "reader"
key_file = "reader-key"
installation = true

[devices.terminal]
driver = "hikvision"
url = "{terminal}"
credentials_file = "credentials"
silence_s = 3
doors.gate-2 = {{ role = "gate" }}
"""


@dataclass
class Readers:
    """What people show their codes and cards to."""

    camera: Camera
    scanner: Scanner
    reader: OsdpDevice
    terminal: Terminal


@asynccontextmanager
async def gate(directory: Path) -> AsyncIterator[Readers]:
    (directory / "password").write_text(BROKER_PASSWORD)
    (directory / "credentials").write_text(f"gate:{TERMINAL_PASSWORD}\n")
    (directory / "reader-key").write_text(KEY.hex())
    async with (
        Thermometer(directory / "thermometer"),
        ModbusBoard(directory / "board"),
        Camera(fps=10) as camera,
        Scanner(directory / "scanner") as scanner,
        OsdpDevice(directory / "reader", inputs=0) as reader,
        Terminal(password=TERMINAL_PASSWORD) as terminal,
    ):
        yield Readers(camera, scanner, reader, terminal)


def forms(secret: bytes) -> list[bytes]:
    """How it could be written out."""
    spelt = [secret, base64.b64encode(secret)[:-2], repr(secret)[2:-1].encode()]
    for separator in ("", " ", ":"):
        digits = secret.hex(separator) if separator else secret.hex()
        spelt += [digits.encode(), digits.upper().encode()]
    return spelt


async def test_what_is_personal_or_secret_is_written_nowhere(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.touch()
    journald = {"JOURNAL_STREAM": f"{log.stat().st_dev}:{log.stat().st_ino}"}
    setting = Mosquitto(tmp_path).set_password("410102011003007", BROKER_PASSWORD)
    async with (
        gate(tmp_path) as readers,
        mosquitto(tmp_path, "allow_anonymous false", setting) as broker,
    ):
        quiet = CONFIG.format(port=broker.port)
        busy = quiet + READERS.format(camera=readers.camera.url, terminal=readers.terminal.url)
        async with Daemon(tmp_path, quiet, environment=journald) as daemon:
            answers = await busied(daemon, readers, busy)
            assert await daemon.stop() == 0
    assert "<7>drivers.wire.serialport: board ← 01" in daemon.log, "DEBUG was on"
    of_readers = re.findall(
        r"^<7>drivers\.wire\.serialport: (?:reader|scanner) . (.*)$", daemon.log, re.MULTILINE
    )
    assert of_readers
    assert [each for each in of_readers if not re.fullmatch(r"\d+ bytes", each)] == []
    journal = b"".join(path.read_bytes() for path in daemon.state_dir.glob("journal.db*"))
    assert journal.count(b"checkpoint.scan.v1") >= 5
    for place in (log.read_bytes(), answers, journal):
        for secret in SECRETS:
            assert [form for form in forms(secret) if form in place] == []


async def busied(daemon: Daemon, readers: Readers, config: str) -> bytes:
    """Let everything happen that brings a secret in; what the socket had to say meanwhile."""
    await daemon.until(lambda now: now.link.online)
    assert (await daemon.command("log-level", "--minutes", "5", "debug"))[0] == 0
    daemon.configure(config)
    answers = [await control.ask(daemon.socket, "reload", timeout_s=30)]
    names = ("camera", "reader", "terminal")
    await daemon.until(lambda now: all(now.devices[name].state for name in names), within_s=60)
    await until(lambda: readers.reader.key == KEY and readers.terminal.watchers)
    readers.reader.card(CARD, 32)
    readers.scanner.hold_up(READ)
    readers.terminal.event(0x4B, QRCodeInfo=TOLD, currTemperature=36.4)
    readers.terminal.event(0x01, cardNo=CARD_NUMBER)
    await readers.camera.person(SHOWN, stays_s=3.0)
    readers.scanner.send(READ)  # and no end
    readers.terminal.send(f"{TOLD}\r\n".encode(), chunked=False)  # where a chunk should begin
    await daemon.until(lambda now: now.devices["scanner"].state == "degraded")
    await daemon.until(lambda now: now.devices["terminal"].state == "lost")
    answers.append(await control.ask(daemon.socket, "health"))
    return json.dumps([each.model_dump(mode="json") for each in answers]).encode()
