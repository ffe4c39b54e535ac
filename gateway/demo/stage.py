"""The demo's stage: emulated devices, a broker, the centre, and the real daemon as a process."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from drivers.base import DeviceConfig
from drivers.camera import Config as CameraConfig
from drivers.emulators.camera import Camera
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from drivers.gy_mcu906 import Config as ThermometerConfig
from drivers.modbus_io import Config as BoardConfig
from gateway.centre import Centre, Event, Listener
from gateway.clock import Clock
from gateway.config import Config
from gateway.demo.account import Account, Arrival
from gateway.demo.broker import DemoBroker
from gateway.demo.process import DaemonProcess
from gateway.demo.visitors import Visitors
from gateway.errors import GatewayError
from gateway.holders import Wallet
from gateway.journal import Journal
from gateway.uplink.client import LinkOptions

_SEED = 1
C = TypeVar("C", bound=DeviceConfig)


class Stage:
    """Everything around the daemon, and the daemon; use it as an asynchronous context manager."""

    def __init__(
        self,
        config_file: Path,
        config: Config,
        directory: Path,
        photos: Path | None,
        on_arrival: Callable[[Arrival], None],
    ) -> None:
        self.account = Account()
        self.broker = DemoBroker(directory, config.uplink.host, config.uplink.port)
        self.daemon = DaemonProcess(
            ("gateway", "run", str(config_file)), directory, directory / config.gateway.state_dir
        )
        self._config = config
        self._directory = directory
        self._photos = photos
        self._on_arrival = on_arrival
        self._wallet = Wallet(
            _SEED,
            int(datetime.now(UTC).timestamp()),
            f"{config.gateway.district}/{config.gateway.street}/{config.gateway.community}",
        )
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._directory.joinpath("dev").mkdir()
        self._directory.joinpath("passes.json").write_text(json.dumps(self._wallet.trust([])))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.broker.stop)
            await self.broker.start()
            await self._start_devices(stack)
            self._start_centre(stack)
            stack.push_async_callback(self.daemon.stop)
            await self.daemon.start()
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    def said(self) -> str:
        """What has been said last at the gate; nothing if that is nothing."""
        file = self._directory / "said"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return lines[-1] if lines else ""

    async def recorded(self) -> tuple[str, int]:
        """Epoch and last sequence number of the journal that the stopped daemon left behind."""
        path = self._directory / self._config.gateway.state_dir / self._config.journal.file
        journal = await Journal.open(path, source=self._config.gateway.source, clock=Clock())
        try:
            return journal.epoch, journal.last_seq
        finally:
            await journal.close()

    async def _start_devices(self, stack: AsyncExitStack) -> None:
        address = urlsplit(self._stanza(CameraConfig).source)
        try:
            camera = Camera(port=address.port or 80, photos=self._photos)
        except FileNotFoundError as error:
            raise GatewayError(str(error)) from error
        try:
            await stack.enter_async_context(camera)
        except OSError as error:
            raise GatewayError(f"the demo's camera cannot start: {error.strerror}") from error
        thermometer = Thermometer(self._port(self._stanza(ThermometerConfig).port))
        board_config = self._stanza(BoardConfig)
        board = ModbusBoard(self._port(board_config.port), address=board_config.address)
        await stack.enter_async_context(thermometer)
        await stack.enter_async_context(board)
        doors = board_config.doors.values()
        inputs = [door.input for door in doors if door.input is not None]
        gate = next(
            (door.input, door.strike)
            for door in doors
            if door.input is not None and door.strike is not None
        )
        visitors = Visitors(camera, thermometer, board, self._wallet, gate=gate, inputs=inputs)
        task = asyncio.create_task(visitors.come_and_go(), name="visitors")
        stack.push_async_callback(_cancelled, task)

    def _start_centre(self, stack: AsyncExitStack) -> None:
        uplink = self._config.uplink
        options = LinkOptions(uplink.host, uplink.port, "centre", protocol=uplink.protocol)
        listener = Listener(options, Centre(patience_s=3.0), self._arrived, acknowledge=True)
        task = asyncio.create_task(listener.run(asyncio.Event()), name="centre")
        stack.push_async_callback(_cancelled, task)

    def _arrived(self, event: Event) -> None:
        arrival = self.account.arrive(event.content, datetime.now(UTC))
        if arrival:
            self._on_arrival(arrival)

    def _stanza(self, model: type[C]) -> C:
        return next(each for each in self._config.devices.values() if isinstance(each, model))

    def _port(self, port: Path) -> Path:
        path = self._directory / port
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
