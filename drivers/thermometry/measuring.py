"""The measuring rule: turns a thermometer's stream of samples into one measurement per person.

Somebody is *present* while the object is warmer than ``person_above_celsius`` and differs from
the ambient temperature: a wall in the sun does not. From the first warm sample the rule looks for
``look_s``, or until the person has left. A *window* is the latest ``window`` samples; it is good
if ``agree`` of them lie within ``band_celsius``, while the sensor's own temperature is calm and
the sensor complains of nothing. The good window with the highest value is kept. If there was none
and the person is still there, the rule looks again, ``repeats`` times. Then it reports, once for
this presence:

=========  =================================================================================
ok         the median of those that agreed in that window
invalid    the value lies outside ``plausible_celsius``, or the sensor itself says that it is
           wrong; it is reported as it is
suspect    no window was good (``unstable``, ``thermal-shock``); the median of the latest
           samples. Or the sensor is of a kind whose readings are never better than that
=========  =================================================================================

Why the highest: distance, hair and a hat only ever make an uncompensated sensor read less, so
of two stable stretches the higher one was taken closer to the skin. Why a median, and why not
all must agree: one sample alone, high or low, proves nothing. It is the lower median, hence a
value that the sensor really sent, and nothing is ever altered. Why the sensor's own temperature:
its reading is a difference to it, and while a gust or a hand changes that, the difference is to
something else. Whoever is gone before ``window`` samples was not measured: a passing hand is no
reading.
"""

from collections import deque
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from drivers.base import OptionTable, Quality, Surface, TemperatureMeasured
from drivers.thermometry.sampling import (
    THERMAL_SHOCK,
    UNSTABLE,
    OwnTemperature,
    Sample,
    Window,
    agreed,
    at_most,
    middle,
)

FASTEST_PER_S = 10.0
"""Samples of an infrared thermometer in a second, at most."""


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
    """How many samples are looked at together."""
    agree: Annotated[int, Field(ge=2, le=100)] = 4
    """So many of them must agree."""
    band_celsius: Annotated[float, Field(gt=0, le=5)] = 0.3
    """How far they may lie apart; 0.3 °C is what a forehead thermometer may err in China."""
    look_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Seconds from somebody's coming to the measurement."""
    repeats: Annotated[int, Field(ge=0, le=10)] = 1
    """So often it is looked again if nothing agreed, before that is reported."""
    absent_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Nobody before the sensor for this many seconds: the next one is another person."""
    shock_celsius: Annotated[float, Field(gt=0, le=50)] = 0.5
    """The sensor's own temperature moved by more than this within `shock_s`: what it measures
    then is held off."""
    shock_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How far is looked back for that, in seconds."""
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
        if self.agree > self.window:
            raise ValueError(f"agree: {self.agree} is more than window, which is {self.window}")
        self.must_fit(FASTEST_PER_S)
        return self

    def must_fit(self, samples_per_s: float) -> None:
        """Refuse what a sensor with so many samples could never do.

        Raises:
            ValueError: a window takes longer than a look; nobody would be measured.
        """
        takes_s = (self.window - 1) / samples_per_s
        if self.report is Report.PERSON and takes_s > self.look_s:
            raise ValueError(
                f"window: {self.window} samples take {takes_s:g} seconds; look_s is only"
                f" {self.look_s:g}"
            )


class Measurement(NamedTuple):
    """A measurement and the time of its last sample, on the clock that the rule is fed with."""

    reading: TemperatureMeasured
    at_s: float


