"""GY-MCU90640: a thermal array of 32 × 24 pixels with a serial line ("5A 5A 02 06").

8N1, at 9600, 115200 (the factory's setting) or 460800 baud. An image has 1544 bytes, all numbers
16 bits, little-endian, temperatures signed and in 1/100 °C::

    5A 5A 02 06 pixel… TAl TAh SUMl SUMh

    02 06    0x0602 = 1538 bytes follow, before the sum
    pixel    768 of them, line by line
    TA       the sensor (ambient)
    SUM      low 16 bits of the sum of all words before it

Takes ``A5 cmd value SUM``::

    15   speed: 1, 2, 3 for 9600, 115200, 460800     25   rate: 0 to 4 for 0.5, 1, 2, 4, 8 Hz
    35   1 when asked, 2 by itself                   45   emissivity in percent
    55   1: tells the emissivity, ``5A 5A percent SUM``

The speed is never set from here, and nothing is stored (65 01). 8 Hz need 460800 baud: an image is
134 ms on the line at 115200.

A sample is the hottest region: of all squares of ``region`` × ``region`` pixels the highest median,
hence a value that one pixel really had, and never that of a single broken one. The module is good
to ±2 °C: it shows who is warmer than others, and no reading of it is better than suspect.

In random bytes a false image is found once in 2^48 places (4 bytes of header, 2 of sum); a false
emissivity once in 2^25, and it counts only between the question and the answer.

Source: GY-MCU90640 manual (in vvkuryshev/GY-MCU90640-RPI-Python).
"""

import re
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from drivers.base import DeviceError
from drivers.counters import Counters
from drivers.thermometry import PortThermometer, Silence, ThermometerConfig
from drivers.thermometry.conversing import Sensor, Talker
from drivers.thermometry.sampling import Sample
from drivers.thermometry.soundness import Span
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8
from drivers.wire.serialport import SerialPort

BAUDS: Final = (115200, 460800, 9600)
"""The factory's setting first."""

