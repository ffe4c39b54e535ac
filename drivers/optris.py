"""Optris CS, CSmicro, CSlaser and CT, also sold as Micro-Epsilon thermoMETER: industrial infrared
thermometers with a binary serial line.

8N1; a CS usually at 9600 baud, a CT at 115200. The gateway sends one command byte and is answered
with two bytes, big-endian; there is no frame, no checksum and no acknowledgement::

    01       object             °C = (answer − 1000) / 10; with "hs" (answer − 10000) / 100
    02       head (ambient)     the same
    04       emissivity         answer / 1000

On RS-485 a byte B0 + address stands before each command. Commands that set something are never
sent. Newer CS models that take ``3E 02 00`` speak another protocol and do not answer to this one.

Whatever comes between a question and the next silence is the answer if it is two bytes, and none
otherwise. Noise of just two bytes in the place of an answer is taken for one: nothing on this line
can tell. Hence the measuring rule's window, and at the start a question whose answer must be an
emissivity (0.1 to 1.1): one in 65 of all pairs of bytes is.

What it measures is a surface, to about ±1 °C; it can count people who are warm, not tell a fever,
unless a black body stands in its sight.

Source: manuals of Optris CS, CSmicro, CSlaser ("Digital Command Set"); CT commands 2020-04.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from drivers.base import DeviceError
from drivers.counters import Counters
from drivers.thermometry import Period, PortThermometer, ThermometerConfig
from drivers.thermometry.conversing import Pace, Sensor
from drivers.thermometry.sampling import Sample
from drivers.thermometry.soundness import Span
from drivers.wire.serialport import Baud, SerialPort

BAUDS: Final = (9600, 115200)
"""CS first, CT second."""

OBJECT, HEAD, EMISSIVITY = 0x01, 0x02, 0x04

_ANSWER_BYTES: Final = 2
_EMISSIVITIES: Final = range(100, 1101)
_ANSWER_S: Final = 0.25
_QUIET_S: Final = 0.02  # an FTDI adapter holds bytes back for 16 ms


class Codec:
    """Holds at most three bytes: two are an answer, more are none."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._answer = b""

    def asked(self) -> None:
        """A question goes out: what comes from here on is its answer."""
        self._answer = b""

    def feed(self, data: bytes) -> list[int]:
        """Take the next bytes; the answer as a number, once it is there.

        More bytes may follow and show that it was none: see :attr:`spoilt`.
        """
        was_spoilt = self.spoilt
        self._answer = (self._answer + data[: _ANSWER_BYTES + 1])[: _ANSWER_BYTES + 1]
        self._counters.resync += self.spoilt and not was_spoilt
        if len(self._answer) != _ANSWER_BYTES or not data:
            return []
        return [int.from_bytes(self._answer, "big")]

    @property
    def spoilt(self) -> bool:
        """Whether more has come than an answer."""
        return len(self._answer) > _ANSWER_BYTES


def celsius(answer: int, *, hs: bool) -> float:
    """°C; ``hs`` for a high-resolution model."""
    return (answer - 10000) / 100 if hs else (answer - 1000) / 10


class Config(ThermometerConfig):
    """An Optris CS or CT on a serial port."""

    driver: Literal["optris"]
    baud: Baud | None = None
    """Bits per second; 9600 and 115200 are tried if it is not set."""
    address: Annotated[int, Field(ge=1, le=15)] | None = None
    """Its address on an RS-485 line; not set: it is alone on its line."""
    high_resolution: bool = False
    """For an "hs" model, which answers in 0.01 °C."""
    period_ms: Period = 100
    """How often it is asked, in milliseconds."""

    @property
    def samples_per_s(self) -> float:
        """See :attr:`drivers.thermometry.ThermometerConfig.samples_per_s`."""
        return 1000 / self.period_ms


class Driver(PortThermometer[Config]):
    """Asks the thermometer and reports who was measured."""

    span: ClassVar[Span] = (-50.0, 1650.0)
    frozen_s: ClassVar[float | None] = None

    def bauds(self) -> Sequence[int]:
        """See :meth:`drivers.thermometry.PortThermometer.bauds`."""
        return (self.config.baud,) if self.config.baud else BAUDS

    def sensor(self, port: SerialPort) -> Sensor:
        """See :meth:`drivers.thermometry.PortThermometer.sensor`."""
        return _Head(port, self.config, self.counters)


class _Head:
    """The thermometer behind an open port; a :class:`Sensor`."""

    def __init__(self, port: SerialPort, config: Config, counters: Counters) -> None:
        self._port = port
        self._config = config
        self._counters = counters
        self._codec = Codec(counters)
        self._prefix = b"" if config.address is None else bytes((0xB0 + config.address,))
        self._pace = Pace(config.period_ms / 1000)

    async def start(self) -> None:
        """See :meth:`Sensor.start`."""
        emissivity = await self._ask(EMISSIVITY)
        if emissivity not in _EMISSIVITIES:
            raise DeviceError(
                f"{self._config.port}: something answers, but not as an Optris does:"
                f" {emissivity / 1000:g} is no emissivity"
            )

    async def samples(self) -> Sequence[Sample]:
        """See :meth:`Sensor.samples`."""
        await self._pace.turn()
        to, ta = await self._ask(OBJECT), await self._ask(HEAD)
        hs = self._config.high_resolution
        return [Sample(celsius(to, hs=hs), celsius(ta, hs=hs))]

    async def _ask(self, command: int) -> int:
        """Ask until it is answered; whoever waits for that sets an end to it."""
        while True:
            await self._silence()
            self._codec.asked()
            await self._port.write(self._prefix + bytes((command,)))
            answers: list[int] = []
            try:
                async with asyncio.timeout(_ANSWER_S):
                    while not answers:
                        answers = self._codec.feed(await self._port.read())
            except TimeoutError:
                self._counters.timeout += 1
                continue
            await self._silence()
            if not self._codec.spoilt:
                return answers[0]

    async def _silence(self) -> None:
        """Wait until nothing comes any more; it spoils the answer before it."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(_QUIET_S):
                    self._codec.feed(await self._port.read())
