"""LU90614: an infrared thermometer with a serial line ("FA CA", "FE AA").

9600 baud, 8N1. Takes three commands, each with the low 8 bits of its sum behind it, and answers the
last one only::

    FA C5 BF                                   from now on the body
    FA C6 C0                                   from now on the object
    FA CA C4                                   measure

    FE AA whole hundredths 00 00 00 00 SUM     object
    FE AC whole hundredths 00 00 00 00 SUM     body

    whole        °C, 0 to 255: nothing below 0 °C can be told
    hundredths   0 to 99
    SUM          low 8 bits of the sum of all bytes before it

An answer of the other kind than was asked for, or with something in place of the four zeros, is
counted and not interpreted. It does not tell its own temperature: with this one no thermal shock
can be noticed. The formula for a body is its maker's and not published.

In random bytes a false frame is found once in 2^56 places (2 bytes of header of two kinds, one
value of 100 in 256, four zeros, 1 of sum).

Source: published driver LU90614.c; forums at esp32.8266.de and cicciocb.com.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from drivers.base import Surface
from drivers.counters import Counters
from drivers.thermometry import Period, PortThermometer, ThermometerConfig
from drivers.thermometry.conversing import Asked, Sensor
from drivers.thermometry.sampling import Sample
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8
from drivers.wire.serialport import SerialPort

BAUD: Final = 9600
MEASURE: Final = bytes.fromhex("FA CA C4")
MODES: Final = {
    Surface.BODY: bytes.fromhex("FA C5 BF"),
    Surface.SURFACE: bytes.fromhex("FA C6 C0"),
}

_ANSWER_S: Final = 0.25  # 0.1 is what others wait
_KINDS: Final = {0xAA: Surface.SURFACE, 0xAC: Surface.BODY}

_LAYOUT: Final = Layout(
    header=re.compile(rb"\xfe[\xaa\xac].[\x00-\x63]", re.DOTALL),
    header_bytes=4,
    size=lambda header: 9,
    intact=ends_with_sum8,
)


class Codec:
    """Finds the answers of one ``kind`` in a stream of bytes; keeps at most eight of them."""

    def __init__(self, counters: Counters, *, kind: Surface = Surface.SURFACE) -> None:
        self._counters = counters
        self._kind = kind
        self._finder = FrameFinder(_LAYOUT, counters)

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""
        samples = []
        for frame in self._finder.feed(data):
            if _KINDS[frame[1]] is self._kind and not any(frame[4:8]):
                samples.append(Sample((100 * frame[2] + frame[3]) / 100))
            else:
                self._counters.unknown += 1
        return samples


class Config(ThermometerConfig):
    """An LU90614 on a serial port."""

    driver: Literal["lu90614"]
    value: Literal["surface", "body"] = "surface"
    """What it is set to at each start: the skin, or what it makes of that for a body."""
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
        return (BAUD,)

    def kind(self) -> Surface:
        """See :meth:`drivers.thermometry.Thermometer.kind`."""
        return Surface(self.config.value)

    def sensor(self, port: SerialPort) -> Sensor:
        """See :meth:`drivers.thermometry.PortThermometer.sensor`."""
        return Asked(
            port,
            Codec(self.counters, kind=self.kind()),
            MEASURE,
            self.counters,
            period_s=self.config.period_ms / 1000,
            answer_s=_ANSWER_S,
            commands=[MODES[self.kind()]],
        )