RATES_HZ: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""In the order of their numbers."""

ROWS, COLUMNS = 24, 32

_IMAGE: Final = b"\x5a\x5a\x02\x06"
_IMAGE_BYTES: Final = 1544
_BITS_PER_BYTE: Final = 10
_SUM_BYTES: Final = 2


def command(code: int, value: int) -> bytes:
    """A command frame."""
    return bytes((0xA5, code, value, (0xA5 + code + value) & 0xFF))


AUTO: Final = command(0x35, 2)
TELL_EMISSIVITY: Final = command(0x55, 1)


class _WordSums:
    """Checks 16-bit sums. It keeps running sums of the buffer it has last seen, so that a flood of
    headers does not cost a sum over 1542 bytes for every one of them."""

    def __init__(self) -> None:
        self._buffer = b""
        self._running: list[NDArray[np.uint32]] = []

    def intact(self, buffer: bytes, start: int, end: int) -> bool:
        """Whether the last word of ``buffer[start:end]`` is the sum of those before it."""
        if buffer is not self._buffer:
            self._buffer, self._running = buffer, [_running_sums(buffer, odd) for odd in (0, 1)]
        running = self._running[start % 2]
        last = end - _SUM_BYTES
        total = int(running[last // 2]) - int(running[start // 2])
        return total & 0xFFFF == int.from_bytes(buffer[last:end], "little")


def _running_sums(buffer: bytes, odd: int) -> NDArray[np.uint32]:
    words = np.frombuffer(buffer, "<u2", (len(buffer) - odd) // 2, odd)
    sums = np.zeros(len(words) + 1, np.uint32)
    np.cumsum(words, dtype=np.uint32, out=sums[1:])
    return sums


def _is_intact(sums: _WordSums, buffer: bytes, start: int, end: int) -> bool:
    if end - start == _IMAGE_BYTES:
        return sums.intact(buffer, start, end)
    return ends_with_sum8(buffer, start, end)


def _layout() -> Layout:
    sums = _WordSums()
    return Layout(
        # In a run of 5A nothing begins but with the last two; 5A 5A 5A 0E is 90 %.
        header=re.compile(rb"\x5a\x5a(?:\x02\x06|\x5a\x0e|[\x01-\x59\x5b-\x64].)", re.DOTALL),
        header_bytes=4,
        size=lambda header: _IMAGE_BYTES if header == _IMAGE else len(header),
        intact=lambda buffer, start, end: _is_intact(sums, buffer, start, end),
    )


class Codec:
    """Finds the images in a stream of bytes; keeps at most 1543 of them from call to call.

    ``emissivity`` is what it last told, in percent.
    """

    def __init__(self, counters: Counters, *, region: int = 3) -> None:
        self.emissivity: int | None = None
        self._region = region
        self._finder = FrameFinder(_layout(), counters)

    def feed(self, data: bytes) -> list[Sample]:
        """Take the next bytes and return the samples that are now complete."""
        samples = []
        for frame in self._finder.feed(data):
            if len(frame) == _IMAGE_BYTES:
                samples.append(self._sample(frame))
            else:
                self.emissivity = frame[2]
        return samples

    def _sample(self, frame: bytes) -> Sample:
        *_, ta = numbers = np.frombuffer(frame, "<i2", ROWS * COLUMNS + 1, len(_IMAGE))
        image = numbers[:-1].reshape(ROWS, COLUMNS)
        return Sample(int(hottest(image, self._region)) / 100, int(ta) / 100)


def hottest(image: NDArray[np.int16], region: int) -> np.int16:
    """The highest median of all squares of ``region`` × ``region`` pixels; ``region`` is odd."""
    squares = np.lib.stride_tricks.sliding_window_view(image, (region, region))
    flat = squares.reshape(-1, region * region)
    middle = flat.shape[1] // 2
    return np.partition(flat, middle, axis=1)[:, middle].max()  # type: ignore[no-any-return]


def _a_rate(rate_hz: float) -> float:
    if rate_hz not in RATES_HZ:
        raise PydanticCustomError("rate", "none of its rates")
    return rate_hz


Rate = Annotated[
    float,
    AfterValidator(_a_rate),
    Field(json_schema_extra={"enum": list(RATES_HZ), "words": "0.5, 1, 2, 4 or 8"}),
]
"""Hz."""


class Config(ThermometerConfig):
    """A GY-MCU90640 on a serial port."""

    driver: Literal["gy_mcu90640"]
    baud: Literal[9600, 115200, 460800] | None = None
    """Bits per second; all three are tried if it is not set."""
    rate_hz: Rate = 4.0
    """Images in a second; 8 need 460800 baud, and at 9600 there is time for 0.5."""
    region: Literal[1, 3, 5, 7] = 3
    """Side of the hottest square, in pixels."""
    emissivity_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    """Set at each start, and checked; not set: what is stored in the module. Skin has 95 to 98."""
    silence_s: Silence = 5.0
    """No good image for this long, in seconds: the device is lost."""

    @property
    def samples_per_s(self) -> float:
        """See :attr:`drivers.thermometry.ThermometerConfig.samples_per_s`."""
        return self.rate_hz

    @model_validator(mode="after")
    def _line_is_fast_enough(self) -> Self:
        baud = self.baud or BAUDS[0]
        fits_hz = baud / (_IMAGE_BYTES * _BITS_PER_BYTE)
        if self.rate_hz > fits_hz:
            raise ValueError(
                f"rate_hz: {self.rate_hz:g} is too much for {baud} baud, which carries"
                f" {fits_hz:.1f} images in a second"
            )
        return self


class Driver(PortThermometer[Config]):
    """Listens to the module and reports who was measured."""

    span: ClassVar[Span] = (-40.0, 300.0)
    caveat: ClassVar[str | None] = "screening-only"

    def bauds(self) -> Sequence[int]:
        """See :meth:`drivers.thermometry.PortThermometer.bauds`."""
        return (self.config.baud,) if self.config.baud else BAUDS

    def sensor(self, port: SerialPort) -> Sensor:
        """See :meth:`drivers.thermometry.PortThermometer.sensor`."""
        codec = Codec(self.counters, region=self.config.region)
        commands = [command(0x25, RATES_HZ.index(self.config.rate_hz)), AUTO]
        if self.config.emissivity_percent is not None:
            commands += [command(0x45, self.config.emissivity_percent), TELL_EMISSIVITY]
        return _Array(Talker(port, codec, commands), codec, self.config)


class _Array:
    """The module behind an open port; a :class:`Sensor` that checks its emissivity."""

    def __init__(self, talker: Talker, codec: Codec, config: Config) -> None:
        self._talker = talker
        self._codec = codec
        self._config = config
        self._images = 0

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        await self._talker.start()

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        samples = await self._talker.samples()
        self._images += len(samples)
        wanted, told = self._config.emissivity_percent, self._codec.emissivity
        # The answer comes behind the image that was on its way, or behind the next.
        if wanted is not None and told != wanted and (told is not None or self._images > 2):
            has = "does not tell its emissivity" if told is None else f"keeps {told} %"
            raise DeviceError(
                f"{self._config.port}: the array {has}; emissivity_percent is {wanted}"
            )
        return samples
