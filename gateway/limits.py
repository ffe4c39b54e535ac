"""How often something may be done. Pure."""

from collections.abc import Callable


class Bucket:
    """Holds `size` at most and fills by `per_s`; `now` is a clock in seconds that never steps."""

    def __init__(self, size: float, per_s: float, now: Callable[[], float]) -> None:
        self._size = size
        self._per_s = per_s
        self._now = now
        self._level = size
        self._filled_at = now()

    def take(self) -> bool:
        """Whether it may be done once more."""
        now = self._now()
        self._level = min(self._size, self._level + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
