"""The terminal's driver against an emulated terminal that speaks HTTP on a real socket."""

import asyncio
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.base import (
    CodeScanned,
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Lock,
    Position,
    Quality,
    Reading,
    Release,
    Role,
    Surface,
    TemperatureMeasured,
    TriggerScan,
)
from drivers.emulators.terminal import HEARTBEAT, Terminal
from drivers.hikvision import Config, Driver
from tests.brokers import until
from tests.collecting import Collector
from tests.drivers.running import kept_running, running
from tests.drivers.streams import ScriptedServer, sends

pytestmark = pytest.mark.usefixtures("nothing_left_over")

ONLINE = DeviceObserved(DeviceState.ONLINE)


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    file = tmp_path / "credentials"
    file.write_text("gate:secret\n")
    return file


def driver(url: str, credentials: Path, **options: object) -> Driver:
    stanza = {
        "driver": "hikvision",
        "url": url,
        "credentials_file": credentials,
        "doors": {"gate-1": {"role": "gate"}},
    }
    return Driver("terminal", Config.model_validate(stanza | options))


def gate(
    position: Position, lock: Lock = Lock.LOCKED, *, tamper: bool | None = None
) -> DoorObserved:
    return DoorObserved("gate-1", Role.GATE, position, lock, tamper)


def is_online(reading: Reading) -> bool:
    return reading == ONLINE


async def followed(terminal: Terminal, readings: Collector) -> None:
    """Return once the driver has told the door's state, and so follows the events."""
    await readings.wait_for(DoorObserved)
    await until(lambda: terminal.watchers)


class TestConfig:
    @pytest.mark.parametrize(
        "url",
        ["192.168.1.64", "ftp://a", "http://", "http://u:p@h", "http://h/ISAPI", "http://h:65536"],
    )
    def test_an_address_is_only_that(self, url: str, credentials: Path) -> None:
        with pytest.raises(ValidationError, match="url"):
            driver(url, credentials)

    def test_two_doors_share_no_number(self, credentials: Path) -> None:
        doors = {"gate-1": {"role": "gate"}, "gate-2": {"role": "gate"}}
        with pytest.raises(ValidationError, match=r"gate-2\.number is 1, as is doors\.gate-1"):
            driver("http://h", credentials, doors=doors)

    def test_what_is_plausible_has_a_lowest_and_a_highest(self, credentials: Path) -> None:
        with pytest.raises(ValidationError, match=r"50\.0 is not below 10\.0"):
            driver("http://h", credentials, plausible_celsius=(50, 10))


@pytest.mark.parametrize("slow", [False, True])
async def test_door_code_card_and_temperature(credentials: Path, slow: bool) -> None:
    readings = Collector()
    async with (
        Terminal(slow=slow) as terminal,
        running(driver(terminal.url, credentials), readings),
    ):
        await followed(terminal, readings)
        terminal.event(0x15)
        terminal.event(0x19)
        terminal.send(HEARTBEAT)
        terminal.event(0x1A)
        terminal.event(0x404, major=1)
        terminal.event(0x4B, QRCodeInfo="https://example.org/pass/七", currTemperature=36.4)
        terminal.event(
            0x01, cardNo="0012345678", currTemperature=101.3, thermometryUnit="fahrenheit"
        )
        terminal.event(0x4B, currTemperature=31.0)
        terminal.event(0x4C)
        terminal.event(0x1B)
        await readings.wait_for(
            lambda each: each == gate(Position.OPEN, Lock.UNLOCKED, tamper=True)
        )

    assert readings.matching(lambda each: not isinstance(each, DeviceObserved)) == [
        gate(Position.CLOSED),
        gate(Position.CLOSED, Lock.UNLOCKED),
        gate(Position.OPEN, Lock.UNLOCKED),
        gate(Position.CLOSED, Lock.UNLOCKED),
        gate(Position.CLOSED, Lock.UNLOCKED, tamper=True),
        CodeScanned("https://example.org/pass/七".encode(), "qr", "terminal"),
        TemperatureMeasured(36.4, 36.4, Surface.SURFACE),
        CodeScanned(b"0012345678", "card", "terminal"),
        TemperatureMeasured(38.5, 38.5, Surface.SURFACE),
        TemperatureMeasured(31.0, 31.0, Surface.SURFACE, Quality.INVALID, "below-plausible"),
        gate(Position.OPEN, Lock.UNLOCKED, tamper=True),
    ]
    assert {*readings.matching(DeviceObserved)} == {ONLINE}


