"""A Calex PyroUSB or Omega OS-MINIUSB on a cable; pymodbus's server is its firmware."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.transport import ModbusProtocol

from drivers.emulators.modbus_board import CableTransport
from drivers.emulators.party import PartyLine, connected

CALEX: Mapping[str, int] = {
    "type": 0x00,
    "hold": 0x0C,
    "object": 0x13,
    "ambient": 0x14,
    "status": 0x15,
}
OMEGA: Mapping[str, int] = {
    "type": 0x00,
    "hold": 0x08,
    "object": 0x0F,
    "ambient": 0x10,
    "status": 0x11,
}

_READ_INPUT_REGISTERS = 4
_REGISTERS = 32


class ModbusThermometer:
    """The sensor; use it as an asynchronous context manager, plugged in from the start.

    It has a cable of its own, or hangs on a line with others.
    ``registers`` are where what stands, CALEX or OMEGA or others below 32. To be constructed where
    a loop runs: pymodbus wants it so.
    """

    def __init__(
        self,
        link: Path | PartyLine,
        registers: Mapping[str, int] = CALEX,
        *,
        address: int = 1,
        kind: int = 21,
        hold: int = 0,
    ) -> None:
        self._address = address
        self._registers = registers
        self._cable = connected(link, self._received)
        self._server = ModbusSerialServer(_device(address, registers, kind, hold))
        self._session: ModbusProtocol | None = None

    async def __aenter__(self) -> Self:
        self.replug()
        await self.show(object=22.6, ambient=22.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    async def show(self, **celsius: float) -> None:
        """Let the named temperatures be these."""
        for name, value in celsius.items():
            await self.put(name, round(value * 10) & 0xFFFF)

    async def person(self, celsius: float, *, stays_s: float = 3.0) -> None:
        """Somebody with this skin temperature stands before it for a while."""
        await self.show(object=celsius)
        await asyncio.sleep(stays_s)
        await self.show(object=22.6)

    async def put(self, name: str, *words: int) -> None:
        """Put ``words`` into the named register and those behind it."""
        first = self._registers[name]
        await self._server.async_setValues(self._address, _READ_INPUT_REGISTERS, first, list(words))

    def unplug(self) -> None:
        """Pull the cable; the registers keep their values."""
        self._cable.unplug()
        if self._session:
            self._session.connection_lost(None)
            self._session = None

    def replug(self) -> None:
        """Plug it in again."""
        if self._session is None:
            self._session = self._server.handle_new_connection()
            self._session.connection_made(CableTransport(self._cable))
        self._cable.plug()

    def _received(self, data: bytes) -> None:
        # A request comes whole, in one piece.
        if self._session and data[0] == self._address:
            self._session.data_received(data)


def _device(address: int, registers: Mapping[str, int], kind: int, hold: int) -> SimDevice:
    values = [0] * _REGISTERS
    for name, value in (("type", kind), ("hold", hold)):
        if name in registers:
            values[registers[name]] = value
    inputs = SimData(0, values=values, datatype=DataType.REGISTERS)
    none = SimData(0, datatype=DataType.REGISTERS)
    bits = SimData(0, values=[False] * 8, datatype=DataType.BITS)
    return SimDevice(address, simdata=([bits], [bits], [none], [inputs]))
