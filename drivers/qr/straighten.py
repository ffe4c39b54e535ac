"""Flattens a code on paper that is wrinkled, on a sleeve or around a bottle, and draws it anew.

A decoder sees a code through one perspective, which holds for plane things only; what it could not
read it still tells the place and the version of. Laid out by that perspective, the borders between
modules should lie on whole numbers of modules. How far they are off shows as the phase of the
brightness steps, at each place; a smooth surface fitted to the phases gives the true place of each
module. It is fitted from the three finder patterns outwards, for only where the error is less than
half a module is the phase unambiguous. Where the surface is smooth enough, RS coding repairs the
rest, and tells if it could not.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from drivers.opencv import cv2
from drivers.qr.grey import Grey

Corners = Sequence[tuple[float, float]]
"""Top left, top right, bottom right, bottom left: x, y in pixels."""
Floats = npt.NDArray[np.float32]

VERSION_MOST: Final = 15
"""77 modules a side take 20 ms; the time grows with their square."""

_FINE: Final = 6
"""Pixels per module of the layout."""
_REACH_MODULES: Final = 1.5
"""Standard deviation of the neighbourhood whose steps are taken together."""
_FAINT: Final = 240.0
"""Sum of brightness steps, over a module, below which there is more noise than border."""
_AMBIGUOUS: Final = 0.4
"""Modules; near one half, the phase may belong to the next module's border."""
_STIFF: Final = 1e-3
"""Pulls what nothing speaks for to zero; times the mean weight."""
_LEAST_WEIGHT: Final = 1e-3
"""Of a picture without any steps."""
_ROUNDS: Final = ((1, 0.15), (2, 0.2), (2, 0.3), (3, 0.45), (3, 0.7), (4, 1.0), (5, 9.0))
"""Order of the surface, and how far from the finder patterns it is fitted, in sides of the code."""
_WHITE: Final = 255
_QUIET: Final = 4
_FINDER: Final = np.pad(np.pad(np.zeros((3, 3), np.uint8), 1, constant_values=_WHITE), 1)


def straightened(grey: Grey, corners: Corners, version: int) -> Grey | None:
    """The code drawn anew, flat and clean, 4 pixels per module; ``None`` if it is too large or
    the corners are those of nothing."""
    outline = np.array(corners, np.float32)
    side = 17 + 4 * version
    if not 1 <= version <= VERSION_MOST or cv2.contourArea(outline) < side * side:
        return None
    layout = _layout(side)
    square = np.array([(0, 0), (side, 0), (side, side), (0, side)], np.float32)
    perspective = cv2.getPerspectiveTransform(square, outline)
    places = layout.places.copy()
    for order, reach in _ROUNDS:
        near = np.exp(-((layout.distance / (reach * side)) ** 2))
        steps = _steps(_laid_out(grey, perspective, places))
        for axis in (0, 1):
            phase, weight = _phase(steps[axis], axis)
            offset = places[axis] - layout.places[axis] + phase
            fitted = _surface(offset, weight * near, layout.powers[order])
            places[axis] = layout.places[axis] + fitted
    return _drawn(_modules(_laid_out(grey, perspective, places), side))


class _Layout(NamedTuple):
    """The modules of a code and one more on each side."""

    places: Floats
    """Across and down, in modules, of each module's middle."""
    distance: Floats
    """In modules, to the middle of the nearest finder pattern."""
    powers: dict[int, Floats]
    """By order: what a surface is made of, a column for each part."""


@cache
def _layout(side: int) -> _Layout:
    middles = np.arange(side + 2, dtype=np.float32) - 0.5
    across, down = np.meshgrid(middles, middles)
    finders = ((3.5, 3.5), (side - 3.5, 3.5), (3.5, side - 3.5))
    distance = np.minimum.reduce([np.hypot(across - x, down - y) for x, y in finders])
    u, v = across.ravel() / side * 2 - 1, down.ravel() / side * 2 - 1
    powers = {
        order: np.stack([u**i * v**j for i in range(order + 1) for j in range(order + 1 - i)], 1)
        for order in {order for order, _ in _ROUNDS}
    }
    return _Layout(np.stack([across, down]), distance, powers)


