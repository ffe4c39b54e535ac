"""Reads the codes in a picture: the cheap reader first, the dear ones where it fails.

Images read, each attempt after those before it, of 350 photographs with codes at a long edge of
1280, of 16 of which nobody knows the text; and CPU time on a 720p photograph without a code:

===========================================  ===  ======
zxing, the whole picture and then halved     294  1.1 ms
what it sees but not reads, flattened        313  0
zxing, thickened                             317  0.2 ms
zxing, darkened                              320  0.2 ms
zbar, quartered                              323  0.7 ms
only where a code is seen or time is left:
zxing, darkened and whole                    324  1.2 ms
zxing, doubled                               327  5.2 ms
zbar, halved                                 329  4.4 ms
zxing, two-toned                             329  0.6 ms
zxing, evened                                329  3.3 ms
===========================================  ===  ======

Of 1,050 spoilt copies of them all together read 473, the last two 5 that no other does. A picture
by itself without a code takes 2.4 ms, and 324 of the 350 are read so, 452 of the copies; a stream
gets every attempt by turns.
"""

from functools import cache

from drivers.base import DeviceError
from drivers.qr import attempts
from drivers.qr.grey import Grey
from drivers.qr.reader import Reader
from drivers.qr.symbol import Attempt, Attempts, Dear, Look, Symbol
from drivers.qr.text import as_text, clean
from drivers.reading import ReadingConfig

__all__ = [
    "Attempt",
    "Attempts",
    "Dear",
    "Grey",
    "Look",
    "Reader",
    "ReadingConfig",
    "Symbol",
    "as_text",
    "clean",
    "open_reader",
    "read",
]


def open_reader(config: ReadingConfig | None = None) -> Reader:
    """A reader with the decoders that are installed.

    Raises:
        DeviceError: there is none.
    """
    config = config or ReadingConfig()
    possible, missing = attempts.possible(config)
    if not possible.quick:
        raise DeviceError(f"no code can be read: {'; '.join(missing)}")
    return Reader(possible, missing, config.region)


def read(grey: Grey) -> list[str]:
    """The texts of the codes in one picture."""
    return [symbol.text for symbol in _reader().decode(grey)]


_reader = cache(open_reader)
