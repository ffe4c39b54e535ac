"""Tries the ways of reading a picture in turn, at a cost that is bounded on average."""

from collections.abc import Iterable, Sequence
from itertools import cycle, islice

from drivers.qr.grey import Grey
from drivers.qr.night import Night
from drivers.qr.symbol import Attempt, Attempts, Dear, Look, Symbol
from drivers.reading import Region

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


class Helpful:
    """The attempt that has read something in one of the last pictures."""

    PATIENCE = 5
    """Pictures in which it may fail: a hand shakes."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        """It alone, or none."""
        self._failures = 0

    def note(self, attempt: Attempt | None) -> None:
        """Take what has read something more in the next picture, if anything has."""
        if attempt:
            self.attempts, self._failures = [attempt], 0
        else:
            self._failures += 1
            if self._failures == self.PATIENCE:
                self.attempts = []


class Reader:
    """The attempts that are possible on this machine, cheapest first."""

    DEAR_EVERY = 3
    """Of pictures that show nothing, every third gets a dear attempt, the others a quick one; the
    next in turn."""
    EMPTY_NS = 2.2e6
    """For one empty picture: as much as the quick attempts take at 720p."""
    QUICK_NS_PER_PX = 2.4
    AT_ONCE = 5
    """So many pictures get every attempt while a code is seen that cannot be read; if it then still
    cannot, it may be a torn poster that hangs there for good."""
    REGAINED = 0.2
    """Of these, by each picture without such a code: the poster may be seen now and then only."""

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
        self._tries: float = self.AT_ONCE
        self._known: set[bytes] = set()
        self._helpful = Helpful()

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

        What is read at first sight and has just come is told at once; what stays, as a poster does,
        hides no other code. Everything is tried at once where a code is to be seen that cannot be
        read. What has read a code reads the next pictures, too: who holds it up stays one person.
        """
        part = self._part(grey)
        look = self._attempts.quick[0](part)
        if {each.payload for each in look.symbols} <= self._known:
            look = self._look_further(part, look)
        self._known = {each.payload for each in look.symbols}
        return look.symbols

    def _look_further(self, part: Grey, look: Look) -> Look:
        average = self._night.add(part)
        if average is not None:
            look = _joined(look, self._attempts.quick[0](average))
        more, helpful = _more(self._helpful.attempts, part, look)
        if helpful is None:
            more, helpful = _more(self._next(look), part, look)
        self._helpful.note(helpful)
        return more

    def _next(self, look: Look) -> list[Attempt]:
        if not look.unreadable:
            self._tries = min(self.AT_ONCE, self._tries + self.REGAINED)
        elif self._tries >= 1:
            self._tries -= 1
            return [*self._attempts.quick[1:], *(dear.look for dear in self._attempts.dear)]
        return self._turn()

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


def _more(attempts: Iterable[Attempt], grey: Grey, look: Look) -> tuple[Look, Attempt | None]:
    """With what the first attempt sees that reads anything more, and which one that is."""
    for attempt in attempts:
        joined = _joined(look, attempt(grey))
        if len(joined.symbols) > len(look.symbols):
            return joined, attempt
    return look, None


def _joined(look: Look, other: Look) -> Look:
    known = {each.payload for each in look.symbols}
    # zbar turns what declares its character set into UTF-8.
    known |= {each.text.encode("utf-8", "surrogatepass") for each in look.symbols}
    new = [each for each in other.symbols if each.payload not in known]
    return Look([*look.symbols, *new], look.unreadable)


def _span(start: float, length: float, size: int) -> slice:
    first = min(int(start * size), size - 1)
    return slice(first, max(first + 1, round((start + length) * size)))
