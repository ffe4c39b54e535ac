"""What is plugged in: on a machine of files, with emulated devices behind its ports."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from drivers.emulators.cable import Cable
from drivers.emulators.gy_614v import Gy614V
from drivers.emulators.lu90614 import Lu90614
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.modbus_thermometer import CALEX, OMEGA, ModbusThermometer
from drivers.emulators.optris import Optris
from drivers.emulators.scanner import Gm65, Scanner
from drivers.emulators.thermometer import Thermometer
from gateway import configfile
from gateway.devices import sysfs
from gateway.devices.command import lines, look
from gateway.devices.holders import holders
from tests.devices.machine import Machine

COMMAND = Path(sys.executable).with_name("checkpoint-gateway")
HEAD = """
gateway = { id = "1", district = "1", street = "1", community = "1" }
uplink = { host = "mqtt.example.org" }
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "dev").mkdir()
    (tmp_path / "proc").mkdir()
    return Machine(tmp_path)


class TestFound:
    def test_a_machine_without_anything(self, machine: Machine) -> None:
        roots = machine.roots
        assert (sysfs.ports(roots), sysfs.cameras(roots), sysfs.chips(roots)) == ([], [], [])

    def test_ports_with_hardware_behind_them(self, machine: Machine) -> None:
        machine.pseudo("tty0")
        machine.uart("ttyS0", "4")
        machine.uart("ttyS1", "0")
        machine.adapter("1-1.10", "ttyUSB10", product="USB Serial").touch()
        machine.adapter("1-1.2", "ttyUSB2", serial="A50285BI", manufacturer="FTDI").touch()

        dev = machine.root / "dev"
        bare, second, tenth = sysfs.ports(machine.roots)
        assert (bare.best, bare.usb) == (f"{dev}/ttyS0", None)
        assert second.best == f"{dev}/serial/by-path/platform-usb-0:1-1.2:1.0-port0"
        assert second.by_id == f"{dev}/serial/by-id/usb-A50285BI-port0"
        assert second.driver == "ch341-uart"
        assert second.usb == sysfs.Usb("1-1.2", "1a86", "7523", "FTDI", None, "A50285BI")
        assert (tenth.node, tenth.usb and tenth.usb.name) == (f"{dev}/ttyUSB10", "USB Serial")

    def test_a_camera_is_one(self, machine: Machine) -> None:
        machine.camera("video0", 0)
        machine.camera("video1", 1)

        [camera] = sysfs.cameras(machine.roots)
        assert camera.name == "HD Webcam"
        assert camera.best.endswith("v4l/by-path/platform-usb-0:2:1.0-video-index0")

    def test_a_chip_that_cannot_be_asked(self, machine: Machine) -> None:
        (machine.root / "dev/gpiochip0").touch()
        assert sysfs.chips(machine.roots) == [
            sysfs.Chip(str(machine.root / "dev/gpiochip0"), None, None)
        ]


class TestTwins:
    def test_without_a_serial_number(self, machine: Machine) -> None:
        nodes = [machine.adapter(f"1-{n}", f"ttyUSB{n}") for n in (1, 2)]
        for node in nodes:
            node.touch()

        [(what, alike)] = sysfs.twins(sysfs.ports(machine.roots))
        assert what == "1a86:7523, no serial number"
        assert [port.node for port in alike] == [str(node) for node in nodes]

    def test_with_the_same_serial_number(self, machine: Machine) -> None:
        for n in (1, 2):
            machine.adapter(f"1-{n}", f"ttyUSB{n}", idVendor="10c4", serial="0001").touch()

        [(what, _)] = sysfs.twins(sysfs.ports(machine.roots))
        assert what == "10c4:7523, serial number 0001"

    def test_an_adapter_with_two_ports_is_no_pair(self, machine: Machine) -> None:
        for n in (0, 1):
            machine.adapter("1-1", f"ttyUSB{n}", interface=n, serial="A5").touch()
        machine.adapter("1-2", "ttyUSB2", serial="B6").touch()

        assert sysfs.twins(sysfs.ports(machine.roots)) == []


