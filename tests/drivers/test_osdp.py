"""The OSDP driver against libosdp's own peripheral device on a pty, through the Secure Channel."""

import logging
import re
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
    Position,
    PulseOutput,
    Reading,
    Release,
    Role,
    SwitchOutput,
    TriggerScan,
)
from drivers.emulators.osdp_device import OsdpDevice
from drivers.osdp import Config, Driver
from drivers.osdp.panel import Control, order
from tests.collecting import Collector
from tests.drivers.conftest import open_descriptors
from tests.drivers.running import hot_unplugs, kept_running, running

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")

KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
ONLINE = DeviceObserved(DeviceState.ONLINE)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(KEY.hex() + "\n")
    return file


def driver(link: Path, key_file: Path, **options: object) -> Driver:
    stanza = {
        "driver": "osdp",
        "port": link,
        "key_file": key_file,
        "doors": {"gate-1": {"role": "gate", "input": 2, "strike": 1, "strike_s": 2.5}},
        "outputs": {"lamp": {"number": 0}},
    }
    return Driver("reader", Config.model_validate(stanza | options))


def gate(position: Position, *, tamper: bool | None = None) -> DoorObserved:
    return DoorObserved("gate-1", Role.GATE, position, tamper=tamper)


def is_online(reading: Reading) -> bool:
    return reading == ONLINE


async def settled(readings: Collector) -> None:
    """Return once the driver follows the device: it has asked what it could."""
    await readings.wait_for(lambda each: each == gate(Position.UNKNOWN))


class TestConfig:
    def test_a_strike_is_no_output_to_be_switched(self, link: Path, key_file: Path) -> None:
        with pytest.raises(ValidationError, match=r"doors\.gate-1\.strike is 1, as is outputs\.l"):
            driver(link, key_file, outputs={"lamp": {"number": 1}})

    def test_two_doors_share_no_strike(self, link: Path, key_file: Path) -> None:
        doors = {name: {"role": "gate", "input": 0, "strike": 1} for name in ("gate-1", "gate-2")}
        with pytest.raises(ValidationError, match=r"gate-2\.strike is 1, as is doors\.gate-1"):
            driver(link, key_file, doors=doors)

    def test_a_home_door_has_no_strike(self, link: Path, key_file: Path) -> None:
        with pytest.raises(ValidationError, match="only ever watched"):
            driver(link, key_file, doors={"flat-3": {"role": "home", "input": 0, "strike": 1}})

    def test_there_is_no_way_without_a_key(self, link: Path) -> None:
        with pytest.raises(ValidationError, match="key_file"):
            Config.model_validate({"driver": "osdp", "port": link})


async def test_cards_inputs_tamper_and_power(link: Path, key_file: Path) -> None:
    readings = Collector()
    reader = driver(link, key_file)
    async with OsdpDevice(link, key=KEY) as device, kept_running(reader, readings):
        await settled(readings)
        device.set_input(2, 1)
        await readings.wait_for(lambda each: each == gate(Position.CLOSED, tamper=False))
        device.set_input(2, 0)
        device.card(bytes.fromhex("92C06040"), 26)
        device.set_condition(tamper=True)
        device.set_input(2, 3)
        await readings.wait_for(lambda each: each == gate(Position.FAULT, tamper=True))
        device.set_condition(tamper=False, power_failed=True)
        device.set_condition(tamper=False)
        await readings.wait_for(is_online, after=len(readings.readings) - 1)

    told = [each for each in readings.readings if each != ONLINE]
    start = told.index(gate(Position.CLOSED, tamper=False))
    assert told[start:] == [
        gate(Position.CLOSED, tamper=False),
        gate(Position.OPEN, tamper=False),
        CodeScanned(bytes.fromhex("92C06040"), "card", "reader"),
        DeviceObserved(DeviceState.DEGRADED, "is being tampered with"),
        gate(Position.OPEN, tamper=True),
        gate(Position.FAULT, tamper=True),
        DeviceObserved(DeviceState.DEGRADED, "its power has failed"),
        gate(Position.FAULT, tamper=False),
    ]


async def test_a_device_that_refuses_a_question_is_not_asked_again(
    link: Path, key_file: Path
) -> None:
    readings = Collector()
    reader = driver(link, key_file)
    async with OsdpDevice(link, key=KEY) as device, kept_running(reader, readings) as errors:
        await settled(readings)
        device.set_input(2, 1)
        await readings.wait_for(lambda each: each == gate(Position.CLOSED, tamper=False))

    assert ["does not tell its inputs" in str(each) for each in errors] == [True]


async def test_a_device_without_inputs_is_not_asked_for_them(link: Path, key_file: Path) -> None:
    readings = Collector()
    reader = driver(link, key_file)
    async with OsdpDevice(link, key=KEY, inputs=0) as device, running(reader, readings):
        await settled(readings)
        device.card(b"\x12\x34", 16)
        await readings.wait_for(CodeScanned)


