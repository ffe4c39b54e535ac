"""Why a code on a photograph was not read: what can be measured where it is, or in the picture."""

from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from drivers.eye.measures import measure, small
from drivers.eye.messages import Measures
from drivers.qr import easier, zxing
from drivers.qr.grey import Grey

_PX: Final = 6
"""Of a module, where the code is laid out."""
_SMALLEST: Final = 2.5
"""Pixels of a module, as a technician is advised; below, a camera mixes neighbours."""
_BLURRED: Final = 0.36
"""Share of an edge's height within two pixels; the camera's driver takes this for out of focus."""
_FAINT: Final = 40
"""Grey levels between black and white."""
_UNEVEN: Final = 2.0
"""Times: the contrast in one corner of a code over that in another."""
_FULL: Final = 250
_BLOCK: Final = 5
"""Modules: no mask leaves many white squares of this side."""
_GLARING: Final = 0.05
"""Share of a code, or of a picture, in which nothing is left to see."""


class _Place(NamedTuple):
    corners: npt.NDArray[np.float32]
    modules: int


def reason(grey: Grey) -> str:
    """The first that holds."""
    place = _located(grey)
    if place is None:
        return _of_picture(grey)
    side = place.modules * _PX
    if np.sqrt(cv2.contourArea(place.corners)) < _SMALLEST * place.modules:
        return "modules below 2.5 pixels"
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    view = cv2.getPerspectiveTransform(place.corners, square)
    return _of_code(cv2.warpPerspective(grey, view, (side, side)).astype(np.uint8))


def _located(grey: Grey) -> _Place | None:
    """Where zxing sees a code whose version it can read, in any of the easier pictures."""
    halved = easier.halved(grey)
    views = [grey, halved, easier.doubled(grey), easier.darkened(grey), easier.evened(grey)]
    for view in (*views, easier.thickened(halved)):
        for unread in zxing.scan(view).unread:
            corners = np.array(unread.corners, np.float32) * (grey.shape[1] / view.shape[1])
            return _Place(corners.astype(np.float32), 17 + 4 * unread.version)
    return None


def _of_code(code: Grey) -> str:
    third = len(code) // 3
    # At the corner patterns, which are black and white in every code.
    corners = code[:third, :third], code[:third, -third:], code[-third:, :third]
    contrasts = [_contrast(corner) for corner in corners]
    if max(contrasts) < _FAINT:
        return "faint: less than 40 grey levels"
    block = np.ones((_BLOCK * _PX, _BLOCK * _PX), np.uint8)
    white = cv2.erode((code >= _FULL).astype(np.uint8), block)
    if cv2.dilate(white, block).mean() > _GLARING:
        return "glare: white where modules should be"
    if max(contrasts) > _UNEVEN * min(contrasts):
        return "a reflection or shade across it: contrast differs by more than twice"
    if _is_blurred(_measured(code)):
        return "blurred"
    return "bent or damaged: more than its error correction repairs"


def _of_picture(grey: Grey) -> str:
    measures = _measured(grey)
    if _is_blurred(measures):
        return "not found: the picture is blurred"
    if measures.glare > _GLARING:
        return "not found: glare in the picture"
    return "not found: its corner patterns are nowhere seen"


def _contrast(part: Grey) -> float:
    dark, light = np.percentile(part, [10, 90])
    return float(light - dark)


def _measured(grey: Grey) -> Measures:
    return measure(grey, small(grey).astype(np.float32), 0.0)


def _is_blurred(measures: Measures) -> bool:
    return measures.sharpness is not None and measures.sharpness < _BLURRED
