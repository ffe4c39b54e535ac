"""Reads codes with zxing-cpp, which also tells where one is that it cannot read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, cast

import numpy as np
import zxingcpp

from drivers.qr.grey import Grey
from drivers.qr.mode import HANZI, KANJI, first_mode
from drivers.qr.text import as_text

# Not ``QRCode``: that family includes Micro QR and rMQR, so small that noise can pass for one.
# Nor formats with a weak checksum or none, such as Code 39 and ITF.
_FORMATS: Final = {
    "qr": (zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2),
    "aztec": (zxingcpp.BarcodeFormat.AztecCode,),
    "data-matrix": (zxingcpp.BarcodeFormat.DataMatrix,),
    "pdf417": (zxingcpp.BarcodeFormat.PDF417,),
    "code-128": (zxingcpp.BarcodeFormat.Code128,),
}
_NAMES: Final = {
    zxingcpp.BarcodeFormat.QRCode: "qr",
    zxingcpp.BarcodeFormat.Aztec: "aztec",
    zxingcpp.BarcodeFormat.DataMatrix: "data-matrix",
    zxingcpp.BarcodeFormat.PDF417: "pdf417",
    zxingcpp.BarcodeFormat.Code128: "code-128",
}
"""By family, which is what zxing tells."""
_ECI: Final = re.compile(rb"\]..\\(\d{6})")
"""Behind the AIM identifier: the number of a character set (AIM ITS/04-023)."""
_GB2312: Final = 29
_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Found:
    """A code that was read."""

    payload: bytes = field(repr=False)
    text: str = field(repr=False)
    symbology: str
    spare: float
    """Share of the error correction that was not needed; QR only."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A QR code whose modules could not be read, although its place and version could."""

    corners: tuple[tuple[float, float], ...]
    version: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look gave."""

    found: list[Found]
    unread: list[Unread]
    unreadable: bool
    """Something is there that is a code but could not be read."""


@dataclass(frozen=True, slots=True)
class How:
    """How to look."""

    symbologies: Sequence[str] = ("qr",)
    inverted: bool = True
    """For light codes on a dark ground, too."""
    reduced: bool = True
    """At the picture on a smaller scale, too."""


def scan(grey: Grey, how: How = How()) -> Scan:
    """Every code of these kinds in the picture."""
    reading = _Reading(grey, how)
    barcodes = reading.read(zxingcpp.TextMode.Plain)
    bad = [barcode for barcode in barcodes if barcode.error]
    return Scan(
        found=[_found(barcode, reading) for barcode in barcodes if barcode.valid],
        unread=[unread for barcode in bad if (unread := _unread(barcode))],
        unreadable=bool(bad),
    )


@dataclass(frozen=True)
class _Reading:
    grey: Grey
    how: How

    def read(self, mode: zxingcpp.TextMode) -> list[zxingcpp.Barcode]:
        formats = [each for name in self.how.symbologies for each in _FORMATS[name]]
        return zxingcpp.read_barcodes(
            self.grey,
            formats=zxingcpp.BarcodeFormats(formats),
            try_invert=self.how.inverted,
            try_downscale=self.how.reduced,
            text_mode=mode,
            return_errors=True,
        )

    def charset(self, barcode: zxingcpp.Barcode) -> int | None:
        """The number of the character set that the symbol declares: only another text mode's AIM
        identifier tells whether it does."""
        plain = barcode.symbology_identifier.encode()
        for each in self._with_identifiers:
            told = bytes.fromhex(each.text)
            if each.bytes == barcode.bytes and not told.startswith(plain):
                return int(number[1]) if (number := _ECI.match(told)) else _UNKNOWN
        return None

    @cached_property
    def _with_identifiers(self) -> list[zxingcpp.Barcode]:
        return self.read(zxingcpp.TextMode.HexECI)


def _found(barcode: zxingcpp.Barcode, reading: _Reading) -> Found:
    spare = float(_told(barcode).get("UEC", 1))
    return Found(barcode.bytes, _text(barcode, reading), _NAMES[barcode.symbology], spare)


def _told(barcode: zxingcpp.Barcode) -> dict[str, str]:
    return cast(dict[str, str], barcode.extra or {})


def _unread(barcode: zxingcpp.Barcode) -> Unread | None:
    version = _told(barcode).get("Version", "")
    if barcode.symbology is not zxingcpp.BarcodeFormat.QRCode or not version.isdecimal():
        return None
    at = barcode.position
    corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return Unread(tuple((corner.x, corner.y) for corner in corners), int(version))


def _text(barcode: zxingcpp.Barcode, reading: _Reading) -> str:
    """By the character set that the symbol declares or its mode has, which zxing sees to, and else
    our own judgement: zxing takes undeclared GB18030 for something else, mostly for Latin.

    Where GB2312 is declared and the larger GB18030 is meant, as many names need it, zxing leaves
    U+FFFD.
    """
    payload, text = barcode.bytes, barcode.text
    judged = as_text(payload)
    if judged == text or ("\ufffd" not in text and _has_own_charset(barcode)):
        return text
    charset = reading.charset(barcode)
    if charset == _GB2312 and "\ufffd" in text:
        return payload.decode("gb18030", "replace")
    return judged if charset is None or "\ufffd" in text else text


def _has_own_charset(barcode: zxingcpp.Barcode) -> bool:
    mask = _told(barcode).get("DataMask")
    if mask is None or barcode.symbology is not zxingcpp.BarcodeFormat.QRCode:
        return False
    modules = np.array(barcode.to_image(scale=1, add_quiet_zones=False), np.uint8)
    return first_mode(modules, int(mask)) in (KANJI, HANZI)
