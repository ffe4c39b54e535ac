"""Modbus RTU, the master's side: frames as pure functions, and a thin client on a serial port.

A request of any function used here has eight bytes, an answer one of three shapes::

    request                addr  fn     start(2)  count-or-value(2)  crc(2)
    answer to 01 02 03 04  addr  fn     n  n data bytes              crc(2)
    answer to 05 06        the request, repeated
    refusal                addr  fn|80  code                         crc(2)

Numbers are big-endian, only the CRC has its low byte first. Frames are told apart by silence of
3.5 characters. Source: MODBUS over Serial Line V1.02, MODBUS Application Protocol V1.1b3.
"""

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from drivers.base import DeviceError
from drivers.counters import Counters
from drivers.wire.bus import Line

_REFUSED: Final = 0x80
_REFUSALS: Final = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
}


class Function(IntEnum):
    """Function codes."""

    READ_COILS = 1
    READ_INPUTS = 2
    READ_HOLDING = 3
    READ_INPUT_REGISTERS = 4
    WRITE_COIL = 5
    WRITE_REGISTER = 6


_BITS: Final = (Function.READ_COILS, Function.READ_INPUTS)
_WRITES: Final = (Function.WRITE_COIL, Function.WRITE_REGISTER)


class RefusedError(DeviceError):
    """The device understood and refused; ``code`` is Modbus's exception code."""

    def __init__(self, request: "Request", code: int) -> None:
        self.code = code
        why = _REFUSALS.get(code, "unknown")
        super().__init__(
            f"Modbus device {request.address} refuses function {request.function} at "
            f"0x{request.start:04X}: exception {code} ({why})"
        )


def _crc16_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC16: Final = [_crc16_of(byte) for byte in range(256)]


def crc16(data: bytes) -> int:
    """Modbus's checksum: polynomial 0xA001 (reflected), start value 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC16[(crc ^ byte) & 0xFF]
    return crc


def _sealed(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Request:
    """One question. ``operand`` is how many to read, or the value to write (0 to 65535)."""

    address: int
    function: Function
    start: int
    operand: int

    def to_bytes(self) -> bytes:
        """The frame to send."""
        return _sealed(struct.pack(">BBHH", self.address, self.function, self.start, self.operand))

    def answer(self) -> tuple[bytes, int]:
        """How the answer begins, and how many data bytes follow before its checksum."""
        if self.function in _WRITES:
            return self.to_bytes()[:-2], 0
        count = (self.operand + 7) // 8 if self.function in _BITS else 2 * self.operand
        return bytes((self.address, self.function, count)), count


@lru_cache(maxsize=64)  # a poll asks the same again and again
def _either(one: bytes, other: bytes) -> re.Pattern[bytes]:
    return re.compile(re.escape(one) + b"|" + re.escape(other))


class Finder:
    """Finds the answer to one request in a stream of bytes.

    What else is in there, noise or other devices' frames, is passed over: an answer must have the
    right address, function, length and checksum. Keeps less than a frame from call to call.
    """

    def __init__(self, request: Request) -> None:
        self.damaged = False
        """Something came that had all of an answer but the checksum."""
        self._request = request
        self._head, self._count = request.answer()
        refused = bytes((request.address, request.function | _REFUSED))
        self._begins = _either(self._head, refused)
        self._buffer = b""

    def feed(self, data: bytes) -> bytes | None:
        """The answer's data once it is there, ``None`` until then. A write's answer has no data.

        Raises:
            RefusedError: the answer is a refusal.
        """
        buffer = self._buffer + data
        keep = at = 0
        incomplete = False
        while begin := self._begins.search(buffer, at):
            start, at = begin.start(), begin.start() + 1
            refused = begin[0] != self._head
            end = start + (5 if refused else len(self._head) + self._count + 2)
            if end > len(buffer):
                # What looks like a beginning may be noise before the answer: look on.
                keep, incomplete = (keep if incomplete else start), True
            elif crc16(buffer[start : end - 2]) != int.from_bytes(buffer[end - 2 : end], "little"):
                self.damaged = True
            elif refused:
                raise RefusedError(self._request, buffer[start + 2])
            else:
                return buffer[start + len(self._head) : end - 2]
        self._buffer = buffer[keep if incomplete else max(at, len(buffer) - len(self._head)) :]
        return None


def bits(data: bytes, count: int) -> list[bool]:
    """Coils or inputs from an answer's data: the first is the lowest bit of the first byte."""
    return [bool(data[i // 8] >> i % 8 & 1) for i in range(count)]


def registers(data: bytes) -> list[int]:
    """Registers from an answer's data, unsigned."""
    return [value for (value,) in struct.iter_unpack(">H", data)]


class Master:
    """Asks the devices on a line.

    ``answer_s`` is how long an answer may take. ``attempts`` is how often a question is asked
    before its device counts as silent; writing an absolute value twice does no harm, a toggle
    must not go through here. ``counters`` are of the device that is asked.
    """

    def __init__(
        self, line: Line, *, answer_s: float, attempts: int, counters: Counters | None = None
    ) -> None:
        self._line = line
        self._answer_s = answer_s
        self._attempts = attempts
        self._counters = counters or Counters()

    async def ask(self, request: Request) -> bytes:
        """The data of the answer.

        Raises:
            DeviceError: no answer came, or the port is gone.
            RefusedError: the device refuses.
        """
        question = request.to_bytes()
        for _ in range(self._attempts):
            finder = Finder(request)
            try:
                return await self._line.exchange(question, finder.feed, answer_s=self._answer_s)
            except TimeoutError:
                self._count(finder)
        raise DeviceError(
            f"{self._line.name}: Modbus device {request.address} does not answer "
            f"({self._attempts} times asked, {self._answer_s:g} s each)"
        )

    async def read_inputs(self, address: int, start: int, count: int) -> list[bool]:
        """``count`` discrete inputs from ``start``."""
        return bits(await self.ask(Request(address, Function.READ_INPUTS, start, count)), count)

    async def read_holding(self, address: int, start: int, count: int) -> list[int]:
        """``count`` holding registers from ``start``, unsigned."""
        return registers(await self.ask(Request(address, Function.READ_HOLDING, start, count)))

    def _count(self, finder: Finder) -> None:
        if finder.damaged:
            self._counters.bad_checksum += 1
        else:
            self._counters.timeout += 1
