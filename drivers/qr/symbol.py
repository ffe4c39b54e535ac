"""What readers have in common: a code that was read, and what one attempt saw."""

from collections.abc import Callable
from dataclasses import dataclass, field

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
