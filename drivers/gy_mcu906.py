"""GY-MCU90615 and GY-MCU90614: infrared thermometers with a serial line ("5A 5A 45").

Sends, 8N1, about ten times a second once told to; never acknowledges anything::

    5A 5A 45 04 TOh TOl TAh TAl SUM

    45       temperatures follow
    04       this many bytes follow, before the sum
    TO, TA   object and sensor (ambient), signed, big-endian, 1/100 °C
    SUM      low 8 bits of the sum of all bytes before it

Takes ``A5 cmd SUM``; 45 = send continuously. Whether it does so by itself after power-up, and
whether at 9600 or 115200 baud, differs by model: so the command goes out at each open, and both
speeds are tried. A frame of another type or length is counted and not interpreted: newer modules
are said to send ten bytes, of a layout nobody has documented.

What it measures is a surface, without any correction for the distance.

Source: sellers' data sheet of GY-MCU90615 (hxchipstech.com p-3406, as99shop.com product/363).
"""

import asyncio
import logging
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NoReturn

from pydantic import Field

from drivers import serialport
from drivers.base import (
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Emit,
    FilePath,
    Surface,
)
from drivers.base import Driver as BaseDriver
from drivers.measuring import MeasuringConfig, MeasuringRule, Sample

_log = logging.getLogger(__name__)

CONTINUOUS: Final = bytes.fromhex("A5 45 EA")
"""The command: from now on send by yourself."""

BAUDS: Final = (9600, 115200)
"""Factory settings: GY-MCU90614 and GY-MCU90615V2 first, GY-MCU90615 second."""

# Two 5A, not three: in a run of 5A a frame can only begin with the last two.
_HEADER: Final = re.compile(rb"\x5a\x5a[^\x5a].", re.DOTALL)
_HEADER_BYTES: Final = 4
_TEMPERATURES: Final = b"\x5a\x5a\x45\x04"
_FRAME: Final = struct.Struct(">4xhhB")


@dataclass(slots=True)
class Counters:
    """What the codec met besides good frames."""

    bad_checksum: int = 0
    """Frames whose sum was wrong."""
    resync: int = 0
    """Times it lost the frames and had to look for the next."""
    unknown: int = 0
    """Headers with another type or length."""


class Codec:
    """Finds the frames in a stream of bytes; keeps at most eight bytes from call to call.

    Each header found costs one sum over eight bytes, whatever the input, so the work is linear.
    """

    def __init__(self) -> None:
        self.counters = Counters()
        self._buffer = b""
        self._in_step = False

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""
        buffer = self._buffer + data
        samples: list[Sample] = []
        at = 0
        while header := _HEADER.search(buffer, at):
            at = self._skip(at, header.start())
            if header[0] != _TEMPERATURES:
                self.counters.unknown += 1
            elif at + _FRAME.size > len(buffer):
                break
            elif sample := _sample(buffer, at):
                samples.append(sample)
                self._in_step = True
                at += _FRAME.size
                continue
            else:
                self.counters.bad_checksum += 1
            at = self._skip(at, at + 1)
        else:
            at = self._skip(at, max(at, len(buffer) - (_HEADER_BYTES - 1)))
        self._buffer = buffer[at:]
        return samples

    def _skip(self, at: int, to: int) -> int:
        if to > at and self._in_step:
            self.counters.resync += 1
            self._in_step = False
        return to


def _sample(buffer: bytes, at: int) -> Sample | None:
    to, ta, total = _FRAME.unpack_from(buffer, at)
    if sum(buffer[at : at + _FRAME.size - 1]) & 0xFF != total:
        return None
    return Sample(celsius=to / 100, ambient_celsius=ta / 100)


class Config(DeviceConfig):
    """A GY-MCU90615 or GY-MCU90614 on a serial port."""

    driver: Literal["gy_mcu906"]
    port: FilePath
    """The serial port; best a stable name, as under /dev/serial/by-path."""
    baud: Literal[9600, 115200] | None = None
    """Bits per second; both are tried if it is not set."""
    correction_celsius: Annotated[float, Field(ge=-5, le=5)] | None = None
    """Added to what is reported, beside the raw value; not set: nothing is added."""
    silence_s: Annotated[float, Field(ge=0.5, le=60)] = 2.0
    """No good frame for this long: the device is lost. It sends one every 0.1 s."""
    measuring: MeasuringConfig = MeasuringConfig()
    """When a stream of samples becomes a measurement."""


class Driver(BaseDriver):
    """Listens to the module and reports who was measured."""

    def __init__(self, name: str, config: Config) -> None:
        self._name = name
        self._config = config

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        bauds = (self._config.baud,) if self._config.baud else BAUDS
        for baud in bauds:
            await self._listen(emit, baud)
        tried = " or ".join(str(baud) for baud in bauds)
        raise DeviceError(f"no thermometer is heard on {self._config.port} at {tried} baud")

    async def _listen(self, emit: Emit, baud: int) -> None:
        """Measure for as long as the module sends; return only if it was not heard at all."""
        async with serialport.opened(self._config.port, baud=baud) as port:
            await port.write(CONTINUOUS)
            codec = Codec()
            samples = await self._next_samples(port, codec)
            if not samples:
                return
            _log.info("%s: heard at %d baud", self._name, baud)
            await emit(DeviceObserved(DeviceState.ONLINE))
            rule = MeasuringRule(
                self._config.measuring,
                kind=Surface.SURFACE,
                correction=self._config.correction_celsius,
            )
            while samples:
                await _measure(rule, samples, emit)
                samples = await self._next_samples(port, codec)
        raise DeviceError(
            f"{port.name}: no good frame from the thermometer for {self._config.silence_s:g} s; "
            f"so far {codec.counters.bad_checksum} with a wrong sum, "
            f"{codec.counters.unknown} of an unknown kind"
        )

    async def _next_samples(self, port: serialport.SerialPort, codec: Codec) -> list[Sample]:
        """At least one sample, or none if the module stays silent."""
        samples: list[Sample] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.silence_s):
                while not samples:
                    samples = codec.feed(await port.read())
        return samples


async def _measure(rule: MeasuringRule, samples: list[Sample], emit: Emit) -> None:
    now = asyncio.get_running_loop().time()
    for sample in samples:
        if measurement := rule.feed(sample, now):
            await emit(measurement.reading, age_s=now - measurement.at_s)
