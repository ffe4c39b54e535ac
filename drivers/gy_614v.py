"""GY-614V: an infrared thermometer with a serial line and registers ("A4 03").

8N1. The gateway reads with function 03 and writes with 06; SUM is the low 8 bits of the sum of all
bytes before it. Numbers are big-endian::

    A4 03 first count SUM                      read registers
    A4 03 first count value… SUM               the answer
    A4 06 register value SUM                   write one

    03    0 sends by itself, 1 only when asked
    06    offset of the object in 0.1 °C, 100 for none
    07    emissivity in percent
    08    TO, the object, two bytes, 1/100 °C, signed
    0A    TA, the sensor (ambient)
    0C    BO, the body converted from the forehead by a formula that the maker keeps to itself

Only the registers 06, and 07 to 0D together, are read; any other answer is counted and not
interpreted. A non-zero offset falsifies every reading where nobody can see it: such a module is
refused. What this driver writes is not stored in the module (that would be 55 to register 05).

In random bytes a false frame is found once in 2^40 places (4 bytes of header, 1 of sum).

Source: sellers' register tables (szlitus.com show-4084, allnewsemi.com show-228082).
"""

import asyncio
import re
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, Final, Literal

from pydantic import Field

from drivers.base import DeviceError, Surface
from drivers.counters import Counters
from drivers.thermometry import Period, PortThermometer, ThermometerConfig
from drivers.thermometry.conversing import Asked, Sensor
from drivers.thermometry.sampling import Sample
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8
from drivers.wire.serialport import SerialPort

BAUDS: Final = (9600, 115200)
"""The factory's setting, and the one that the sellers' example sets."""

NO_OFFSET: Final = 100
"""What register 06 must hold."""

_MODE: Final = 0x03
_ASKED: Final = 1
_OFFSET: Final = (0x06, 1)
_EMISSIVITY: Final = 0x07
_TEMPERATURES: Final = (0x07, 7)
_VALUES: Final = struct.Struct(">4xBhhhx")

_ANSWER_S: Final = 0.25  # 10 ms at 9600 baud are stated


def read(address: int, first: int, count: int) -> bytes:
    """The question for ``count`` registers."""
    return _summed(address, 0x03, first, count)


def write(address: int, register: int, value: int) -> bytes:
    """The command that sets one register."""
    return _summed(address, 0x06, register, value)


def _summed(*body: int) -> bytes:
    return bytes((*body, sum(body) & 0xFF))


def _layout(address: int) -> Layout:
    known = {bytes((address, 3, first, count)): count + 5 for first, count in _READABLE}
    return Layout(
        header=re.compile(re.escape(bytes((address, 3))) + rb"..", re.DOTALL),
        header_bytes=4,
        size=lambda header: known.get(header, 0),
        intact=ends_with_sum8,
    )


_READABLE: Final = (_OFFSET, _TEMPERATURES)


class Codec:
    """Finds the module's answers in a stream of bytes; keeps at most eleven of them.

    ``offset`` and ``emissivity`` are what the registers 06 and 07 were last told to hold.
    """

    def __init__(self, counters: Counters, *, address: int = 0xA4) -> None:
        self.offset: int | None = None
        self.emissivity: int | None = None
        self._finder = FrameFinder(_layout(address), counters)

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""
        samples = []
        for frame in self._finder.feed(data):
            if frame[2] == _OFFSET[0]:
                self.offset = frame[4]
            else:
                self.emissivity, to, ta, bo = _VALUES.unpack(frame)
                samples.append(Sample(to / 100, ta / 100, body_celsius=bo / 100))
        return samples


class Config(ThermometerConfig):
    """A GY-614V on a serial port."""

    driver: Literal["gy_614v"]
    baud: Literal[2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400] | None = None
    """Bits per second; 9600 and 115200 are tried if it is not set."""
    address: Annotated[int, Field(ge=0, le=255)] = 0xA4
    """The module's address."""
    value: Literal["surface", "body"] = "surface"
    """What is reported: the skin as measured, or what the module makes of it for a body."""
    emissivity_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    """Set at each start, and checked; not set: what is stored in the module. Skin has 95 to 98."""
    period_ms: Period = 100
    """How often it is asked, in milliseconds."""

    @property
    def samples_per_s(self) -> float:
        """See :attr:`drivers.thermometry.ThermometerConfig.samples_per_s`."""
        return 1000 / self.period_ms


class Driver(PortThermometer[Config]):
    """Asks the module and reports who was measured."""

    def bauds(self) -> Sequence[int]:
        """See :meth:`drivers.thermometry.PortThermometer.bauds`."""
        return (self.config.baud,) if self.config.baud else BAUDS

    def kind(self) -> Surface:
        """See :meth:`drivers.thermometry.Thermometer.kind`."""
        return Surface(self.config.value)

    def sensor(self, port: SerialPort) -> Sensor:
        """See :meth:`drivers.thermometry.PortThermometer.sensor`."""
        return _Module(port, self.config, self.counters)


class _Module:
    """The module behind an open port; a :class:`Sensor`."""

    def __init__(self, port: SerialPort, config: Config, counters: Counters) -> None:
        self._port = port
        self._config = config
        self._codec = Codec(counters, address=config.address)
        self._asked = Asked(
            port,
            self._codec,
            read(config.address, *_TEMPERATURES),
            counters,
            period_s=config.period_ms / 1000,
            answer_s=_ANSWER_S,
        )

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        config, codec = self._config, self._codec
        await self._port.write(write(config.address, _MODE, _ASKED))
        offset = await self._told(read(config.address, *_OFFSET), lambda: codec.offset)
        if offset != NO_OFFSET:
            raise DeviceError(
                f"{config.port}: the thermometer adds {(offset - NO_OFFSET) / 10:+.1f} °C to what"
                f" it measures (register 06 holds {offset}); set it to {NO_OFFSET}, and use"
                f" correction_celsius, which is recorded with every reading"
            )
        if config.emissivity_percent is not None:
            await self._port.write(write(config.address, _EMISSIVITY, config.emissivity_percent))

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        samples = await self._asked.samples()
        wanted, told = self._config.emissivity_percent, self._codec.emissivity
        if wanted is not None and told != wanted:
            raise DeviceError(
                f"{self._config.port}: the thermometer has an emissivity of {told} %, not the"
                f" {wanted} % of emissivity_percent: it was reset, or does not take it"
            )
        return samples

    async def _told(self, question: bytes, answer: Callable[[], int | None]) -> int:
        """Ask until it is told; whoever waits for that sets an end to it."""
        while (value := answer()) is None:
            await self._port.write(question)
            with suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    while answer() is None:
                        self._codec.feed(await self._port.read())
        return value
