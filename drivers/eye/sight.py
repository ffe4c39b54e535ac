"""Looks at one picture after the other: unpacks it, reads what it shows, measures it.

A camera mostly looks at nothing. So each picture is first compared with the last one that was
read, both reduced to 160 pixels across, in 0.2 ms, and read only if something has come or moved.
"""

import time
from typing import Final, cast

import numpy as np

from drivers.eye.gauge import module_px
from drivers.eye.measures import Average, measure, small
from drivers.eye.messages import Code, Look, Measures
from drivers.eye.newest import Frame, Shot
from drivers.opencv import cv2
from drivers.qr import Reader
from drivers.qr.grey import Grey

_MOVED: Final = 6
"""Grey levels, of any point of the small copy. A sensor's noise by night makes 3 at most there;
a code that can be read covers at least 6 × 6 points and changes most of them by 30 and more."""
_AGAIN_S: Final = 0.25
"""A picture in which nothing moves is read so often all the same."""
_MEASURE_S: Final = 0.5
_NEWEST_SHARE: Final = 0.05
"""Of a picture in the average of the last ones, about twenty."""
_LARGE: Final = 2560
"""JPEGs this long are unpacked at half the size: codes that need more are too far away."""
_SHOWN_EDGE: Final = 960


class Sight:
    """Makes a ``Look`` of each picture; ``aiming`` adds what only a person who aims it wants."""

    def __init__(self, reader: Reader, *, aiming: bool = False) -> None:
        self._reader = reader
        self._aiming = aiming
        self._flag = cv2.IMREAD_GRAYSCALE
        self._average: Average | None = None
        self._last: Grey | None = None
        self._same_since_s = 0.0
        self._read: Grey | None = None  # the small copy of the picture read last
        self._read_at_s = 0.0
        self._codes: tuple[Code, ...] = ()
        self._measured_s = 0.0

    def look(self, frame: Frame) -> Look | None:
        """Look at one picture; ``None`` if it is broken."""
        began_s = time.perf_counter()
        grey = self._unpacked(frame.shot)
        if grey is None:
            return None
        tiny = small(grey)
        if self._worth_reading(tiny, frame.taken_s):
            self._read, self._read_at_s = tiny, frame.taken_s
            self._codes = tuple(
                Code(payload=each.payload, symbology=each.symbology, decoder=each.decoder)
                for each in self._reader.glance(grey)
            )
        took_ms = (time.perf_counter() - began_s) * 1e3
        return Look(
            taken_s=frame.taken_s,
            took_ms=took_ms,
            width=grey.shape[1],
            height=grey.shape[0],
            codes=self._codes,
            measures=self._measured(grey, tiny, frame.taken_s),
            picture=_shown(grey) if self._aiming else None,
            module_px=module_px(grey) if self._aiming else None,
        )

    def _unpacked(self, shot: Shot) -> Grey | None:
        if isinstance(shot, bytes):
            # Straight to grey: the colours stay packed.
            try:
                grey = cv2.imdecode(np.frombuffer(shot, np.uint8), self._flag)
            except cv2.error:  # its head claims a size beyond reason
                return None
            if grey is not None:
                self._choose_size(cast(Grey, grey))
            return cast(Grey | None, grey)
        return shot if shot.ndim == 2 else cast(Grey, cv2.cvtColor(shot, cv2.COLOR_BGR2GRAY))

    def _choose_size(self, grey: Grey) -> None:
        halved = self._flag == cv2.IMREAD_REDUCED_GRAYSCALE_2
        large = max(grey.shape) * (2 if halved else 1) >= _LARGE
        self._flag = cv2.IMREAD_REDUCED_GRAYSCALE_2 if large else cv2.IMREAD_GRAYSCALE

    def _worth_reading(self, tiny: Grey, now_s: float) -> bool:
        if self._aiming or self._read is None or now_s - self._read_at_s >= _AGAIN_S:
            return True
        return bool(cv2.absdiff(tiny, self._read).max() >= _MOVED)

    def _measured(self, grey: Grey, tiny: Grey, now_s: float) -> Measures | None:
        if self._last is None or not np.array_equal(grey, self._last):
            self._same_since_s = now_s
        self._last = grey
        if self._average is None:
            self._average = tiny.astype(np.float32)
        cv2.accumulateWeighted(tiny, self._average, _NEWEST_SHARE)
        if now_s - self._measured_s < _MEASURE_S:
            return None
        self._measured_s = now_s
        return measure(grey, self._average, now_s - self._same_since_s)


def _shown(grey: Grey) -> bytes:
    factor = min(1.0, _SHOWN_EDGE / max(grey.shape))
    columns, rows = (max(1, round(side * factor)) for side in (grey.shape[1], grey.shape[0]))
    reduced = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", reduced, (cv2.IMWRITE_JPEG_QUALITY, 70))[1].tobytes()
