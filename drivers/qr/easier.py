"""Makes a picture easier to read in some respect; each way is for another trouble."""

from typing import Final, cast

import numpy as np

from drivers.opencv import cv2
from drivers.qr.grey import Grey

_LONGEST: Final = 2560
"""Pixels along the longer edge to which a picture is doubled at most."""
_BLEACHED: Final = (np.linspace(0, 1, 256) ** 2.5 * 255).astype(np.uint8)
"""For each grey level, which to take instead."""


def doubled(grey: Grey) -> Grey:
    """For codes far away or blurred."""
    return _scaled(grey, max(1.0, min(2.0, _LONGEST / max(grey.shape))))


def halved(grey: Grey) -> Grey:
    """For codes near by but broken into dots, creased or out of focus."""
    return _scaled(grey, 0.5)


def quartered(grey: Grey) -> Grey:
    """For codes so near that dirt and creases are as large as modules are elsewhere."""
    return halved(halved(grey))  # four times as fast as at once


def thickened(grey: Grey) -> Grey:
    """For print that is worn off: what is dark grows together."""
    return cast(Grey, cv2.erode(grey, np.ones((2, 2), np.uint8)))


def darkened(grey: Grey) -> Grey:
    """For codes bleached by light: spreads out the light greys."""
    return cast(Grey, cv2.LUT(grey, _BLEACHED))


def evened(grey: Grey) -> Grey:
    """For glare and shade across a code."""
    return cast(Grey, cv2.createCLAHE(clipLimit=4.0, tileGridSize=(4, 4)).apply(grey))


def two_toned(grey: Grey) -> Grey:
    """For codes on a ground of many greys: each point against its surroundings."""
    how = cv2.ADAPTIVE_THRESH_MEAN_C
    return cast(Grey, cv2.adaptiveThreshold(grey, 255, how, cv2.THRESH_BINARY, 61, 3))


def _scaled(grey: Grey, factor: float) -> Grey:
    if factor == 1.0 or min(grey.shape) < 2:
        return grey
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    return cast(Grey, cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how))