class MeasuringRule:
    """The rule for one sensor; the other arguments are what its driver knows of it.

    ``kind`` BODY reports what the sensor itself has converted. ``correction`` in °C is added to
    what is reported, never to what is judged to be a presence. ``caveat`` is why no reading of
    this sensor is ever better than suspect.
    """

    def __init__(
        self,
        config: MeasuringConfig,
        *,
        kind: Surface,
        correction: float | None = None,
        caveat: str | None = None,
    ) -> None:
        self._config = config
        self._kind = kind
        self._correction = correction
        self._caveat = caveat
        self._own = OwnTemperature(config.shock_celsius, config.shock_s)
        self._latest: deque[Sample] = deque(maxlen=config.window)
        self._best: Window | None = None
        self._warm_s = 0.0
        self._look_from_s: float | None = None
        self._repeated = 0
        self._reported_s: float | None = None

    def again(self) -> None:
        """Take whoever is there for somebody new, and measure them."""
        self._latest.clear()
        self._best = self._look_from_s = self._reported_s = None
        self._repeated = 0

    def feed(self, sample: Sample, at_s: float) -> Measurement | None:
        """Take one sample, seen at ``at_s`` seconds of a clock that never runs back."""
        if self._config.report is Report.EVERY:
            return self._every(sample, at_s)
        calm = self._own.is_calm(sample.ambient_celsius, at_s)
        if self._is_person(sample):
            self._keep(sample, at_s, calm=calm)
        return self._conclude(at_s)

    def _every(self, sample: Sample, at_s: float) -> Measurement | None:
        if self._reported_s is not None and at_s - self._reported_s < self._config.every_s:
            return None
        self._reported_s = at_s
        return self._measurement(Window(sample, at_s, sample.fault), samples=1)

    def _is_person(self, sample: Sample) -> bool:
        if sample.celsius <= self._config.person_above_celsius:
            return False
        if sample.ambient_celsius is None:
            return True
        apart = abs(sample.celsius - sample.ambient_celsius)
        return at_most(self._config.ambient_apart_celsius, apart)

    def _keep(self, sample: Sample, at_s: float, *, calm: bool) -> None:
        if self._look_from_s is None:
            self._look_from_s = at_s
        self._warm_s = at_s
        self._latest.append(sample)
        if len(self._latest) < self._config.window:
            return
        window = self._window(at_s, calm=calm)
        if self._best is None or _rank(window) >= _rank(self._best):
            self._best = window

    def _window(self, at_s: float, *, calm: bool) -> Window:
        faults = [sample for sample in self._latest if sample.fault]
        if faults:
            return Window(faults[-1], at_s, faults[-1].fault)
        both = agreed(self._latest, self._config.agree, self._config.band_celsius)
        if both is None:
            return Window(middle(self._latest), at_s, UNSTABLE)
        return Window(both, at_s, None if calm else THERMAL_SHOCK)

    def _conclude(self, at_s: float) -> Measurement | None:
        if self._look_from_s is None:
            return None
        left = at_s - self._warm_s >= self._config.absent_s
        due = left or at_s - self._look_from_s >= self._config.look_s
        measurement = None
        if due and self._best and self._reported_s is None:
            if self._best.flaw and not left and self._repeated < self._config.repeats:
                self._repeated += 1
                self._look_from_s = at_s
                return None
            measurement = self._measurement(self._best, samples=self._config.window)
            self._reported_s = at_s
        if left:
            self.again()
        return measurement

    def _measurement(self, window: Window, *, samples: int) -> Measurement:
        raw = value = window.sample.celsius
        if self._kind is Surface.BODY and window.sample.body_celsius is not None:
            value = window.sample.body_celsius
        # Rounding takes away what binary addition puts behind the sensor's two decimals.
        celsius = value if self._correction is None else round(value + self._correction, 4)
        quality, reason = self._judge(celsius, window)
        reading = TemperatureMeasured(
            celsius=celsius,
            raw_celsius=raw,
            kind=self._kind,
            quality=quality,
            reason=reason,
            ambient_celsius=window.sample.ambient_celsius,
            body_celsius=window.sample.body_celsius,
            correction=self._correction,
            samples=samples,
        )
        return Measurement(reading, window.at_s)

    def _judge(self, celsius: float, window: Window) -> tuple[Quality, str | None]:
        low, high = self._config.plausible_celsius
        if window.sample.fault:
            return Quality.INVALID, window.sample.fault
        if celsius < low:
            return Quality.INVALID, "below-plausible"
        if celsius > high:
            return Quality.INVALID, "above-plausible"
        if suspicion := window.flaw or self._caveat:
            return Quality.SUSPECT, suspicion
        return Quality.OK, None


def _rank(window: Window) -> tuple[bool, float]:
    """Any good window before any other; among good ones the highest, else the latest."""
    return (window.flaw is None, 0.0 if window.flaw else window.sample.celsius)
