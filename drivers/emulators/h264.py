"""Writes H.264 without compressing: each macroblock carries its samples as they are (I_PCM).

Enough for a camera's emulator, and understood by every decoder. ITU-T H.264: 7.3.1 NAL units,
7.3.2.1 and 7.3.2.2 parameter sets, 7.3.3 slice header, 7.3.5 macroblocks; baseline profile.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

_START_CODE: Final = b"\0\0\0\1"
_SPS, _PPS, _IDR = b"\x67", b"\x68", b"\x65"
_BASELINE_LEVEL_4: Final = b"\x42\xc0\x28"
_I_SLICE: Final = 7  # and so are all other slices of the picture
_I_PCM: Final = 25
_NEXT_I_PCM: Final = np.frombuffer(b"\x0d\x00", np.uint8)  # the same from a byte's start, aligned
_STOP: Final = b"\x80"
_GREY: Final = 128

Picture = npt.NDArray[np.uint8]


def access_unit(grey: Picture, turn: int = 0) -> bytes:
    """One picture as a byte stream (Annex B), complete in itself: a player may come in anywhere.

    Its sides are multiples of 16. Of two that follow each other ``turn`` differs.
    """
    rows, columns = (side // 16 for side in grey.shape)
    sps = _Bits().ue(0).ue(0).ue(2).ue(1).u(1, 0)  # frames numbered by 4 bits, shown in order
    sps.ue(columns - 1).ue(rows - 1).u(4, 0b1100)  # whole frames; neither cropping nor VUI
    pps = _Bits().ue(0).ue(0).u(2, 0).ue(0).ue(0).ue(0).u(3, 0).ue(0).ue(0).ue(0).u(3, 0b100)
    head = _Bits().ue(0).ue(_I_SLICE).ue(0).u(4, 0).ue(turn % 2).u(2, 0).ue(0)
    head.ue(1).ue(_I_PCM)  # no deblocking; the first macroblock
    units = [
        _SPS + _BASELINE_LEVEL_4 + sps.u(1, 1).aligned(),
        _PPS + pps.u(1, 1).aligned(),
        _IDR + head.aligned() + _macroblocks(grey, rows, columns) + _STOP,
    ]
    return b"".join(_START_CODE + unit for unit in units)


def _macroblocks(grey: Picture, rows: int, columns: int) -> bytes:
    # No sample is 0: two zeros in a row would have to be escaped.
    luma = np.maximum(grey, 1).reshape(rows, 16, columns, 16).swapaxes(1, 2).reshape(-1, 256)
    chroma = np.full((len(luma), 128), _GREY, np.uint8)
    heads = np.broadcast_to(_NEXT_I_PCM, (len(luma), 2))
    return np.hstack([heads, luma, chroma]).tobytes()[len(_NEXT_I_PCM) :]


class _Bits:
    """Bits in a row, as 7.2 and 9.1 write numbers."""

    def __init__(self) -> None:
        self._digits = ""

    def u(self, count: int, value: int) -> "_Bits":
        """``value`` in ``count`` bits."""
        self._digits += f"{value:0{count}b}"
        return self

    def ue(self, value: int) -> "_Bits":
        """Exp-Golomb: as many zeros as bits follow the first one."""
        digits = f"{value + 1:b}"
        self._digits += "0" * (len(digits) - 1) + digits
        return self

    def aligned(self) -> bytes:
        """In bytes, the last filled up with zeros."""
        digits = self._digits + "0" * (-len(self._digits) % 8)
        return int(digits, 2).to_bytes(len(digits) // 8)
