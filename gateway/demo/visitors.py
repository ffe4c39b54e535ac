"""The demo's people: each shows a code, is measured, and goes through the door."""

import asyncio
import random
from typing import NoReturn

from drivers.emulators.camera import Camera
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer

_STAYS_S = 2.5
_DOOR_OPEN_S = 1.0
_PAUSE_S = 0.8
_ONE_IN = 10  # this often somebody is warmer than 37.3 °C


class Visitors:
    """One lane's worth of people; the same seed brings the same ones."""

    def __init__(
        self,
        camera: Camera,
        thermometer: Thermometer,
        board: ModbusBoard,
        *,
        gate_input: int,
        inputs: list[int],
        seed: int = 1,
    ) -> None:
        self._camera = camera
        self._thermometer = thermometer
        self._board = board
        self._gate_input = gate_input
        self._inputs = inputs
        self._random = random.Random(seed)

    async def come_and_go(self) -> NoReturn:
        """One person after the other, until cancelled. The doors are shut in between."""
        for channel in self._inputs:
            await self._board.set_input(channel, active=True)
        while True:
            await asyncio.gather(
                self._camera.person(stays_s=_STAYS_S),
                self._thermometer.person(self._skin_celsius(), stays_s=_STAYS_S),
            )
            await self._board.set_input(self._gate_input, active=False)
            await asyncio.sleep(_DOOR_OPEN_S)
            await self._board.set_input(self._gate_input, active=True)
            await asyncio.sleep(_PAUSE_S)

    def _skin_celsius(self) -> float:
        if self._random.randrange(_ONE_IN) == 0:
            return self._random.uniform(37.4, 38.6)
        return self._random.uniform(35.9, 36.8)
