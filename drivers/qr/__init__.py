"""Reads the codes in a picture: the cheap reader first, the dear ones where it fails.

Images read, each attempt after those before it, of 350 photographs with codes at a long edge of
1280, 16 of which no decoder can read; and CPU time on a 720p photograph without a code:

=====================================  ===  ======
zxing                                  290  1.2 ms
what it sees but not reads, flattened  308  0
zxing, thickened                       317  0.5 ms
zxing, darkened                        319  1.2 ms
zxing, doubled                         322  5.2 ms
zbar, halved                           328  4.5 ms
zxing, two-toned                       329  0.7 ms
zxing, evened                          329  3.2 ms
=====================================  ===  ======
"""

from functools import cache

from drivers.base import DeviceError
from drivers.qr import attempts
from drivers.qr.grey import Grey
from drivers.qr.reader import Reader
from drivers.qr.symbol import Attempt, Look, Symbol
from drivers.qr.text import as_text, clean
from drivers.reading import ReadingConfig

__all__ = [
    "Attempt",
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
    if not possible:
        raise DeviceError(f"no code can be read: {'; '.join(missing)}")
    return Reader(possible, missing, config.region)


def read(grey: Grey) -> list[str]:
    """The texts of the codes in one picture, everything tried."""
    return [symbol.text for symbol in _reader().decode(grey)]


_reader = cache(open_reader)