class TestHolders:
    def test_who_has_it_open(self, machine: Machine) -> None:
        node, other = (machine.adapter(f"1-{n}", f"ttyUSB{n}") for n in (1, 2))
        for each in (node, other):
            each.touch()
        machine.process(17, "minicom -D ttyUSB1", machine.root, node)
        machine.process(4, "cat", node, node)

        found = holders(machine.root / "proc", [str(node), str(other)])
        told = {each: [(who.pid, who.command) for who in found[each]] for each in found}
        assert told == {str(node): [(4, "cat"), (17, "minicom -D ttyUSB1")], str(other): []}

    def test_this_process(self, tmp_path: Path) -> None:
        node = tmp_path / "held"
        with node.open("w"):
            found = holders(Path("/proc"), [str(node)])

        assert [each.pid for each in found[str(node)]] == [os.getpid()]


class TestProbe:
    async def test_devices_are_recognised_and_their_stanzas_load(self, machine: Machine) -> None:
        dev = machine.root / "dev"
        links = [machine.adapter(f"1-{n}", f"ttyUSB{n}") for n in range(1, 6)]
        machine.camera("video0", 0)
        machine.process(99, "other program", dev / "video0")
        async with AsyncExitStack() as plugged:
            for device in (
                Thermometer(links[0]),
                Gm65(links[1], by_command=True),
                ModbusBoard(links[2]),
                Scanner(links[3]),
                Gm65(links[4]),
            ):
                await plugged.enter_async_context(device)
            machine.process(7, "busy", links[4])
            found = await look(machine.roots, ask=True)

        told = {each.port.rpartition("/")[2]: each.driver for each in found.recognised}
        assert told == {
            "platform-usb-0:1-1:1.0-port0": "gy_mcu906",
            "platform-usb-0:1-2:1.0-port0": "serial_scanner",
            "platform-usb-0:1-3:1.0-port0": "modbus_io",
        }
        text = "\n".join(lines(found, asked=True))
        assert "answers as gy_mcu906" in text
        assert "in use by 7: busy" in text
        assert "in use by 99: other program" in text
        assert "cannot be told apart (1a86:7523, no serial number)" in text
        pasted = machine.root / "pasted.toml"
        stanzas = text.partition("configuration:")[2]
        with pasted.open("w") as out:
            out.write(HEAD + stanzas)
        devices = configfile.load(pasted).devices
        assert [each.driver for each in devices.values()] == [
            "gy_mcu906", "serial_scanner", "modbus_io", "camera",
        ]  # fmt: skip

    async def test_thermometers_are_told_apart(self, machine: Machine) -> None:
        links = [machine.adapter(f"1-{n}", f"ttyUSB{n}") for n in range(1, 6)]
        async with AsyncExitStack() as plugged:
            for device in (
                ModbusThermometer(links[0], CALEX),
                ModbusThermometer(links[1], OMEGA, kind=16),
                Gy614V(links[2]),
                Lu90614(links[3]),
                Optris(links[4]),
            ):
                await plugged.enter_async_context(device)
            found = await look(machine.roots, ask=True)

        assert [(each.driver, each.options) for each in found.recognised] == [
            ("modbus_thermometer", {"profile": "calex"}),
            ("modbus_thermometer", {"profile": "omega"}),
            ("gy_614v", {}),
            ("lu90614", {}),
            ("optris", {}),
        ]

    async def test_no_port_is_opened_unless_asked_for(self, machine: Machine) -> None:
        heard: list[bytes] = []
        cable = Cable(machine.adapter("1-1", "ttyUSB1"), heard.append)
        cable.plug()
        found = await look(machine.roots, ask=False)
        await asyncio.sleep(0.1)
        cable.unplug()

        assert (found.recognised, heard) == ([], [])
        assert "--probe" in "\n".join(lines(found, asked=False))


class TestCommand:
    def test_on_this_machine(self) -> None:
        done = subprocess.run(
            [COMMAND, "devices"], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("serial ports: ")

    def test_for_programs(self) -> None:
        done = subprocess.run(
            [COMMAND, "devices", "--json"], capture_output=True, timeout=60, check=True
        )
        found = json.loads(done.stdout)
        assert set(found) == {"ports", "cameras", "chips", "held", "recognised", "twins"}
