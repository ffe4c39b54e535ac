"""Between the thread that waits for the source and the one that looks: only the newest counts."""

import threading
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Shot: TypeAlias = bytes | npt.NDArray[np.uint8]
"""A picture as it came: a JPEG; or rows × columns of grey; or that × blue, green, red."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture and when it arrived, in the system's monotonic time.

    Unpacking costs more than anything before it, and frames of a busy stream are replaced by
    newer ones before anybody looks: so it is left to the one who looks.
    """

    taken_s: float
    shot: Shot = field(repr=False)


class Newest:
    """Holds one frame: the newest. Who is slow misses frames; he never falls behind."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._end: Exception | None = None
        self._changed = threading.Condition()

    def put(self, frame: Frame) -> None:
        """Replace the frame that nobody has taken."""
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def end(self, reason: Exception) -> None:
        """No frame will follow; after the last one ``take`` raises ``reason``."""
        with self._changed:
            self._end = reason
            self._changed.notify()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame not taken yet; ``None`` if none comes within ``timeout_s``."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame or self._end, timeout_s)
            frame, self._frame = self._frame, None
            if frame is None and self._end is not None:
                raise self._end
            return frame
