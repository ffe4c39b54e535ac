"""What readers have in common: a code that was read, what one attempt saw, and the attempts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from drivers.qr.grey import Grey


@dataclass(frozen=True, slots=True)
class Symbol:
    """A code that was read; its content is in no ``repr``."""

    payload: bytes = field(repr=False)
    """What it carries, byte for byte; up to 2,953 bytes of anything."""
    text: str = field(repr=False)
    """The payload as text, uncleaned: it may hold control characters."""
    symbology: str
    decoder: str
    """Which attempt has read it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one attempt saw."""

    symbols: list[Symbol]
    unreadable: bool = False
    """A code is there that this attempt could not read."""


Attempt = Callable[[Grey], Look]
"""One way of reading a picture."""


class Dear(NamedTuple):
    """An attempt that may cost too much for a picture that shows nothing."""

    look: Attempt
    ns_per_px: float
    """What it takes where there is nothing to read, of a picture like 720p."""


class Attempts(NamedTuple):
    """The ways of reading, each list in the order of what it adds for its time."""

    quick: Sequence[Attempt]
    """So cheap that all of them may be tried on a picture that shows nothing; the first one reads
    most codes and tells where one is that cannot be read."""
    dear: Sequence[Dear] = ()
    """For a picture in which there is such a code, or one so small that they take no time."""
