"""Whether what a thermometer sends can come from a working sensor on a good line; pure."""

from drivers.base import DeviceObserved, DeviceState
from drivers.thermometry.sampling import Sample

Span = tuple[float, float]
"""Lowest and highest °C."""

_SOUND = DeviceObserved(DeviceState.ONLINE)

_SENSOR_SPAN: Span = (-40.0, 125.0)
"""Of the sensor itself: what the MLX90614 and electronics of its kind are made for."""

_LASTS_S = 2.0
"""A trouble, or its end, is told when it has lasted this long: one odd sample is no defect."""

_LINE_S = 60.0
"""How long is counted before a line is judged."""

_BAD_PERCENT = 10
"""From so many bad frames in a hundred on, somebody should look at the cable."""


class Line:
    """Judges a line once in a while by its good and bad frames."""

    def __init__(self) -> None:
        self.bad_percent = 0
        self._since_s: float | None = None
        self._good = 0
        self._bad_before = 0

    def count(self, at_s: float, bad: int) -> None:
        """A good frame has come; ``bad`` is how many others there have been so far."""
        if self._since_s is None:
            self._since_s, self._bad_before = at_s, bad
        self._good += 1
        if at_s - self._since_s >= _LINE_S:
            fresh = bad - self._bad_before
            self.bad_percent = round(100 * fresh / (fresh + self._good))
            self._since_s, self._bad_before, self._good = at_s, bad, 0


class Soundness:
    """Follows one sensor's samples.

    ``span`` is what it can measure. ``frozen_s``: where its last digit is finer than its noise, so
    many seconds without any change come from a sensor that has been cut off, not from a wall.
    """

    def __init__(self, span: Span, *, frozen_s: float | None) -> None:
        self._span = span
        self._frozen_s = frozen_s
        self._line = Line()
        self._told = self._candidate = _SOUND
        self._candidate_since_s = 0.0
        self._last: Sample | None = None
        self._unchanged_since_s = 0.0

    def feed(self, sample: Sample, at_s: float, bad: int = 0) -> DeviceObserved:
        """Take a sample, and how many bad frames there have been so far; the device's condition
        as it stands now."""
        self._line.count(at_s, bad)
        if sample != self._last:
            self._last, self._unchanged_since_s = sample, at_s
        seen = self._look(sample, at_s)
        if seen.reason != self._candidate.reason:
            self._candidate_since_s = at_s
        self._candidate = seen
        lasted = at_s - self._candidate_since_s >= _LASTS_S
        if seen.reason != self._told.reason and lasted:
            self._told = seen
        return self._told

    def _look(self, sample: Sample, at_s: float) -> DeviceObserved:
        low, high = self._span
        own = sample.ambient_celsius
        if sample.fault:
            return _degraded(sample.fault, sample.celsius)
        if not low <= sample.celsius <= high:
            return _degraded("object-out-of-range", sample.celsius)
        if own is not None and not _SENSOR_SPAN[0] <= own <= _SENSOR_SPAN[1]:
            return _degraded("sensor-out-of-range", own)
        if self._frozen_s is not None and at_s - self._unchanged_since_s >= self._frozen_s:
            return _degraded("frozen", sample.celsius)
        if self._line.bad_percent >= _BAD_PERCENT:
            return _degraded("noisy-line", float(self._line.bad_percent))
        return _SOUND


def _degraded(reason: str, measured: float) -> DeviceObserved:
    return DeviceObserved(DeviceState.DEGRADED, reason, measured)
