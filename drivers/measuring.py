"""The measuring rule: turns a thermometer's stream of samples into one measurement per person.

Somebody is *present* while the object is warmer than ``person_above_celsius`` and differs from
the ambient temperature: a wall in the sun does not. From the first warm sample the rule looks for
``look_s``, or until the person has left, and keeps the *stable window*, ``window`` samples within
``band_celsius``, with the highest median. Then it reports, once for this presence:

=========  =================================================================================
ok         the median of that window
invalid    the value lies outside ``plausible_celsius``; it is reported as it is
suspect    no window was stable; the median of the latest samples
=========  =================================================================================

Why the highest: distance, hair and a hat only ever make an uncompensated sensor read less, so
of two stable stretches the higher one was taken closer to the skin. Why a median: one high sample
alone proves nothing. It is the lower median, hence a value that the sensor really sent, and
nothing is ever altered. Whoever is gone before ``window`` samples was not measured: a passing
hand is no reading.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from drivers.base import OptionTable, Quality, Surface, TemperatureMeasured

_SAMPLES_PER_S = 10
"""What infrared thermometers send, once they have been told to send by themselves."""

_ROUNDING = 1e-9  # °C; 36.4 − 36.1 is a hair more than 0.3 in binary


class Report(StrEnum):
    """What is reported of a stream of samples."""

    PERSON = "person"
    EVERY = "every"


class MeasuringConfig(OptionTable):
    """`[devices.NAME.measuring]`: when a stream of samples becomes a measurement."""

    report: Report = Report.PERSON
    """`person`: one measurement for each person. `every`: samples as they come."""
    every_s: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """With `every`: at most one sample in this time, in seconds."""
    person_above_celsius: Annotated[float, Field(ge=0, le=60)] = 30.0
    """An object warmer than this, as sent by the sensor, may be a person."""
    ambient_apart_celsius: Annotated[float, Field(ge=0)] = 1.0
    """…if it also differs from the ambient temperature by this much; 0 where ambient is as warm
    as skin, and nothing else warm can come before the sensor."""
    window: Annotated[int, Field(ge=2, le=100)] = 5
    """Samples that must agree."""
    band_celsius: Annotated[float, Field(gt=0, le=5)] = 0.3
    """How far they may lie apart; 0.3 °C is what a forehead thermometer may err in China."""
    look_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Seconds from somebody's coming to the measurement."""
    absent_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Nobody before the sensor for this many seconds: the next one is another person."""
    plausible_celsius: tuple[float, float] = (34.5, 42.0)
    """Lowest and highest reported value that skin can have indoors; 33 to 34 °C is somebody who
    came in from the cold and has to be measured again."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        low, high = self.plausible_celsius
        if low >= high:
            raise ValueError(f"plausible_celsius: {low} is not below {high}")
        if self.report is Report.EVERY:
            return self
        if self.person_above_celsius >= high:
            raise ValueError(
                f"person_above_celsius: {self.person_above_celsius} is not below {high}, the"
                f" highest of plausible_celsius; nobody would be measured"
            )
        takes_s = (self.window - 1) / _SAMPLES_PER_S
        if takes_s > self.look_s:
            raise ValueError(
                f"window: {self.window} samples take {takes_s:g} seconds; look_s is only"
                f" {self.look_s:g}"
            )
        return self


@dataclass(frozen=True, slots=True)
class Sample:
    """What the sensor said once: object and, where it tells, its own ambient temperature, °C."""

    celsius: float
    ambient_celsius: float | None = None


class Measurement(NamedTuple):
    """A measurement and the time of its last sample, on the clock that the rule is fed with."""

    reading: TemperatureMeasured
    at_s: float


class _Window(NamedTuple):
    """Samples that are reported by their median."""

    median: Sample
    at_s: float
    stable: bool


class MeasuringRule:
    """The rule for one sensor; ``kind`` and ``correction`` are what its driver knows of it.

    ``correction`` in °C is added to what is reported, never to what is judged to be a presence.
    """

    def __init__(
        self, config: MeasuringConfig, *, kind: Surface, correction: float | None = None
    ) -> None:
        self._config = config
        self._kind = kind
        self._correction = correction
        self._latest: deque[Sample] = deque(maxlen=config.window)
        self._best: _Window | None = None
        self._came_s: float | None = None
        self._warm_s = 0.0
        self._reported_s: float | None = None

    def feed(self, sample: Sample, at_s: float) -> Measurement | None:
        """Take one sample, seen at ``at_s`` seconds of a clock that never runs back."""
        if self._config.report is Report.EVERY:
            return self._every(sample, at_s)
        if self._is_person(sample):
            self._keep(sample, at_s)
        return self._conclude(at_s)

    def _every(self, sample: Sample, at_s: float) -> Measurement | None:
        if self._reported_s is not None and at_s - self._reported_s < self._config.every_s:
            return None
        self._reported_s = at_s
        return self._measurement(_Window(sample, at_s, stable=True), samples=1)

    def _is_person(self, sample: Sample) -> bool:
        if sample.celsius <= self._config.person_above_celsius:
            return False
        if sample.ambient_celsius is None:
            return True
        apart = abs(sample.celsius - sample.ambient_celsius)
        return apart + _ROUNDING >= self._config.ambient_apart_celsius

    def _keep(self, sample: Sample, at_s: float) -> None:
        if self._came_s is None:
            self._came_s = at_s
        self._warm_s = at_s
        self._latest.append(sample)
        if len(self._latest) < self._config.window:
            return
        window = self._window(at_s)
        if self._best is None or _rank(window) >= _rank(self._best):
            self._best = window

    def _window(self, at_s: float) -> _Window:
        ordered = sorted(self._latest, key=lambda sample: sample.celsius)
        spread = ordered[-1].celsius - ordered[0].celsius
        stable = spread <= self._config.band_celsius + _ROUNDING
        return _Window(ordered[(len(ordered) - 1) // 2], at_s, stable)

    def _conclude(self, at_s: float) -> Measurement | None:
        if self._came_s is None:
            return None
        left = at_s - self._warm_s >= self._config.absent_s
        measurement = None
        due = left or at_s - self._came_s >= self._config.look_s
        if due and self._best and self._reported_s is None:
            measurement = self._measurement(self._best, samples=self._config.window)
            self._reported_s = at_s
        if left:
            self._latest.clear()
            self._best = self._came_s = self._reported_s = None
        return measurement

    def _measurement(self, window: _Window, *, samples: int) -> Measurement:
        raw = window.median.celsius
        # Rounding takes away what binary addition puts behind the sensor's two decimals.
        celsius = raw if self._correction is None else round(raw + self._correction, 4)
        quality, reason = self._judge(celsius, stable=window.stable)
        reading = TemperatureMeasured(
            celsius=celsius,
            raw_celsius=raw,
            kind=self._kind,
            quality=quality,
            reason=reason,
            ambient_celsius=window.median.ambient_celsius,
            correction=self._correction,
            samples=samples,
        )
        return Measurement(reading, window.at_s)

    def _judge(self, celsius: float, *, stable: bool) -> tuple[Quality, str | None]:
        low, high = self._config.plausible_celsius
        if celsius < low:
            return Quality.INVALID, "below-plausible"
        if celsius > high:
            return Quality.INVALID, "above-plausible"
        if not stable:
            return Quality.SUSPECT, "unstable"
        return Quality.OK, None


def _rank(window: _Window) -> tuple[bool, float]:
    """Any stable window before any other; among stable ones the highest, else the latest."""
    return (window.stable, window.median.celsius if window.stable else 0.0)
