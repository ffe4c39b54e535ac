"""A whole gate: a scanner, a thermometer and a door on real ports, the daemon, and a centre."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any

from msgspec import structs

from drivers.base import DeviceState
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.scanner import Scanner
from drivers.emulators.thermometer import Thermometer
from gateway.health import Health
from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import GATE, Daemon
from tests.passes.issuing import RESIDENT, body, shown
from tests.receiving import Received, listening
from tests.timed import beginning

DOOR_INPUT, STRIKE = 0, 0

CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}

[passes]
trust_file = "passes.json"

[inspections]
slots = []

[lanes.in-1]
direction = "entry"
door = "gate-1"

[devices.scanner]
driver = "serial_scanner"
port = "scanner"
lane = "in-1"

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
lane = "in-1"

[devices.board]
driver = "modbus_io"
port = "board"
doors.gate-1 = {{ input = 0, role = "gate", strike = 0, release_ms = 1000 }}
"""
)


@dataclass(frozen=True, slots=True)
class WholeGate:
    """What stands there."""

    daemon: Daemon
    broker: Mosquitto
    received: Received
    scanner: Scanner
    thermometer: Thermometer
    board: ModbusBoard

    def events(self, kind: str) -> list[Mapping[str, Any]]:
        """The events of a kind that the centre has, in order."""
        wanted = f"checkpoint.{kind}.v1"
        return [each for each in self.received.contents if each["type"] == wanted]

    def data(self, kind: str) -> list[Mapping[str, Any]]:
        """What they say."""
        return [each["data"] for each in self.events(kind)]

    async def until_recorded(self, kind: str, count: int, *, within_s: float = 20.0) -> None:
        """Wait until the centre has so many of a kind."""
        await until(lambda: len(self.events(kind)) >= count, within_s=within_s)

    async def walk_through(self) -> None:
        """Open the door and shut it, as somebody does who goes through."""
        await self.board.set_input(DOOR_INPUT, active=False)
        await asyncio.sleep(0.3)
        await self.board.set_input(DOOR_INPUT, active=True)


def a_pass(**other: Any) -> bytes:
    """A pass that is good now; `other`: what its claims say otherwise."""
    now = int(time())
    fresh = structs.replace(RESIDENT, issued=now - 60, begin=now - 60, end=now + 3600)
    return shown(fresh, **other)


def _write_trust(folder: Path) -> None:
    (folder / "passes.json").write_text(json.dumps(body()))


def well(picture: Health) -> bool:
    """Everything that can say so is."""
    return picture.link.online and all(
        each.state is DeviceState.ONLINE or each.driver == "serial_scanner"  # which says nothing
        for each in picture.devices.values()
    )


@asynccontextmanager
async def whole_gate(
    folder: Path, config: str = CONFIG, *, begin: datetime | None = None
) -> AsyncIterator[WholeGate]:
    """It stands there, everything is connected and well; `begin`: by a clock that is right, and
    shows that then."""
    _write_trust(folder)
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(mosquitto(folder))
        received = await stack.enter_async_context(listening(broker.port, Received()))
        scanner = await stack.enter_async_context(Scanner(folder / "scanner"))
        thermometer = await stack.enter_async_context(Thermometer(folder / "thermometer"))
        board = await stack.enter_async_context(ModbusBoard(folder / "board"))
        for contact in range(8):
            await board.set_input(contact, active=True)  # shut
        timed: dict[str, Any] = {}
        if begin:
            timed = {"program": ("tests.timed",), "environment": beginning(begin)}
        daemon = Daemon(folder, config.format(port=broker.port), **timed)
        await stack.enter_async_context(daemon)
        await daemon.until(well)
        yield WholeGate(daemon, broker, received, scanner, thermometer, board)
        assert await daemon.stop() == 0
