"""Adds up dark pictures while nothing moves in them: the code stays, the noise goes."""

from typing import Final, cast

import numpy as np

from drivers.opencv import cv2
from drivers.qr.grey import Grey

COUNT: Final = 8
"""Pictures to one: a third of the noise is left, and at 15 a second nobody waits."""
_DARK: Final = 50
"""Mean grey level of a gate by night with one lamp; by day it is above 80."""
_MOVED: Final = 8
"""Grey levels, of any 16 × 16 pixels; noise makes 3 at most there."""
_BRIGHTER: Final = 4
"""Times; lamps may overflow, codes near them are bright enough without this."""


class Night:
    """Remembers what the last pictures add up to."""

    def __init__(self) -> None:
        self._sum = np.zeros((0, 0), np.float32)
        self._began: Grey | None = None
        self._count = 0

    def add(self, grey: Grey) -> Grey | None:
        """Take one more picture; gives the brightened mean of each eighth that is still."""
        if grey[::8, ::8].mean() >= _DARK:
            self._began = None
            return None
        columns, rows = (max(1, side // 16) for side in (grey.shape[1], grey.shape[0]))
        coarse = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)
        if self._began is None or self._has_moved(cast(Grey, coarse)):
            self._began, self._count = cast(Grey, coarse), 0
            self._sum = np.zeros(grey.shape, np.float32)
        cv2.accumulate(grey, self._sum)
        self._count += 1
        if self._count < COUNT:
            return None
        self._began = None
        return cast(Grey, cv2.convertScaleAbs(self._sum, alpha=_BRIGHTER / COUNT))

    def _has_moved(self, coarse: Grey) -> bool:
        began = self._began
        if began is None or began.shape != coarse.shape:
            return True
        return bool(cv2.absdiff(coarse, began).max() > _MOVED)
