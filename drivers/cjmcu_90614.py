"""CJMCU-90614: an infrared thermometer with a serial line ("66 66").

Sends, 8N1, at 9600, 57600 or 115200 baud (the factory's setting)::

    66 66 mode 04 D1h D1l D2h D2l CHK

    mode     01 sends by itself, 02 was asked
    D1, D2   object and sensor, signed, big-endian, 1/100 °C
    CHK      low 8 bits of a sum

Takes ``66 66 cmd 56``: 01 send by yourself; 11, 12 and 13 set the speed and are never sent.

Two things are not documented. Which bytes CHK covers: in the one published frame it is D1 and D2
alone; a sum over the whole frame is accepted, too, and which of the two is seen is logged. And
which of D1 and D2 is the object: the sellers write "data 1" and "data 2". D1 is taken for it
unless the stanza says otherwise; warm the sensor with a hand to see which it is.

In random bytes a false frame is found once in 2^38 places (3 bytes of header and one of two modes,
one of two sums).

Source: sellers' page (newegg.ca 3D0-0039-001C4), one frame in published code.
"""

import logging
import re
import struct
from collections.abc import Sequence
from typing import Final, Literal

from drivers.counters import Counters
from drivers.thermometry import PortThermometer, ThermometerConfig
from drivers.thermometry.conversing import Sensor, Talker
from drivers.thermometry.sampling import Sample
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8
from drivers.wire.serialport import SerialPort

_log = logging.getLogger(__name__)

CONTINUOUS: Final = bytes.fromhex("66 66 01 56")
"""The command: from now on send by yourself."""

BAUDS: Final = (115200, 9600, 57600)
"""The factory's setting first."""

_FRAME: Final = struct.Struct(">4xhhB")


def _sums_data(buffer: bytes, start: int, end: int) -> bool:
    return ends_with_sum8(buffer, start + 4, end)


def _sums_either(buffer: bytes, start: int, end: int) -> bool:
    return _sums_data(buffer, start, end) or ends_with_sum8(buffer, start, end)


_LAYOUT: Final = Layout(
    header=re.compile(rb"\x66\x66[\x01\x02]\x04"),
    header_bytes=4,
    size=lambda header: _FRAME.size,
    intact=_sums_either,
)


class Codec:
    """Finds the frames in a stream of bytes; keeps at most eight bytes from call to call.

    ``object_value`` is which value is the object, 1 or 2. ``sums`` is what the check bytes have
    been found to cover: ``data``, ``frame``.
    """

    def __init__(self, counters: Counters, *, object_value: int = 1) -> None:
        self.sums: set[str] = set()
        self._object_first = object_value == 1
        self._finder = FrameFinder(_LAYOUT, counters)

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""
        return [self._sample(frame) for frame in self._finder.feed(data)]

    def _sample(self, frame: bytes) -> Sample:
        self.sums.add("data" if _sums_data(frame, 0, len(frame)) else "frame")
        first, second, _ = _FRAME.unpack(frame)
        to, ta = (first, second) if self._object_first else (second, first)
        return Sample(celsius=to / 100, ambient_celsius=ta / 100)


class Config(ThermometerConfig):
    """A CJMCU-90614 on a serial port."""

    driver: Literal["cjmcu_90614"]
    baud: Literal[9600, 57600, 115200] | None = None
    """Bits per second; all three are tried if it is not set."""
    object_value: Literal[1, 2] = 1
    """Which of the two values it sends is the object; the other is the sensor's own."""


class Driver(PortThermometer[Config]):
    """Listens to the module and reports who was measured."""

    def bauds(self) -> Sequence[int]:
        """See :meth:`drivers.thermometry.PortThermometer.bauds`."""
        return (self.config.baud,) if self.config.baud else BAUDS

    def sensor(self, port: SerialPort) -> Sensor:
        """See :meth:`drivers.thermometry.PortThermometer.sensor`."""
        codec = Codec(self.counters, object_value=self.config.object_value)
        return _Module(self.name, Talker(port, codec, [CONTINUOUS]), codec)


class _Module:
    """The module behind an open port; a :class:`Sensor` that tells what its sums cover."""

    def __init__(self, name: str, talker: Talker, codec: Codec) -> None:
        self._name = name
        self._talker = talker
        self._codec = codec
        self._told: set[str] = set()

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        await self._talker.start()

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        samples = await self._talker.samples()
        for sums in sorted(self._codec.sums - self._told):
            _log.info("%s: its check byte is the sum of the %s", self._name, sums)
            self._told.add(sums)
        return samples
