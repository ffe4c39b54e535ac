"""GY-MCU90615 and GY-MCU90614: infrared thermometers with a serial line ("5A 5A 45").

Sends, 8N1, about ten times a second once told to, or once for each question::

    5A 5A 45 04 TOh TOl TAh TAl SUM

    45       temperatures follow
    04       this many bytes follow, before the sum
    TO, TA   object and sensor (ambient), signed, big-endian, 1/100 °C
    SUM      low 8 bits of the sum of all bytes before it

Takes ``A5 cmd SUM`` and never acknowledges anything::

    45       send continuously         15       send once
    AE, AF   9600, 115200 baud         51, 52   at power-up send by itself, send nothing

The last four are stored and count from the next power-up; this driver never sends them. Whether
it sends by itself after power-up, and whether at 9600 or 115200 baud, differs by model: so the
mode is set at each open, and both speeds are tried. A frame of another type or length is counted
and not interpreted: newer modules are said to send ten bytes, of a layout nobody has documented.

In random bytes a false frame is found once in 2^40 places (4 bytes of header, 1 of sum): at 115200
baud without a pause once in three years.

What it measures is a surface, without any correction for the distance.

Source: sellers' data sheet of GY-MCU90615 (hxchipstech.com p-3406, as99shop.com product/363).
"""

import re
import struct
from collections.abc import Sequence
from typing import Final, Literal

from drivers.counters import Counters
from drivers.thermometry import Period, PortThermometer, ThermometerConfig
from drivers.thermometry.conversing import Asked, Sensor, Talker
from drivers.thermometry.measuring import FASTEST_PER_S
from drivers.thermometry.sampling import Sample
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8
from drivers.wire.serialport import SerialPort

CONTINUOUS: Final = bytes.fromhex("A5 45 EA")
"""The command: from now on send by yourself."""

ONCE: Final = bytes.fromhex("A5 15 BA")
"""The command: send one frame, and none by yourself."""

BAUDS: Final = (9600, 115200)
"""Factory settings: GY-MCU90614 and GY-MCU90615V2 first, GY-MCU90615 second."""

_ANSWER_S: Final = 0.25  # a frame takes 9 ms at 9600 baud, a measurement less than 100

_TEMPERATURES: Final = b"\x5a\x5a\x45\x04"
_FRAME: Final = struct.Struct(">4xhhB")

_LAYOUT: Final = Layout(
    # Two 5A, not three: in a run of 5A a frame can only begin with the last two.
    header=re.compile(rb"\x5a\x5a[^\x5a].", re.DOTALL),
    header_bytes=4,
    size=lambda header: _FRAME.size if header == _TEMPERATURES else 0,
    intact=ends_with_sum8,
)


class Codec:
    """Finds the frames in a stream of bytes; keeps at most eight bytes from call to call."""

    def __init__(self, counters: Counters) -> None:
        self._finder = FrameFinder(_LAYOUT, counters)

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""
        return [_sample(frame) for frame in self._finder.feed(data)]


def _sample(frame: bytes) -> Sample:
    to, ta, _ = _FRAME.unpack(frame)
    return Sample(celsius=to / 100, ambient_celsius=ta / 100)


class Config(ThermometerConfig):
    """A GY-MCU90615 or GY-MCU90614 on a serial port."""

    driver: Literal["gy_mcu906"]
    baud: Literal[9600, 115200] | None = None
    """Bits per second; both are tried if it is not set."""
    mode: Literal["continuous", "query"] = "continuous"
    """`continuous`: it sends by itself, ten times a second. `query`: it is asked."""
    period_ms: Period = 100
    """With `query`: how often, in milliseconds."""

    @property
    def samples_per_s(self) -> float:
        """See :attr:`drivers.thermometry.ThermometerConfig.samples_per_s`."""
        return FASTEST_PER_S if self.mode == "continuous" else 1000 / self.period_ms


class Driver(PortThermometer[Config]):
    """Listens to the module, or asks it, and reports who was measured."""

    def bauds(self) -> Sequence[int]:
        """See :meth:`drivers.thermometry.PortThermometer.bauds`."""
        return (self.config.baud,) if self.config.baud else BAUDS

    def sensor(self, port: SerialPort) -> Sensor:
        """See :meth:`drivers.thermometry.PortThermometer.sensor`."""
        codec = Codec(self.counters)
        if self.config.mode == "continuous":
            return Talker(port, codec, [CONTINUOUS])
        period_s = self.config.period_ms / 1000
        return Asked(port, codec, ONCE, self.counters, period_s=period_s, answer_s=_ANSWER_S)
