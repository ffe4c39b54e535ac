"""Modbus RTU, the master's side: frames as pure functions, and a thin client on a serial port.

A request of any function used here has eight bytes, an answer one of three shapes::

    request                addr  fn     start(2)  count-or-value(2)  crc(2)
    answer to 01 02 03 04  addr  fn     n  n data bytes              crc(2)
    answer to 05 06        the request, repeated
    refusal                addr  fn|80  code                         crc(2)

Numbers are big-endian, only the CRC has its low byte first. Frames are told apart by silence of
3.5 characters. Source: MODBUS over Serial Line V1.02, MODBUS Application Protocol V1.1b3.
"""

import asyncio
import math
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from drivers.base import DeviceError
from drivers.serialport import SerialPort

_REFUSED: Final = 0x80
_REFUSALS: Final = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
}
_LONGEST: Final = 256  # bytes of a frame
_MOST_BYTES: Final = 4 * _LONGEST  # read for one answer; a line that babbles ends there


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

    def find_answer(self, received: bytes) -> bytes | None:
        """The data of the first answer to this in ``received``; ``None`` if there is none yet.

        A write's answer has no data. What else is in there, noise or other devices' frames, is
        passed over: an answer must have the right address, function, length and checksum.

        Raises:
            RefusedError: the answer is a refusal.
        """
        head, count = self._expected()
        refused = bytes((self.address, self.function | _REFUSED))
        for at in range(len(received) - 4):
            start, end = at + len(head), at + len(head) + count
            if received.startswith(head, at) and _is_intact(received, at, end + 2):
                return received[start:end]
            if received.startswith(refused, at) and _is_intact(received, at, at + 5):
                raise RefusedError(self, received[at + 2])
        return None

    def _expected(self) -> tuple[bytes, int]:
        """How the answer begins, and how many data bytes follow before its checksum."""
        if self.function in _WRITES:
            return self.to_bytes()[:-2], 0
        count = (self.operand + 7) // 8 if self.function in _BITS else 2 * self.operand
        return bytes((self.address, self.function, count)), count


def _is_intact(received: bytes, start: int, end: int) -> bool:
    return end <= len(received) and _sealed(received[start : end - 2]) == received[start:end]


def bits(data: bytes, count: int) -> list[bool]:
    """Coils or inputs from an answer's data: the first is the lowest bit of the first byte."""
    return [bool(data[i // 8] >> i % 8 & 1) for i in range(count)]


def registers(data: bytes) -> list[int]:
    """Registers from an answer's data, unsigned."""
    return [value for (value,) in struct.iter_unpack(">H", data)]


class Master:
    """Asks one question at a time on a serial port.

    ``answer_s`` is how long an answer may take. ``attempts`` is how often a question is asked
    before its device counts as silent; writing an absolute value twice does no harm, a toggle
    must not go through here. ``echo`` is for adapters that hear themselves.
    """

    def __init__(
        self, port: SerialPort, *, baud: int, answer_s: float, attempts: int, echo: bool = False
    ) -> None:
        self._port = port
        self._answer_s = answer_s
        self._attempts = attempts
        self._echo = echo
        # 3.5 characters of 11 bits; fixed at 1.75 ms above 19200 baud.
        self._gap_s = max(3.5 * 11 / baud, 0.00175)
        self._quiet_since = -math.inf

    async def ask(self, request: Request) -> bytes:
        """The data of the answer.

        Raises:
            DeviceError: no answer came, or the port is gone.
            RefusedError: the device refuses.
        """
        for _ in range(self._attempts):
            try:
                async with asyncio.timeout(self._answer_s):
                    return await self._exchange(request)
            except TimeoutError:
                continue
        raise DeviceError(
            f"{self._port.name}: Modbus device {request.address} does not answer "
            f"({self._attempts} times asked, {self._answer_s:g} s each)"
        )

    async def read_inputs(self, address: int, start: int, count: int) -> list[bool]:
        """``count`` discrete inputs from ``start``."""
        data = await self.ask(Request(address, Function.READ_INPUTS, start, count))
        return bits(data, count)

    async def read_holding(self, address: int, start: int, count: int) -> list[int]:
        """``count`` holding registers from ``start``, unsigned."""
        return registers(await self.ask(Request(address, Function.READ_HOLDING, start, count)))

    async def _exchange(self, request: Request) -> bytes:
        # A timer for nothing, ten times a second, was a quarter of all wake-ups of a box at rest.
        if (rest_s := self._quiet_since + self._gap_s - _now()) > 0:
            await asyncio.sleep(rest_s)
        try:
            return await self._ask_once(request)
        finally:
            self._quiet_since = _now()

    async def _ask_once(self, request: Request) -> bytes:
        self._port.discard_input()  # an answer that came too late is no answer to this
        frame = request.to_bytes()
        await self._port.write(frame)
        received = b""
        while len(received) < _MOST_BYTES:
            received += await self._port.read()
            # The answer to a write looks like the echo of its request.
            heard = received.partition(frame)[2] if self._echo else received
            if (answer := request.find_answer(heard)) is not None:
                return answer
        raise TimeoutError


def _now() -> float:
    return asyncio.get_running_loop().time()
