"""Reads QR codes with zxing-cpp."""

import re
from dataclasses import dataclass, field
from typing import Final

import zxingcpp

from drivers.qr.grey import Grey

# Not ``QRCode``: that family includes Micro QR and rMQR, so small that noise can pass for one.
_FORMATS: Final = zxingcpp.BarcodeFormats(
    [zxingcpp.BarcodeFormat.QRCodeModel1, zxingcpp.BarcodeFormat.QRCodeModel2]
)
_DECLARES_CHARSET: Final = "5D 51 32"  # the AIM identifier "]Q2", in hex
_KANA: Final = re.compile(r"[\u3041-\u30fe]")


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look gave."""

    found: list[tuple[bytes, str]] = field(repr=False)
    """What each code carries, and its text."""
    unreadable: bool
    """Something is there that is a code but could not be read."""


def scan(grey: Grey) -> Scan:
    """Every QR code in the picture."""
    barcodes = _read(grey, zxingcpp.TextMode.Plain)
    good = [barcode for barcode in barcodes if not barcode.error]
    return Scan(
        found=[(barcode.bytes, _text(barcode, grey)) for barcode in good],
        unreadable=len(good) < len(barcodes),
    )


def _read(grey: Grey, mode: zxingcpp.TextMode) -> list[zxingcpp.Barcode]:
    return zxingcpp.read_barcodes(grey, formats=_FORMATS, text_mode=mode, return_errors=True)


def _text(barcode: zxingcpp.Barcode, grey: Grey) -> str:
    """By the character set the symbol declares; undeclared, UTF-8, else GB18030.

    zxing sees to the first two, but where GB2312 (ECI 29) is declared and the larger GB18030 is
    meant, as many names need it, it leaves U+FFFD. Undeclared GB18030 it took for something else
    900 of 900 times, mostly for Latin; where it found kana, the text is Japanese and right.
    """
    payload, text = barcode.bytes, barcode.text
    if _is(payload, "utf-8") or not _is(payload, "gb18030"):
        return text
    certain = _KANA.search(text) or _declares_charset(payload, grey)
    return text if certain and "\ufffd" not in text else payload.decode("gb18030")


def _is(payload: bytes, charset: str) -> bool:
    try:
        payload.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _declares_charset(payload: bytes, grey: Grey) -> bool:
    """Whether the symbol names its character set: only this text mode tells, so look again."""
    again = _read(grey, zxingcpp.TextMode.HexECI)
    return any(
        barcode.bytes == payload and barcode.text.startswith(_DECLARES_CHARSET) for barcode in again
    )
