"""What all infrared thermometers share: a family adds its codec and how it is spoken to."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, ClassVar, Generic, NoReturn, Self, TypeVar

from pydantic import Field, model_validator

from drivers.base import (
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Driver,
    Emit,
    FilePath,
    MeasureTemperature,
    Surface,
)
from drivers.thermometry.conversing import Sensor
from drivers.thermometry.measuring import FASTEST_PER_S, MeasuringConfig, MeasuringRule
from drivers.thermometry.sampling import Sample
from drivers.thermometry.soundness import Soundness, Span
from drivers.wire import serialport
from drivers.wire.serialport import SerialPort

_log = logging.getLogger(__name__)

Correction = Annotated[float, Field(ge=-5, le=5)]
"""°C."""

Silence = Annotated[float, Field(ge=0.5, le=60)]
"""Seconds."""

Period = Annotated[int, Field(ge=20, le=10_000)]
"""Milliseconds."""


class ThermometerConfig(DeviceConfig):
    """What the stanza of any infrared thermometer has."""

    port: FilePath
    """The serial port; best a stable name, as under /dev/serial/by-path."""
    correction_celsius: Correction | None = None
    """Added to what is reported, beside the raw value; not set: nothing is added."""
    silence_s: Silence = 2.0
    """No good frame for this long, in seconds: the device is lost."""
    measuring: MeasuringConfig = MeasuringConfig()
    """When a stream of samples becomes a measurement."""

    @property
    def samples_per_s(self) -> float:
        """How many there are at most, as this stanza sets the thermometer up."""
        return FASTEST_PER_S

    @model_validator(mode="after")
    def _often_enough(self) -> Self:
        period_s = 1 / self.samples_per_s
        if period_s >= self.silence_s:
            raise ValueError(
                f"silence_s: {self.silence_s:g} is too short; there is a sample every"
                f" {period_s:g} seconds"
            )
        self.measuring.must_fit(self.samples_per_s)
        return self


C = TypeVar("C", bound=ThermometerConfig)


class Thermometer(Driver, Generic[C]):
    """Follows one thermometer and reports who was measured; how it is reached, ``run`` knows."""

    span: ClassVar[Span] = (-70.0, 380.0)
    """What the sensor can measure, °C; here the MLX90614's."""
    frozen_s: ClassVar[float | None] = 60.0
    """See :class:`Soundness`; the MLX90614 resolves 0.02 °C and has noise of that size."""
    caveat: ClassVar[str | None] = None
    """Why no reading of this family is ever better than suspect."""

    def __init__(self, name: str, config: C) -> None:
        self.name = name
        self.config = config
        self._rule: MeasuringRule | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def kind(self) -> Surface:
        """What its readings are of."""
        return Surface.SURFACE

    async def follow(self, sensor: Sensor, emit: Emit, how: str) -> None:
        """Measure for as long as it sends; return only if it was not heard at all.

        Raises:
            DeviceError: it has fallen silent, or may not be used.
        """
        samples = await self._next(sensor, start=True)
        if not samples:
            return
        _log.info("%s: heard %s", self.name, how)
        self.counters.online()
        await emit(DeviceObserved(DeviceState.ONLINE))
        try:
            await self._measure(sensor, samples, emit)
        finally:
            self._rule = None
            self._answer(CommandError("the thermometer was lost"))
        raise DeviceError(
            f"{self.config.port}: no good frame from the thermometer for"
            f" {self.config.silence_s:g} s; so far {self.counters}"
        )

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`; takes ``MeasureTemperature``."""
        if not isinstance(command, MeasureTemperature):
            await super().execute(command)
        if self._rule is None:
            raise CommandError("the thermometer is not connected")
        self._rule.again()
        measuring = self.config.measuring
        within_s = measuring.look_s * (1 + measuring.repeats) + measuring.absent_s
        measured: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(measured)
        try:
            async with asyncio.timeout(within_s):
                await measured
        except TimeoutError:
            raise CommandError(f"nobody was measured within {within_s:g} s") from None
        finally:
            self._waiting.discard(measured)

    async def _next(self, sensor: Sensor, *, start: bool = False) -> Sequence[Sample]:
        """At least one sample, or none if it stays silent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.silence_s):
                if start:
                    await sensor.start()
                return await sensor.samples()
        self.counters.timeout += 1
        return ()

    async def _measure(self, sensor: Sensor, samples: Sequence[Sample], emit: Emit) -> None:
        """Until it falls silent."""
        config = self.config
        self._rule = MeasuringRule(
            config.measuring,
            kind=self.kind(),
            correction=config.correction_celsius,
            caveat=self.caveat,
        )
        soundness = Soundness(self.span, frozen_s=self.frozen_s)
        condition = DeviceObserved(DeviceState.ONLINE)
        while samples:
            now = asyncio.get_running_loop().time()
            for sample in samples:
                if (seen := soundness.feed(sample, now, self.counters.bad)) != condition:
                    condition = seen
                    await emit(condition)
                if measurement := self._rule.feed(sample, now):
                    await emit(measurement.reading, age_s=now - measurement.at_s)
                    self._answer(None)
            samples = await self._next(sensor)

    def _answer(self, trouble: CommandError | None) -> None:
        """Tell whoever has asked for a measurement how it went."""
        for measured in self._waiting:
            if measured.done():
                continue
            if trouble:
                measured.set_exception(trouble)
            else:
                measured.set_result(None)


class PortThermometer(Thermometer[C]):
    """One that has its serial port for itself."""

    @abstractmethod
    def bauds(self) -> Sequence[int]:
        """The speeds to try, in this order."""

    @abstractmethod
    def sensor(self, port: SerialPort) -> Sensor:
        """The thermometer behind ``port``, which has just been opened."""

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        bauds, received = self.bauds(), 0
        for baud in bauds:
            async with serialport.opened(self.config.port, baud=baud) as port:
                await self.follow(self.sensor(port), emit, f"at {baud} baud")
                received += port.received
        came = f"{received} bytes came, but no frame of its own" if received else "nothing came"
        tried = " or ".join(str(baud) for baud in bauds)
        raise DeviceError(f"no thermometer is heard on {self.config.port} at {tried} baud: {came}")
