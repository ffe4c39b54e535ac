"""The demo's people: each shows a code, is measured, and goes through a door that is released."""

import asyncio
from itertools import cycle
from typing import Final, NoReturn

from drivers.emulators.camera import Camera
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from gateway.holders import Holder, Sort, Wallet

_STAYS_S = 2.5
_PATIENCE_S = 1.5
_DOOR_OPEN_S = 1.0
_PAUSE_S = 0.8
_PULSE = 0x0200
"""What the address of a board's relay begins with when it is to be on for a while."""

_STORY: Final = (
    (Sort.RESIDENT, 36.4),
    (Sort.RESIDENT, 36.7),
    (Sort.COURIER, 36.5),
    (Sort.RESIDENT, 36.2),
    (Sort.RESIDENT, 38.1),
    (Sort.FOREIGN, 36.6),
    (Sort.STAFF, 36.3),
    (Sort.EXPIRED, 36.5),
    (Sort.RESIDENT, 36.9),
    (Sort.STRANGE, 36.4),
)
"""Who comes, and with what skin temperature in °C; then the same sorts of people again."""


class Visitors:
    """One lane's worth of people."""

    def __init__(
        self,
        camera: Camera,
        thermometer: Thermometer,
        board: ModbusBoard,
        wallet: Wallet,
        *,
        gate: tuple[int, int],
        inputs: list[int],
    ) -> None:
        self._camera = camera
        self._thermometer = thermometer
        self._board = board
        self._wallet = wallet
        self._contact, self._strike = gate
        self._inputs = inputs

    async def come_and_go(self) -> NoReturn:
        """One person after the other, until cancelled. The doors are shut in between."""
        for channel in self._inputs:
            await self._board.set_input(channel, active=True)
        for number, (sort, celsius) in enumerate(cycle(_STORY)):
            told = len(self._board.written)
            await asyncio.gather(
                self._camera.person(self._wallet.code(Holder(sort, number)), stays_s=_STAYS_S),
                self._thermometer.person(celsius, stays_s=_STAYS_S),
            )
            if await self._released(told):
                await self._board.set_input(self._contact, active=False)
                await asyncio.sleep(_DOOR_OPEN_S)
                await self._board.set_input(self._contact, active=True)
            await asyncio.sleep(_PAUSE_S)
        raise AssertionError("the story has no end")

    async def _released(self, told: int) -> bool:
        """Whether the strike is told to let somebody through; `told`: what it was told before."""
        given_up = asyncio.get_running_loop().time() + _PATIENCE_S
        while asyncio.get_running_loop().time() < given_up:
            if _PULSE + self._strike in (at for at, _ in self._board.written[told:]):
                return True
            await asyncio.sleep(0.05)
        return False
