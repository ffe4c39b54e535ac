"""A board on the line: its inputs and relays by number, wherever its map has them."""

from typing import Final

from drivers.modbus_io.maps import BoardMap
from drivers.wire.modbus import Function, Master, RefusedError, Request, bits, registers

_FUNCTIONS: Final = {
    "coils": Function.READ_COILS,
    "discrete": Function.READ_INPUTS,
    "holding": Function.READ_HOLDING,
    "input": Function.READ_INPUT_REGISTERS,
}
_ILLEGAL_ADDRESS: Final = 2
_PER_REGISTER: Final = 16


class Board:
    """One board; inputs and relays count from 0.

    Every method raises ``DeviceError`` if the board does not answer, or refuses.
    """

    def __init__(self, master: Master, address: int, board_map: BoardMap) -> None:
        self._master = master
        self._address = address
        self._map = board_map

    async def inputs(self, count: int) -> list[bool]:
        """The levels of the first ``count`` inputs."""
        function, start = _FUNCTIONS[self._map.inputs_in], self._map.inputs_start
        if function in (Function.READ_COILS, Function.READ_INPUTS):
            return bits(await self._ask(function, start, count), count)
        words = registers(await self._ask(function, start, -(-count // _PER_REGISTER)))
        return [bool(words[i // _PER_REGISTER] >> i % _PER_REGISTER & 1) for i in range(count)]

    async def is_on(self, output: int) -> bool:
        """What the board says of ``output``."""
        function = _FUNCTIONS[self._map.relays_in]
        return any(await self._ask(function, self._map.relays_start + output, 1))

    async def switch(self, output: int, *, on: bool) -> None:
        """Switch ``output`` and end a pulse of it."""
        at = self._map.relays_start + output
        if self._map.cancel is not None:
            await self._write(at, self._map.cancel)
        await self._write(at, self._map.on if on else self._map.off)

    def times(self, milliseconds: int) -> bool:
        """Whether it ends a pulse of this length by itself, even if the gateway dies."""
        return self._map.pulse_units(milliseconds) is not None

    async def pulse(self, output: int, milliseconds: int) -> None:
        """Switch ``output`` on for at least this; only if it ``times`` that."""
        units = self._map.pulse_units(milliseconds) or 0
        await self._write((self._map.pulse_start or 0) + output, self._map.pulse_value + units)

    async def control_mode(self, channel: int) -> int:
        """What drives the relay ``channel``: 0 is we alone."""
        if self._map.modes_start is None:
            return 0
        # One by one: asked for more channels than it has, a board refuses them all.
        try:
            data = await self._ask(Function.READ_HOLDING, self._map.modes_start + channel, 1)
        except RefusedError as refusal:
            if refusal.code != _ILLEGAL_ADDRESS:
                raise
            return 0  # an input without a relay has no mode
        return registers(data)[0]

    async def _ask(self, function: Function, start: int, count: int) -> bytes:
        return await self._master.ask(Request(self._address, function, start, count))

    async def _write(self, at: int, value: int) -> None:
        coil = self._map.relays_in == "coils"
        function = Function.WRITE_COIL if coil else Function.WRITE_REGISTER
        await self._master.ask(Request(self._address, function, at, value))
