"""Whether what a thermometer sends can come from a working sensor; pure."""

from drivers.base import DeviceObserved, DeviceState
from drivers.sampling import Sample

Span = tuple[float, float]
"""Lowest and highest °C."""

_SENSOR_SPAN: Span = (-40.0, 125.0)
"""Of the sensor itself: what the MLX90614 and electronics of its kind are made for."""

_LASTS_S = 2.0
"""A trouble, or its end, is told when it has lasted this long: one odd sample is no defect."""


class Soundness:
    """Follows one sensor's samples.

    ``span`` is what it can measure. ``frozen_s``: where its last digit is finer than its noise, so
    many seconds without any change come from a sensor that has been cut off, not from a wall.
    """

    def __init__(self, span: Span, *, frozen_s: float | None) -> None:
        self._span = span
        self._frozen_s = frozen_s
        self._told = self._candidate = DeviceObserved(DeviceState.ONLINE)
        self._candidate_since_s = 0.0
        self._last: Sample | None = None
        self._unchanged_since_s = 0.0

    def feed(self, sample: Sample, at_s: float) -> DeviceObserved:
        """Take a sample; the device's condition as it stands now."""
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
            return DeviceObserved(DeviceState.DEGRADED, sample.fault, sample.celsius)
        if not low <= sample.celsius <= high:
            return DeviceObserved(DeviceState.DEGRADED, "object-out-of-range", sample.celsius)
        if own is not None and not _SENSOR_SPAN[0] <= own <= _SENSOR_SPAN[1]:
            return DeviceObserved(DeviceState.DEGRADED, "sensor-out-of-range", own)
        if self._frozen_s is not None and at_s - self._unchanged_since_s >= self._frozen_s:
            return DeviceObserved(DeviceState.DEGRADED, "frozen", sample.celsius)
        return DeviceObserved(DeviceState.ONLINE)