async def test_what_the_terminal_repeats_is_left_out(credentials: Path) -> None:
    readings = Collector()
    async with Terminal() as terminal:
        terminal.event(0x4B, cardNo="before")
        reader = driver(terminal.url, credentials)
        async with kept_running(reader, readings):
            await followed(terminal, readings)
            terminal.event(0x4B, cardNo="first")
            await readings.wait_for(CodeScanned)
            for number in range(5):
                seen = len(readings.readings)
                await terminal.unplug()
                await terminal.replug()
                terminal.contact = number % 2
                await readings.wait_for(is_online, after=seen)
                await until(lambda: terminal.watchers)
                terminal.event(0x4B, cardNo=f"after {number}")
                await readings.wait_for(CodeScanned, after=seen)

    payloads = [each.payload for each in readings.readings if isinstance(each, CodeScanned)]
    assert payloads == [b"first", *(b"after %d" % number for number in range(5))]


async def test_a_terminal_that_was_reset_counts_anew(credentials: Path) -> None:
    readings = Collector()
    async with Terminal() as terminal, running(driver(terminal.url, credentials), readings):
        await followed(terminal, readings)
        terminal.event(0x4B, cardNo="one", serialNo=5000)
        terminal.event(0x4B, cardNo="two", serialNo=1)
        terminal.event(0x4B, cardNo="three", serialNo=2)
        await readings.wait_for(lambda each: each == CodeScanned(b"three", "card", "terminal"))

    assert len(readings.matching(CodeScanned)) == 3


async def test_a_door_without_a_contact_is_never_closed(credentials: Path) -> None:
    readings = Collector()
    doors = {"gate-1": {"role": "gate", "contact": False}}
    async with (
        Terminal() as terminal,
        running(driver(terminal.url, credentials, doors=doors), readings),
    ):
        await followed(terminal, readings)
        terminal.event(0x1A)
        terminal.event(0x15)
        await readings.wait_for(lambda each: each == gate(Position.UNKNOWN, Lock.UNLOCKED))

    assert readings.matching(DoorObserved) == [
        gate(Position.UNKNOWN),
        gate(Position.UNKNOWN, Lock.UNLOCKED),
    ]


async def test_an_unplugged_terminal_makes_the_door_unknown(credentials: Path) -> None:
    readings = Collector()
    unknown = gate(Position.UNKNOWN, Lock.UNKNOWN)
    async with Terminal() as terminal:
        reader = driver(terminal.url, credentials)
        async with kept_running(reader, readings) as errors:
            for _ in range(100):
                seen = len(readings.readings)
                await readings.wait_for(lambda each: each == gate(Position.CLOSED), after=seen)
                await terminal.unplug()
                await readings.wait_for(lambda each: each == unknown, after=seen)
                await terminal.replug()

    assert all(terminal.url in str(error) for error in errors)


async def test_garbage_is_said_and_survived(credentials: Path) -> None:
    readings = Collector()
    async with Terminal() as terminal, running(driver(terminal.url, credentials), readings):
        await followed(terminal, readings)
        terminal.send(
            b"--MIME_boundary\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n?!#"
        )
        await readings.wait_for(
            lambda each: isinstance(each, DeviceObserved) and each.state is DeviceState.DEGRADED
        )
        terminal.event(0x19)
        await readings.wait_for(lambda each: each == gate(Position.OPEN))

    assert readings.matching(DeviceObserved)[-1] == ONLINE


