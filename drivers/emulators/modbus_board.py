"""A Waveshare board with inputs on a cable; pymodbus's server is its firmware."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.transport import ModbusProtocol

from drivers.emulators.cable import Cable
from drivers.emulators.party import PartyLine, Tap

_READ_INPUTS = 2
_CONTROL_MODES = 0x1000
_FIRMWARE_VERSION = 0x8000


class _CableTransport(asyncio.WriteTransport):
    """What the server writes to; it is closed by unplugging the cable, not from here."""

    def __init__(self, cable: Cable | Tap) -> None:
        super().__init__()
        self._cable = cable

    def write(self, data: Any) -> None:
        self._cable.send(bytes(data))

    def close(self) -> None:
        pass


class ModbusBoard:
    """The board; use it as an asynchronous context manager, plugged in from the start.

    It has a cable of its own, or hangs on a line with others. ``modes`` are the channels' control
    modes, empty for a board that has none. ``asked`` counts its questions. To be constructed where
    a loop runs: pymodbus wants it so.
    """

    def __init__(
        self,
        link: Path | PartyLine,
        *,
        address: int = 1,
        inputs: int = 8,
        modes: Sequence[int] = (0,) * 8,
    ) -> None:
        self.asked = 0
        self._address = address
        self._cable = (
            link.tap(self._received) if isinstance(link, PartyLine) else Cable(link, self._received)
        )
        self._server = ModbusSerialServer(_registers(address, inputs, modes))
        self._session: ModbusProtocol | None = None

    async def __aenter__(self) -> Self:
        self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    async def set_input(self, channel: int, *, active: bool) -> None:
        """Close or open the contact wired to input ``channel``, counted from 0."""
        await self._server.async_setValues(self._address, _READ_INPUTS, channel, [active])

    def unplug(self) -> None:
        """Pull the cable; the inputs keep their levels."""
        self._cable.unplug()
        if self._session:
            self._session.connection_lost(None)
            self._session = None

    def replug(self) -> None:
        """Plug it in again."""
        if self._session is None:
            self._session = self._server.handle_new_connection()
            self._session.connection_made(_CableTransport(self._cable))
        self._cable.plug()

    def _received(self, data: bytes) -> None:
        # A request comes whole, in one piece. On the line everybody hears it and only the one
        # it is for answers; pymodbus would refuse what is for another.
        if self._session and data[0] == self._address:
            self.asked += 1
            self._session.data_received(data)


def _registers(address: int, inputs: int, modes: Sequence[int]) -> SimDevice:
    levels = SimData(0, values=[False] * inputs, datatype=DataType.BITS)
    relays = SimData(0, values=[False] * inputs, datatype=DataType.BITS)
    holding = [SimData(_FIRMWARE_VERSION, values=200, datatype=DataType.REGISTERS)]
    if modes:
        holding.append(SimData(_CONTROL_MODES, values=list(modes), datatype=DataType.REGISTERS))
    none = SimData(0, datatype=DataType.REGISTERS)
    return SimDevice(address, simdata=([relays], [levels], holding, [none]))
