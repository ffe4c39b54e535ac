"""Samples of an infrared thermometer, which of them agree, and when its own temperature is calm."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_ROUNDING = 1e-9  # °C; 36.4 − 36.1 is a hair more than 0.3 in binary
_LOOKS_BACK = 20
"""So many of the sensor's own temperatures stand for the time that is looked back on."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the sensor said once, in °C; what it does not tell is ``None``."""

    celsius: float
    """The object before it."""
    ambient_celsius: float | None = None
    """The sensor itself, which stands for the air around it."""
    body_celsius: float | None = None
    """What it makes of the object by its maker's own formula for a body."""
    fault: str | None = None
    """What it says is wrong with this very sample."""


class Window(NamedTuple):
    """Samples that are reported by one of them, or what is wrong with them."""

    sample: Sample
    at_s: float
    """When the last of them came."""
    flaw: str | None = None
    """A fault of the sensor, ``thermal-shock`` or ``unstable``; ``None``: they agree."""


THERMAL_SHOCK = "thermal-shock"
UNSTABLE = "unstable"


def at_most(difference: float, limit: float) -> bool:
    """Whether a difference of two temperatures is no larger than ``limit``."""
    return difference <= limit + _ROUNDING


def agreed(samples: Iterable[Sample], count: int, band: float) -> Sample | None:
    """The lower median of the highest ``count`` samples that lie within ``band`` °C.

    The lower median is a value that the sensor really sent.
    """
    ordered = sorted(samples, key=_celsius)
    for end in range(len(ordered), count - 1, -1):
        run = ordered[end - count : end]
        if at_most(run[-1].celsius - run[0].celsius, band):
            return _lower_median(run)
    return None


def middle(samples: Iterable[Sample]) -> Sample:
    """The lower median of all, whether they agree or not."""
    return _lower_median(sorted(samples, key=_celsius))


def _lower_median(ordered: list[Sample]) -> Sample:
    return ordered[(len(ordered) - 1) // 2]


def _celsius(sample: Sample) -> float:
    return sample.celsius


class OwnTemperature:
    """Watches the sensor's own temperature: while it jumps, what it says of an object is wrong.

    Calm is when it has stayed within ``most_celsius`` for the last ``span_s`` seconds.
    """

    def __init__(self, most_celsius: float, span_s: float) -> None:
        self._most = most_celsius
        self._span_s = span_s
        self._past: deque[tuple[float, float]] = deque(maxlen=_LOOKS_BACK)

    def is_calm(self, celsius: float | None, at_s: float) -> bool:
        """Take its temperature at ``at_s``; a sensor that tells none is always calm."""
        if celsius is None:
            return True
        while self._past and at_s - self._past[0][0] > self._span_s:
            self._past.popleft()
        if not self._past or at_s - self._past[-1][0] >= self._span_s / _LOOKS_BACK:
            self._past.append((at_s, celsius))
        seen = [celsius, *(past for _, past in self._past)]
        return at_most(max(seen) - min(seen), self._most)
