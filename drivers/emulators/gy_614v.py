"""A GY-614V on a cable; written from the sellers' register table.

Registers are bytes: 00 address, 01 speed, 02 rate, 03 mode (0 sends, 1 is asked), 06 offset, 07
emissivity, 08 to 0D the temperatures. What is written to them is forgotten without power.
"""

from pathlib import Path

from drivers.emulators.instrument import Talkative

_RATES_HZ = (1, 2, 5, 10)
_BODY_ABOVE_SKIN = 3.3
"""The maker does not tell its formula; this one is made up."""


class Gy614V(Talkative):
    """The module; ``offset`` is what somebody has stored in register 06, 100 for nothing."""

    def __init__(
        self,
        link: Path,
        *,
        address: int = 0xA4,
        baud: int = 9600,
        offset: int = 100,
        rate_hz: float = 10.0,
    ) -> None:
        super().__init__(link, baud=baud, rate_hz=rate_hz)
        self._stored = bytes((address, 2, 3, 0, 0, 0, offset, 95)) + bytes(8)
        self.registers = bytearray(self._stored)
        self._pending = b""
        self._ticks = 0

    def power_up(self) -> None:
        """See :meth:`Instrument.power_up`."""
        self.registers[:] = self._stored
        self._pending = b""

    def tick(self) -> None:
        """See :meth:`Talkative.tick`."""
        self._ticks += 1
        every = _RATES_HZ[-1] // _RATES_HZ[self.registers[2] & 3]
        if self.registers[3] == 0 and self._ticks % every == 0:
            self._send_registers(7, 7)

    def received(self, data: bytes) -> None:
        """See :meth:`Instrument.received`."""
        self._pending += data
        while len(self._pending) >= 5:
            request, self._pending = self._pending[:5], self._pending[5:]
            address, function, register, operand, check = request
            if address != self.registers[0] or sum(request[:4]) % 256 != check:
                self._pending = request[1:] + self._pending
            elif function == 3:
                self._send_registers(register, operand)
            elif function == 6 and register in (2, 3, 6, 7):
                self.registers[register] = operand

    def _send_registers(self, first: int, count: int) -> None:
        seen = self.seen_celsius()
        for place, celsius in enumerate((seen, self.ambient_celsius, seen + _BODY_ABOVE_SKIN)):
            value = round(celsius * 100).to_bytes(2, "big", signed=True)
            self.registers[8 + 2 * place : 10 + 2 * place] = value
        frame = bytes((self.registers[0], 3, first, count)) + self.registers[first : first + count]
        self.send(frame + bytes((sum(frame) % 256,)))
