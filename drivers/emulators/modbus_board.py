"""Modbus boards with inputs and relays on a cable; pymodbus's server is their firmware.

What is standard is pymodbus's: inputs, coils, registers, refusals. Before it stands what the makers
added, from their documents: Waveshare's flash-on, and Eletechsup's relays as registers, which are
written in another encoding than they are read.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pymodbus.framer import FramerRTU
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.transport import ModbusProtocol

from drivers.emulators.cable import Cable
from drivers.emulators.party import PartyLine, Tap, connected

_READ_COILS, _READ_INPUTS, _WRITE_COIL, _WRITE_REGISTER = 1, 2, 5, 6
_CONTROL_MODES = 0x1000
_FIRMWARE_VERSION = 0x8000
_INPUT_BITMAP = 0x00C0
_FLASH_ON = 0x0200
_FLASH_UNIT_S = 0.1

Dialect = Literal["waveshare", "eletechsup"]


class CableTransport(asyncio.WriteTransport):
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
    modes, empty for a board that has none. ``asked`` counts its questions, ``written`` keeps what
    was written to it. To be constructed where a loop runs: pymodbus wants it so.
    """

    def __init__(
        self,
        link: Path | PartyLine,
        *,
        address: int = 1,
        inputs: int = 8,
        modes: Sequence[int] = (0,) * 8,
        dialect: Dialect = "waveshare",
    ) -> None:
        self.asked = 0
        self.written: list[tuple[int, int]] = []
        self._address = address
        self._cable = connected(link, self._received)
        self._dialect = dialect
        self._server = ModbusSerialServer(_registers(address, inputs, modes))
        self._session: ModbusProtocol | None = None
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._work: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self.replug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()
        for timer in self._timers.values():
            timer.cancel()
        if self._work:
            await asyncio.wait(self._work)

    async def set_input(self, channel: int, *, active: bool) -> None:
        """Close or open the contact wired to input ``channel``, counted from 0."""
        if self._dialect == "waveshare":
            await self._server.async_setValues(self._address, _READ_INPUTS, channel, [active])
            return
        bits = int((await self._read(3, _INPUT_BITMAP))[0])
        bits = bits & ~(1 << channel) | active << channel
        await self._server.async_setValues(self._address, _WRITE_REGISTER, _INPUT_BITMAP, [bits])

    async def is_on(self, at: int) -> bool:
        """Whether the relay at this address is energised."""
        function = _READ_COILS if self._dialect == "waveshare" else 3
        return bool((await self._read(function, at))[0])

    def unplug(self) -> None:
        """Pull the cable; the inputs keep their levels, and the relays' timers run on."""
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

    async def _read(self, function: int, at: int) -> list[Any]:
        return list(await self._server.async_getValues(self._address, function, at, 1))

    def _received(self, data: bytes) -> None:
        # A request comes whole, in one piece. On the line everybody hears it and only the one
        # it is for answers; pymodbus would refuse what is for another.
        if self._session is None or data[0] != self._address:
            return
        self.asked += 1
        at, value = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
        if data[1] in (_WRITE_COIL, _WRITE_REGISTER):
            self.written.append((at, value))
        if _is_extension(self._dialect, data[1], at):
            crc = FramerRTU.compute_CRC(data[:-2])
            if data[-2:] == crc.to_bytes(2, "big"):
                self._obey(at, value)
                self._cable.send(data)
        else:
            self._session.data_received(data)

    def _obey(self, at: int, value: int) -> None:
        if self._dialect == "waveshare":
            self._pulse(at - _FLASH_ON, value * _FLASH_UNIT_S)
        elif value >> 8 == 0x06:
            self._pulse(at, value & 0xFF)
        elif value in (0x0100, 0x0200) and at not in self._timers:  # neither ends a delay
            self._set(at, on=value == 0x0100)

    def _pulse(self, at: int, seconds: float) -> None:
        if at in self._timers:
            self._timers.pop(at).cancel()
        self._set(at, on=seconds > 0)
        if seconds > 0:
            self._timers[at] = asyncio.get_running_loop().call_later(seconds, self._pulse, at, 0)

    def _set(self, at: int, *, on: bool) -> None:
        function = _WRITE_COIL if self._dialect == "waveshare" else _WRITE_REGISTER
        value = on if self._dialect == "waveshare" else int(on)
        setting = self._server.async_setValues(self._address, function, at, [value])
        task = asyncio.get_running_loop().create_task(setting)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _is_extension(dialect: Dialect, function: int, at: int) -> bool:
    if dialect == "waveshare":
        return function == _WRITE_COIL and at & 0xFF00 == _FLASH_ON
    return function == _WRITE_REGISTER and at < _INPUT_BITMAP


def _registers(address: int, inputs: int, modes: Sequence[int]) -> SimDevice:
    levels = SimData(0, values=[False] * inputs, datatype=DataType.BITS)
    relays = SimData(0, values=[False] * max(inputs, 8), datatype=DataType.BITS)
    holding = [
        SimData(0, values=[0] * 17, datatype=DataType.REGISTERS),
        SimData(_INPUT_BITMAP, values=0, datatype=DataType.REGISTERS),
        SimData(_FIRMWARE_VERSION, values=200, datatype=DataType.REGISTERS),
    ]
    if modes:
        holding.append(SimData(_CONTROL_MODES, values=list(modes), datatype=DataType.REGISTERS))
    none = SimData(0, datatype=DataType.REGISTERS)
    return SimDevice(address, simdata=([relays], [levels], holding, [none]))