class TestSecureChannel:
    async def test_another_key_is_refused(self, link: Path, key_file: Path) -> None:
        readings = Collector()
        async with OsdpDevice(link, key=bytes(range(16))):
            with pytest.raises(DeviceError, match="answers, but not to the key in key_file"):
                await driver(link, key_file).run(readings)

        assert readings.readings == []

    async def test_the_default_key_is_refused(self, link: Path, key_file: Path) -> None:
        async with OsdpDevice(link) as device:
            with pytest.raises(DeviceError, match="answers, but not to the key in key_file"):
                await driver(link, key_file).run(Collector())

        assert device.key is None

    async def test_installation_gives_a_device_its_key(self, link: Path, key_file: Path) -> None:
        readings = Collector()
        async with OsdpDevice(link, inputs=0) as device:
            async with running(driver(link, key_file, installation=True), readings):
                await settled(readings)
            assert device.key == KEY
            device.unplug()
            device.replug()
            seen = len(readings.readings)
            async with running(driver(link, key_file), readings):
                await readings.wait_for(is_online, after=seen)

        first = readings.readings[0]
        assert isinstance(first, DeviceObserved)
        assert "installation mode" in str(first.reason)

    async def test_what_goes_over_the_wire_is_in_no_log(
        self, link: Path, key_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The key is sent under the default one, which everybody knows."""
        caplog.set_level(logging.DEBUG)
        readings = Collector()
        async with OsdpDevice(link, inputs=0) as device:
            async with running(driver(link, key_file, installation=True), readings):
                await settled(readings)
            assert device.key == KEY
        told = [each for each in caplog.messages if str(link) in each]
        assert any(" ← " in each for each in told)
        assert any(" → " in each for each in told)
        assert [each for each in told if not re.search(r" [←→] \d+ bytes$", each)] == []

    @pytest.mark.parametrize("text", ["", "00112233", "not hexadecimal", KEY.hex() * 2])
    async def test_a_file_without_a_key(self, link: Path, text: str) -> None:
        file = link.with_name("other-key")
        with file.open("w") as out:
            out.write(text)
        with pytest.raises(DeviceError, match="key"):
            await driver(link, file).run(Collector())


class TestTold:
    async def test_strike_and_outputs(self, link: Path, key_file: Path) -> None:
        readings = Collector()
        reader = driver(link, key_file)
        async with OsdpDevice(link, key=KEY, inputs=0) as device, running(reader, readings):
            await settled(readings)
            await reader.execute(Release("gate-1"))
            await reader.execute(PulseOutput("lamp", 7))
            await reader.execute(SwitchOutput("lamp", on=True))
            await reader.execute(SwitchOutput("lamp", on=False))

        orders = [
            (each["output_no"], each["control_code"], each["timer_count"])
            for each in device.commands
            if "output_no" in each
        ]
        assert orders == [(1, 5, 25), (0, 5, 70), (0, 2, 0), (0, 1, 0)]

    async def test_a_refusal_is_said(self, link: Path, key_file: Path) -> None:
        readings = Collector()
        reader = driver(link, key_file)
        async with OsdpDevice(link, key=KEY, inputs=0) as device, running(reader, readings):
            await settled(readings)
            device.refuses_outputs = True
            with pytest.raises(CommandError, match="refuses"):
                await reader.execute(Release("gate-1"))

    async def test_what_cannot_be_done_is_said(self, link: Path, key_file: Path) -> None:
        reader = driver(link, key_file)
        with pytest.raises(CommandError, match="is not connected"):
            await reader.execute(Release("gate-1"))
        for command in (Release("gate-2"), SwitchOutput("horn", on=True), TriggerScan()):
            with pytest.raises(CommandError, match="cannot do"):
                await reader.execute(command)

    @pytest.mark.parametrize("seconds", [-1.0, 0.0, 6553.6])
    async def test_no_pulse_is_for_ever(self, link: Path, key_file: Path, seconds: float) -> None:
        with pytest.raises(CommandError, match="a pulse has up to"):
            await driver(link, key_file).execute(PulseOutput("lamp", seconds))

    def test_the_shortest_pulse_ends(self) -> None:
        assert order(0, Control.ON_FOR, 0.01)["timer_count"] == 1


class TestLost:
    async def test_nobody_there(self, link: Path, key_file: Path) -> None:
        async with OsdpDevice(link, key=KEY, address=9):
            with pytest.raises(DeviceError, match="at address 0 does not answer"):
                await driver(link, key_file).run(Collector())

    @hot_unplugs
    async def test_unplugged_and_replugged(self, link: Path, key_file: Path, rounds: int) -> None:
        readings = Collector()
        reader = driver(link, key_file)
        device = OsdpDevice(link, key=KEY, inputs=0)
        async with device, kept_running(reader, readings) as errors:
            await readings.wait_for(is_online)
            descriptors = open_descriptors()
            for _ in range(rounds):
                seen = len(readings.readings)
                device.unplug()
                device.replug()
                await readings.wait_for(is_online, after=seen)
                assert open_descriptors() == descriptors

        assert errors
