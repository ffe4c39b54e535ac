"""Averages dark pictures while nothing moves in them: the code stays, the noise goes."""

from typing import Final, cast

import numpy as np

from drivers.opencv import cv2
from drivers.qr.grey import Grey

COUNT: Final = 8
"""Pictures to one: a third of the noise is left, and even at four a second nobody waits long."""
_DARK: Final = 50
"""Mean grey level of a gate by night with one lamp; by day it is above 80."""
_MOVED: Final = 8
"""Grey levels, of any 16 × 16 pixels; noise makes 3 at most there."""
_BRIGHTER: Final = 4
"""Times; lamps may overflow, codes near them are bright enough without this."""


class Night:
    """Remembers what the last pictures are on average."""

    def __init__(self) -> None:
        self._mean = np.zeros((0, 0), np.float32)
        self._began: Grey | None = None
        self._count = 0

    def add(self, grey: Grey) -> Grey | None:
        """Take one more picture; gives the brightened mean of the last ones, once it is of enough
        that are dark and still."""
        if grey[::8, ::8].mean() >= _DARK:
            self._began = None
            return None
        columns, rows = (max(1, side // 16) for side in (grey.shape[1], grey.shape[0]))
        coarse = cast(Grey, cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA))
        if self._began is None or self._has_moved(coarse):
            self._began, self._count = coarse, 0
            self._mean = np.zeros(grey.shape, np.float32)
        self._count += 1
        cv2.accumulateWeighted(grey, self._mean, 1 / min(self._count, COUNT))
        if self._count < COUNT:
            return None
        return cast(Grey, cv2.convertScaleAbs(self._mean, alpha=_BRIGHTER))

    def _has_moved(self, coarse: Grey) -> bool:
        began = self._began
        if began is None or began.shape != coarse.shape:
            return True
        return bool(cv2.absdiff(coarse, began).max() > _MOVED)
