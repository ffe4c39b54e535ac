"""Tries the ways of reading a picture in turn, at a cost that is bounded on average."""

from collections.abc import Sequence

from drivers.qr.grey import Grey
from drivers.qr.night import Night
from drivers.qr.symbol import Attempt, Symbol
from drivers.reading import Region

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


class Reader:
    """The attempts that are possible on this machine, cheapest first."""

    RESCUE_EVERY = 3
    """Of pictures that show nothing, every third gets one dear attempt, the next in turn."""
    AT_ONCE = 5
    """So many pictures in a row get every attempt while a code is seen that cannot be read; if it
    then still cannot, it may be a torn poster that hangs there for good."""

    def __init__(
        self, attempts: Sequence[Attempt], missing: Sequence[str] = (), region: Region = WHOLE
    ) -> None:
        self.missing = tuple(missing)
        """One sentence for each decoder that is not installed."""
        self._first, *self._rescues = attempts
        self._region = region
        self._night = Night()
        self._empty = 0
        self._unreadable = 0

    def decode(self, grey: Grey) -> list[Symbol]:
        """Try everything on one picture."""
        part = self._part(grey)
        return self._first(part).symbols or self._rescue(part)

    def glance(self, grey: Grey) -> list[Symbol]:
        """Look at one picture of many.

        Everything is tried at once where a code is to be seen that cannot be read.
        """
        part = self._part(grey)
        look = self._first(part)
        self._unreadable = self._unreadable + 1 if look.unreadable and not look.symbols else 0
        if look.symbols or not self._rescues:
            return look.symbols
        if 0 < self._unreadable <= self.AT_ONCE:
            return self._rescue(part)
        average = self._night.add(part)
        if average is not None and (symbols := self._first(average).symbols):
            return symbols
        self._empty += 1
        turn, rest = divmod(self._empty, self.RESCUE_EVERY)
        return [] if rest else self._rescues[turn % len(self._rescues)](part).symbols

    def _rescue(self, grey: Grey) -> list[Symbol]:
        looks = (attempt(grey) for attempt in self._rescues)
        return next((look.symbols for look in looks if look.symbols), [])

    def _part(self, grey: Grey) -> Grey:
        if self._region == WHOLE:
            return grey
        left, top, width, height = self._region
        rows, columns = grey.shape
        return grey[_span(top, height, rows), _span(left, width, columns)]


def _span(start: float, length: float, size: int) -> slice:
    first = int(start * size)
    return slice(first, max(first + 1, round((start + length) * size)))
