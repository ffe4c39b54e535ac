"""The ways of reading a picture: zxing, zxing on a picture made easier in some respect, zbar.

In the order of what each adds for its time, measured on photographs.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from drivers.opencv import cv2
from drivers.qr.grey import Grey
from drivers.qr.straighten import straightened
from drivers.qr.symbol import Attempt, Look, Symbol
from drivers.qr.text import as_text
from drivers.reading import ReadingConfig

if TYPE_CHECKING:
    from drivers.qr.zxing import Found

_LONGEST: Final = 2560
"""Pixels along the longer edge to which a picture is doubled at most."""
_STRAIGHTENED_MOST: Final = 2
"""In one picture: zxing reports some unreadable codes several times over."""


def _doubled(grey: Grey) -> Grey:
    """For codes far away or blurred."""
    return _scaled(grey, max(1.0, min(2.0, _LONGEST / max(grey.shape))))


def _halved(grey: Grey) -> Grey:
    """For codes near by but broken into dots, creased or out of focus."""
    return _scaled(grey, 0.5)


def _thickened(grey: Grey) -> Grey:
    """For print that is worn off: what is dark grows together."""
    return cast(Grey, cv2.erode(_halved(grey), np.ones((2, 2), np.uint8)))


def _darkened(grey: Grey) -> Grey:
    """For codes bleached by light: spreads out the light greys."""
    curve = (np.linspace(0, 1, 256) ** 2.5 * 255).astype(np.uint8)
    return cast(Grey, cv2.LUT(grey, curve))


def _evened(grey: Grey) -> Grey:
    """For glare and shade across a code."""
    return cast(Grey, cv2.createCLAHE(clipLimit=4.0, tileGridSize=(4, 4)).apply(grey))


def _two_toned(grey: Grey) -> Grey:
    """For codes on a ground of many greys: each point against its surroundings."""
    how = cv2.ADAPTIVE_THRESH_MEAN_C
    return cast(Grey, cv2.adaptiveThreshold(_halved(grey), 255, how, cv2.THRESH_BINARY, 61, 3))


def _scaled(grey: Grey, factor: float) -> Grey:
    if factor == 1.0 or min(grey.shape) < 2:
        return grey
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    return cast(Grey, cv2.resize(grey, None, fx=factor, fy=factor, interpolation=how))


_EASIER: Final[dict[str, Callable[[Grey], Grey]]] = {
    "thickened": _thickened,
    "darkened": _darkened,
    "doubled": _doubled,
    "two-toned": _two_toned,
    "evened": _evened,
}
_BEFORE_ZBAR: Final = 4
"""Attempts that are tried first: zbar takes as long as the doubled picture and reads fewer."""


def possible(config: ReadingConfig) -> tuple[list[Attempt], list[str]]:
    """What is possible on this machine, the cheapest first; and a sentence for each decoder that
    is not installed."""
    found: list[Attempt] = []
    missing = []
    try:
        found += _zxing_attempts(config)
    except ImportError:
        missing.append(f"zxing-cpp is missing: {sys.executable} -m pip install zxing-cpp")
    try:
        found[_BEFORE_ZBAR:_BEFORE_ZBAR] = _zbar_attempts(config)
    except ImportError:
        missing.append(
            f"zbar is missing: apt-get install libzbar0; {sys.executable} -m pip install pyzbar"
        )
    return found, missing


def _zxing_attempts(config: ReadingConfig) -> list[Attempt]:
    from drivers.qr import zxing

    def look(grey: Grey, decoder: str, symbologies: tuple[str, ...]) -> Look:
        scan = zxing.scan(grey, symbologies, inverted=config.inverted)
        symbols = [_symbol(each, decoder) for each in scan.found]
        for unread in scan.unread[:_STRAIGHTENED_MOST]:
            drawn = straightened(grey, unread.corners, unread.version)
            again = [] if drawn is None else zxing.scan(drawn).found
            # Where nothing was to spare, chance may have made of it the code of something else.
            symbols += [
                _symbol(each, f"{decoder}-straightened")
                for each in again
                if each.spare > 0 and each.payload not in {known.payload for known in symbols}
            ]
        return Look(symbols, scan.unreadable)

    def first(grey: Grey) -> Look:
        return look(grey, "zxing", config.symbologies)

    def easier(name: str, prepare: Callable[[Grey], Grey]) -> Attempt:
        return lambda grey: look(prepare(grey), f"zxing-{name}", ("qr",))

    if "qr" not in config.symbologies:
        return [first]
    return [first, *(easier(name, prepare) for name, prepare in _EASIER.items())]


def _symbol(found: "Found", decoder: str) -> Symbol:
    return Symbol(found.payload, found.text, found.symbology, decoder)


def _zbar_attempts(config: ReadingConfig) -> list[Attempt]:
    from drivers.qr import zbar

    def look(grey: Grey) -> Look:
        # It reads more codes in small pictures than in large ones, and is quicker.
        payloads = zbar.scan(_halved(grey))
        return Look([Symbol(payload, as_text(payload), "qr", "zbar") for payload in payloads])

    return [look] if "qr" in config.symbologies else []