def _laid_out(grey: Grey, perspective: "cv2.typing.MatLike", places: Floats) -> Grey:
    """The picture as seen from above, by where each module is supposed to be."""
    points = cv2.perspectiveTransform(np.moveaxis(places, 0, -1), perspective)
    fine = cv2.resize(points, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_LINEAR)
    border = cv2.BORDER_REPLICATE
    across, down = cv2.split(fine)
    return cast(Grey, cv2.remap(grey, across, down, cv2.INTER_LINEAR, borderMode=border))


def _steps(flat: Grey) -> tuple[Floats, Floats]:
    """How much the brightness changes across and down."""
    across = np.abs(cv2.Sobel(flat, cv2.CV_32F, 1, 0))
    down = np.abs(cv2.Sobel(flat, cv2.CV_32F, 0, 1))
    return cast(tuple[Floats, Floats], (across, down))


_TURN: Final = np.exp(2j * np.pi * (np.arange(_FINE) + 0.5) / _FINE).astype(np.complex64)


def _phase(steps: Floats, axis: int) -> tuple[Floats, Floats]:
    """Around each module, how far borders are off, in modules, and how much that is worth."""
    count = len(steps) // _FINE
    cells = steps.reshape(count, _FINE, count, _FINE)
    turned = np.einsum("ijk,k" if axis == 0 else "ikj,k", cells.sum(1 if axis == 0 else 3), _TURN)
    real, imaginary, total = (
        cv2.GaussianBlur(part, (0, 0), _REACH_MODULES, borderType=cv2.BORDER_CONSTANT)
        for part in (turned.real.copy(), turned.imag.copy(), cells.sum((1, 3)))
    )
    phase = np.arctan2(imaginary, real) / (2 * np.pi)
    agreement = np.hypot(real, imaginary) / (total + _FAINT)
    weight = agreement**2 * np.clip(1 - (phase / _AMBIGUOUS) ** 2, 0, 1)
    return phase.astype(np.float32), weight.astype(np.float32)


def _surface(offset: Floats, weight: Floats, powers: Floats) -> Floats:
    """The smooth surface nearest to the offsets."""
    weighed = powers * weight.reshape(-1, 1)
    # Not with @: for matrices this large NumPy's library wakes a thread on every core.
    normal = np.einsum("ki,kj->ij", weighed, powers)
    known = np.einsum("ki,k->i", weighed, offset.ravel())
    stiff = _STIFF * (weight.mean() + _LEAST_WEIGHT)
    parts = np.linalg.solve(normal + stiff * np.eye(len(normal)), known)
    surface = np.einsum("ki,i->k", powers, parts.astype(np.float32))
    return cast(Floats, surface.reshape(offset.shape))


def _modules(flat: Grey, side: int) -> Grey:
    """Black and white, one pixel per module: each against its neighbours, for blur mixes them."""
    inner = flat[_FINE:-_FINE, _FINE:-_FINE].reshape(side, _FINE, side, _FINE)
    middle = slice(_FINE // 2 - 1, _FINE // 2 + 1)
    means = inner[:, middle, :, middle].mean((1, 3)).astype(np.uint8)
    how = cv2.ADAPTIVE_THRESH_GAUSSIAN_C
    return cast(Grey, cv2.adaptiveThreshold(means, _WHITE, how, cv2.THRESH_BINARY, 5, 0))


def _drawn(modules: Grey) -> Grey:
    """With the parts put right that are the same in every code, and a quiet zone."""
    for corner in (modules[:8, :8], modules[:8, :-9:-1], modules[:-9:-1, :8]):
        corner[:] = _WHITE
        corner[:7, :7] = _FINDER
    timing = np.arange(8, len(modules) - 8)
    modules[6, timing] = modules[timing, 6] = timing % 2 * _WHITE
    quiet = np.pad(modules, _QUIET, constant_values=_WHITE)
    return cast(Grey, cv2.resize(quiet, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST))
