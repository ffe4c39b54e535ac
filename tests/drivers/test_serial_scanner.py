"""The scanner's driver on a pty, with emulated scanners behind it."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.base import (
    CodeScanned,
    CommandError,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Reading,
    Release,
    TriggerScan,
)
from drivers.emulators.scanner import Gm65, NewlandScanner, Scanner
from drivers.serial_scanner import Config, Driver
from tests.brokers import until
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import kept_running, running

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

ONLINE = DeviceObserved(DeviceState.ONLINE)
PASS = b"https://example.org/pass/7f3a"


def driver(link: Path, **options: object) -> Driver:
    stanza = {"driver": "serial_scanner", "port": link, **options}
    return Driver("scanner", Config.model_validate(stanza))


def is_online(reading: Reading) -> bool:
    return reading == ONLINE


def is_degraded(reading: Reading) -> bool:
    return isinstance(reading, DeviceObserved) and reading.state is DeviceState.DEGRADED


async def shown(
    scanner: Scanner, code: bytes, readings: Collector, *, every_s: float = 0.02
) -> CodeScanned:
    """What comes of a code that is held up until it is read."""
    seen = len(readings.readings)
    async with asyncio.timeout(10):
        while not readings.matching(CodeScanned, after=seen):
            scanner.hold_up(code)
            await asyncio.sleep(every_s)
    reading = readings.matching(CodeScanned, after=seen)[0]
    assert isinstance(reading, CodeScanned)
    return reading


async def test_a_code_is_told_once_while_it_is_held_up(link: Path) -> None:
    readings = Collector()
    async with Scanner(link) as scanner, running(driver(link, gone_after_s=0.4), readings):
        first = await shown(scanner, PASS, readings)
        for _ in range(20):
            scanner.hold_up(PASS)
            await asyncio.sleep(0.02)
        assert readings.matching(CodeScanned) == [first]
        other = await shown(scanner, b"somebody else's", readings)
        await asyncio.sleep(0.5)
        again = await shown(scanner, PASS, readings)

    assert [first.payload, other.payload, again.payload] == [PASS, b"somebody else's", PASS]
    assert (first.medium, first.symbology, first.decode_ms) == ("scanner", "unknown", None)


async def test_nothing_is_said_of_a_scanner_before_it_has_spoken(link: Path) -> None:
    readings = Collector()
    async with Scanner(link) as scanner, running(driver(link), readings):
        await shown(scanner, PASS, readings)

    assert readings.readings[0] == ONLINE
    assert isinstance(readings.readings[1], CodeScanned)


async def test_the_largest_binary_code_arrives_byte_for_byte(link: Path) -> None:
    readings = Collector()
    content = (bytes(range(256)) * 12)[:2953]
    reader = driver(link, terminator="none")
    async with Scanner(link, tail=b"") as scanner, running(reader, readings):
        scan = await shown(scanner, content, readings, every_s=0.5)

    assert scan.payload == content


async def test_another_terminator_is_noticed(link: Path) -> None:
    readings = Collector()
    reader = driver(link, terminator="cr")
    async with Scanner(link, tail=b"\n") as scanner, running(reader, readings):
        async with asyncio.timeout(10):
            while not readings.matching(is_degraded):
                scanner.hold_up(PASS)
                await asyncio.sleep(0.3)
        scanner.send(b"right\r")
        await readings.wait_for(is_online)

    assert readings.matching(CodeScanned) == [CodeScanned(b"right", "unknown", "scanner")]


async def test_what_a_code_holds_is_in_no_log(link: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    readings = Collector()
    async with Scanner(link) as scanner, running(driver(link), readings):
        await shown(scanner, PASS, readings)

    told = caplog.text + repr(readings.readings)
    assert f"{len(PASS) + 1} bytes" in told
    assert PASS.decode() not in told
    assert PASS[:4].hex(" ") not in told


class TestTold:
    async def test_a_gm65_looks_when_told_and_only_then(self, link: Path) -> None:
        readings = Collector()
        scanner = driver(link, trigger="gm65")
        async with Gm65(link, by_command=True) as module, running(scanner, readings):
            await readings.wait_for(is_online)
            module.hold_up(b"not looking")
            await scanner.execute(TriggerScan())
            module.hold_up(PASS)
            scan = await readings.wait_for(CodeScanned)

        assert scan == CodeScanned(PASS, "unknown", "scanner")
        assert readings.matching(CodeScanned) == [scan]

    async def test_codes_and_answers_among_each_other(self, link: Path) -> None:
        readings = Collector()
        scanner = driver(link, trigger="gm65", gone_after_s=0.2)
        async with Gm65(link) as module, running(scanner, readings):
            await readings.wait_for(is_online)
            for number in range(50):
                module.hold_up(b"%d before" % number)
                await scanner.execute(TriggerScan())
                module.hold_up(b"%d after" % number)
            await readings.wait_for(
                lambda each: each == CodeScanned(b"49 after", "unknown", "scanner")
            )

        expected = [b"%d %b" % (n, when) for n in range(50) for when in (b"before", b"after")]
        scans = readings.matching(CodeScanned)
        assert [each.payload for each in scans if isinstance(each, CodeScanned)] == expected
        assert readings.matching(is_degraded) == []

    @pytest.mark.parametrize(
        ("trigger", "kind"), [("newland", NewlandScanner), ("honeywell", Scanner)]
    )
    async def test_other_families(self, link: Path, trigger: str, kind: type[Scanner]) -> None:
        readings = Collector()
        scanner = driver(link, trigger=trigger)
        async with kind(link, by_command=True) as device, running(scanner, readings):
            async with asyncio.timeout(10):
                while not readings.matching(CodeScanned):
                    with suppress(CommandError):  # before the port is open nobody can be told
                        await scanner.execute(TriggerScan())
                    await asyncio.sleep(0.02)
                    device.hold_up(PASS)
                    await asyncio.sleep(0.02)

    async def test_a_refusal_is_said(self, link: Path) -> None:
        class OldNewland(NewlandScanner):
            def received(self, data: bytes) -> None:
                self.send(bytes.fromhex("02 01 30 30 30 30 23 53 43 4E 54 52 47 31 05 3B 03"))

        readings = Collector()
        scanner = driver(link, trigger="newland")
        async with OldNewland(link) as device, running(scanner, readings):
            await shown(device, PASS, readings)
            with pytest.raises(CommandError, match="refuses"):
                await scanner.execute(TriggerScan())

    async def test_what_cannot_be_done_is_said(self, link: Path) -> None:
        with pytest.raises(CommandError, match="trigger is not set"):
            await driver(link).execute(TriggerScan())
        with pytest.raises(CommandError, match="cannot do Release"):
            await driver(link, trigger="gm65").execute(Release("gate-1"))
        with pytest.raises(CommandError, match="is not connected"):
            await driver(link, trigger="gm65").execute(TriggerScan())

    async def test_no_answer_is_no_success(self, link: Path) -> None:
        readings = Collector()
        scanner = driver(link, trigger="newland")
        async with Scanner(link) as device, running(scanner, readings):
            await shown(device, PASS, readings)
            with pytest.raises(CommandError, match="does not answer"):
                await scanner.execute(TriggerScan())


class TestLost:
    async def test_a_gm65_that_is_not_there_is_told_from_a_quiet_one(self, link: Path) -> None:
        readings = Collector()
        async with Scanner(link):
            with pytest.raises(DeviceError) as caught:
                await driver(link, trigger="gm65").run(readings)

        assert str(caught.value) == f"{link}: the scanner does not answer"
        assert readings.readings == []

    async def test_a_gm65_that_falls_silent_is_lost(self, link: Path) -> None:
        class Failing(Gm65):
            dead = False

            def received(self, data: bytes) -> None:
                if not self.dead:
                    super().received(data)

        readings = Collector()
        module = Failing(link)
        async with module, running(driver(link, trigger="gm65", ask_s=1), readings) as task:
            await readings.wait_for(is_online)
            module.dead = True
            await until(task.done)
            assert "does not answer" in str(task.exception())

    async def test_unplugged_and_replugged_a_hundred_times(self, link: Path) -> None:
        readings = Collector()
        scanner = driver(link, trigger="gm65")
        async with Gm65(link) as module, kept_running(scanner, readings) as errors:
            await readings.wait_for(is_online)
            descriptors = open_descriptors()
            for _ in range(100):
                seen = len(readings.readings)
                module.unplug()
                module.replug()
                await readings.wait_for(is_online, after=seen)
                assert open_descriptors() == descriptors
            await shown(module, PASS, readings)

        assert len(errors) >= 100
        assert all("is gone" in str(error) for error in errors)