async def test_half_a_character_is_a_code_like_any_other(credentials: Path) -> None:
    readings = Collector()
    async with Terminal() as terminal, running(driver(terminal.url, credentials), readings):
        await followed(terminal, readings)
        terminal.event(0x4B, QRCodeInfo="\ud800")
        await readings.wait_for(lambda each: each == CodeScanned(b"\xed\xa0\x80", "qr", "terminal"))


class TestRefused:
    async def test_a_wrong_password_is_tried_once(self, credentials: Path) -> None:
        readings = Collector()
        async with Terminal(password="other") as terminal:
            reader = driver(terminal.url, credentials)
            for _ in range(5):
                with pytest.raises(DeviceError, match="refuses the user or the password"):
                    await reader.run(readings)
            assert terminal.wrong_passwords == 1
            with credentials.open("w") as file:
                file.write("gate:other")
            async with running(reader, readings):
                await readings.wait_for(is_online)

    async def test_nobody_there(self, credentials: Path) -> None:
        async with Terminal() as terminal:
            url = terminal.url
        with pytest.raises(DeviceError, match="cannot be used"):
            await driver(url, credentials).run(Collector())

    async def test_no_credentials(self, tmp_path: Path) -> None:
        with pytest.raises(DeviceError, match="none cannot be read"):
            await driver("http://127.0.0.1:9", tmp_path / "none").run(Collector())

    async def test_a_web_server_that_is_no_terminal(self, credentials: Path) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(DeviceError, match="sends no stream of events"):
                await driver(f"http://127.0.0.1:{port}", credentials).run(Collector())

    async def test_a_silent_one_is_lost(self, credentials: Path) -> None:
        readings = Collector()
        async with Terminal() as terminal:
            with pytest.raises(DeviceError, match="does not answer, or sends no more"):
                await driver(terminal.url, credentials, silence_s=1).run(readings)

        assert ONLINE in readings.readings

    async def test_one_whose_stream_breaks_is_lost(self, credentials: Path) -> None:
        readings = Collector()
        async with Terminal() as terminal:
            running_on = asyncio.create_task(
                driver(terminal.url, credentials, silence_s=1).run(readings)
            )
            await followed(terminal, readings)
            terminal.send(b"no chunk\r\n", chunked=False)
            async with asyncio.timeout(30):
                with pytest.raises(DeviceError, match=r"sends no more|cannot be used"):
                    await running_on


async def test_no_piece_of_an_answer_becomes_a_reason(credentials: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Code: told-by-somebody\x00\r\n\r\n"
    async with ScriptedServer(sends(answer)) as server:
        with pytest.raises(DeviceError, match="cannot be used: ") as refused:
            await driver(f"http://{server.place}", credentials).run(Collector())
    assert "told-by-somebody" not in str(refused.value)


class TestTold:
    async def test_a_home_door_is_never_released(self, credentials: Path) -> None:
        reader = driver("http://127.0.0.1:9", credentials, doors={"flat-3": {"role": "home"}})
        with pytest.raises(CommandError, match="only ever watched"):
            await reader.execute(Release("flat-3"))

    async def test_it_lets_somebody_through(self, credentials: Path) -> None:
        readings = Collector()
        async with Terminal() as terminal:
            reader = driver(terminal.url, credentials)
            async with running(reader, readings):
                await followed(terminal, readings)
                await reader.execute(Release("gate-1"))
                assert len(terminal.released) == 1
                assert "<cmd>open</cmd>" in terminal.released[0]
                terminal.refuses_release = True
                with pytest.raises(CommandError, match="refuses: HTTP status 403"):
                    await reader.execute(Release("gate-1"))

    async def test_what_cannot_be_done_is_said(self, credentials: Path) -> None:
        reader = driver("http://127.0.0.1:9", credentials)
        with pytest.raises(CommandError, match="is not connected"):
            await reader.execute(Release("gate-1"))
        with pytest.raises(CommandError, match="cannot do Release"):
            await reader.execute(Release("gate-2"))
        with pytest.raises(CommandError, match="cannot do TriggerScan"):
            await reader.execute(TriggerScan())
