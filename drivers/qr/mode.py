"""In which mode a QR code's content begins: two modes have a character set of their own.

zxing goes by the mode but does not tell it. The first four bits of the content do (ISO/IEC 18004,
7.3 and 7.4), masked (7.8), in the corner where there is no finder pattern.
"""

from collections.abc import Callable
from typing import Final

from drivers.qr.grey import Grey

KANJI: Final = 0b1000
"""Shift-JIS. Some generators take it for Chinese, too, where all characters are in it."""
HANZI: Final = 0b1101
"""GB2312, by GB/T 18284."""

_FIRST_BITS: Final = ((1, 1), (1, 2), (2, 1), (2, 2))
"""Rows from the lowest, columns from the rightmost, highest bit first."""
_MASKS: Final[tuple[Callable[[int, int], bool], ...]] = (
    lambda row, column: (row + column) % 2 == 0,
    lambda row, column: row % 2 == 0,
    lambda row, column: column % 3 == 0,
    lambda row, column: (row + column) % 3 == 0,
    lambda row, column: (row // 2 + column // 3) % 2 == 0,
    lambda row, column: row * column % 6 == 0,
    lambda row, column: row * column % 6 < 3,
    lambda row, column: (row + column + row * column % 3) % 2 == 0,
)


def first_mode(modules: Grey, mask: int) -> int:
    """The mode's number, from the whole symbol, a pixel per module, and the number of its mask."""
    side = len(modules)
    mode = 0
    for up, left in _FIRST_BITS:
        row, column = side - up, side - left
        dark = bool(modules[row, column] < 128)
        mode = mode << 1 | (dark != _MASKS[mask](row, column))
    return mode
