"""Tries the ways of reading a picture in turn, at a cost that is bounded on average."""

from collections.abc import Iterable, Sequence
from itertools import cycle, islice

from drivers.qr.grey import Grey
from drivers.qr.night import Night
from drivers.qr.symbol import Attempt, Attempts, Dear, Look, Symbol
from drivers.reading import Region

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


class Reader:
    """The attempts that are possible on this machine, cheapest first."""

    DEAR_EVERY = 3
    """Of pictures that show nothing, every third gets a dear attempt, the others a quick one; the
    next in turn."""
    EMPTY_NS = 2.2e6
    """For one empty picture: as much as the quick attempts take at 720p."""
    QUICK_NS_PER_PX = 2.4
    AT_ONCE = 5
    """So many pictures in a row get every attempt while a code is seen that cannot be read; if it
    then still cannot, it may be a torn poster that hangs there for good."""

    def __init__(
        self, attempts: Attempts, missing: Sequence[str] = (), region: Region = WHOLE
    ) -> None:
        self.missing = tuple(missing)
        """One sentence for each decoder that is not installed."""
        self._attempts = attempts
        self._quick_turns = cycle(attempts.quick[1:])
        self._dear_turns = cycle(dear.look for dear in attempts.dear)
        self._region = region
        self._night = Night()
        self._empty = 0
        self._unreadable = 0

    def decode(self, grey: Grey) -> list[Symbol]:
        """Read one picture by itself.

        Everything is tried where a code is to be seen that cannot be read, and else what can be
        had for the time that an empty picture may take.
        """
        part = self._part(grey)
        look = _tried(self._attempts.quick, part)
        if look.symbols:
            return look.symbols
        dear = self._attempts.dear if look.unreadable else self._affordable(part.size)
        return _tried((each.look for each in dear), part).symbols

    def _affordable(self, pixels: int) -> list[Dear]:
        left_ns = self.EMPTY_NS - self.QUICK_NS_PER_PX * pixels
        affordable = []
        for dear in self._attempts.dear:
            if (cost_ns := dear.ns_per_px * pixels) <= left_ns:
                affordable.append(dear)
                left_ns -= cost_ns
        return affordable

    def glance(self, grey: Grey) -> list[Symbol]:
        """Look at one picture of many.

        Everything is tried at once where a code is to be seen that cannot be read.
        """
        part = self._part(grey)
        first, *more = self._attempts.quick
        look = first(part)
        if look.symbols:
            self._unreadable = 0
            return look.symbols
        self._unreadable = self._unreadable + 1 if look.unreadable else 0
        if 0 < self._unreadable <= self.AT_ONCE:
            return _tried([*more, *(dear.look for dear in self._attempts.dear)], part).symbols
        average = self._night.add(part)
        if average is not None and (symbols := first(average).symbols):
            return symbols
        return _tried(self._turn(), part).symbols

    def _turn(self) -> list[Attempt]:
        self._empty += 1
        turns = self._quick_turns if self._empty % self.DEAR_EVERY else self._dear_turns
        return list(islice(turns, 1))

    def _part(self, grey: Grey) -> Grey:
        if self._region == WHOLE:
            return grey
        left, top, width, height = self._region
        rows, columns = grey.shape
        return grey[_span(top, height, rows), _span(left, width, columns)]


def _tried(attempts: Iterable[Attempt], grey: Grey) -> Look:
    """What the first attempt saw that reads anything; else whether any saw a code."""
    unreadable = False
    for attempt in attempts:
        look = attempt(grey)
        if look.symbols:
            return look
        unreadable |= look.unreadable
    return Look([], unreadable)


def _span(start: float, length: float, size: int) -> slice:
    first = min(int(start * size), size - 1)
    return slice(first, max(first + 1, round((start + length) * size)))
