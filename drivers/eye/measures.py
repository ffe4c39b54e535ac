"""Measures a picture: how bright it is, whether it shows anything, how sharp its edges are."""

from typing import Final, cast

import numpy as np
import numpy.typing as npt

from drivers.eye.messages import Measures
from drivers.opencv import cv2
from drivers.qr.grey import Grey

SMALL: Final = (160, 90)
"""Columns and rows of the small copy, whatever the shape of the picture."""

_FULL: Final = 250
"""Grey levels: what a camera clips comes out of a JPEG a little below 255."""
_FALL_OFF: Final = 20
"""Points of the small copy to each side. What is larger is light leaking in beside a hand."""
_EDGE: Final = 60
"""Grey levels, the height from which an edge tells; noise reaches 40 by night."""
_WIDE: Final = 32
"""Pixels: wider than the most blurred edge."""
_STRONGEST: Final = 99.9  # per cent

Average = npt.NDArray[np.float32]
"""Like a small copy, with the fractions that averaging brings."""


def small(grey: Grey) -> Grey:
    """A small copy, in which noise has been averaged away."""
    return cast(Grey, cv2.blur(cv2.resize(grey, SMALL, interpolation=cv2.INTER_AREA), (3, 3)))


def measure(grey: Grey, average: Average, same_s: float) -> Measures:
    """All about one picture; ``average`` is the mean of the last small copies, ``same_s`` is
    handed through."""
    laplacian = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1].item() ** 2
    return Measures(
        brightness=round(float(average.mean()), 1),
        glare=round(float((average >= _FULL).mean()), 3),
        structure=round(_structure(average), 3),
        focus=round(laplacian, 1),
        sharpness=_sharpness(grey),
        same_s=round(same_s, 1),
    )


def _structure(average: Average) -> float:
    side = 2 * _FALL_OFF + 1
    # Without the rim, where there is nothing beyond to compare with.
    inner = (slice(_FALL_OFF, -_FALL_OFF), slice(_FALL_OFF, -_FALL_OFF))
    return float((average - cv2.blur(average, (side, side)))[inner].std())


def _sharpness(grey: Grey) -> float | None:
    """How much of an edge's height is climbed within 2 pixels, of its height within 32.

    Taken at the steepest and at the highest places, which need not be the same. The variance of
    the Laplacian cannot tell an empty wall from a picture out of focus; this can: no edge, no
    answer. Noise makes it larger, so that a night never looks out of focus.
    """
    rows = cv2.blur(grey, (1, 5))[::2]
    if rows.shape[1] <= _WIDE:
        return None
    height = np.percentile(cv2.absdiff(rows[:, _WIDE:], rows[:, :-_WIDE]), _STRONGEST)
    if height < _EDGE:
        return None
    steep = np.percentile(cv2.absdiff(rows[:, 2:], rows[:, :-2]), _STRONGEST)
    return round(float(steep / height), 2)
