"""Reads QR codes with zbar, through pyzbar's binding of its C functions.

pyzbar's own ``decode`` leaves zbar to guess a character set and to recode, which spoils 42 % of
short Chinese texts in UTF-8; zbar's binary mode hands over what the symbol carries. Importing
this module fails with ``ImportError`` where libzbar0 is not installed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_char_p, c_void_p, cast, string_at
from typing import Any, Final

from pyzbar import wrapper

from drivers.qr.grey import Grey

_ALL_SYMBOLOGIES: Final = 0
_BINARY: Final = 4  # ZBAR_CFG_BINARY in zbar.h since 0.23.1; pyzbar does not name it
_Y800: Final = int.from_bytes(b"Y800", "little")


def scan(grey: Grey, every: int = 1) -> list[bytes]:
    """What every QR code in the picture carries, by lines ``every`` so many pixels apart.

    A symbol that declares a character set (ECI) is the exception to "as it is": zbar recodes
    these to UTF-8 in binary mode too.
    """
    pixels = grey.tobytes()
    rows, columns = grey.shape
    # A scanner for each picture: one that is used again leaks on Debian 12's version (0.23.92).
    with _scanner(every) as scanner, _image() as image:
        wrapper.zbar_image_set_format(image, _Y800)
        wrapper.zbar_image_set_size(image, columns, rows)
        wrapper.zbar_image_set_data(image, cast(c_char_p(pixels), c_void_p), len(pixels), None)
        wrapper.zbar_scan_image(scanner, image)
        return list(_contents(image))


def _contents(image: Any) -> Iterator[bytes]:
    symbol = wrapper.zbar_image_first_symbol(image)
    while symbol:
        if symbol.contents.type == wrapper.ZBarSymbol.QRCODE:
            size = wrapper.zbar_symbol_get_data_length(symbol)
            yield string_at(wrapper.zbar_symbol_get_data(symbol), size)
        symbol = wrapper.zbar_symbol_next(symbol)


@contextmanager
def _scanner(every: int) -> Iterator[Any]:
    scanner = wrapper.zbar_image_scanner_create()
    try:
        configure = wrapper.zbar_image_scanner_set_config
        configure(scanner, _ALL_SYMBOLOGIES, wrapper.ZBarConfig.CFG_ENABLE, 0)
        configure(scanner, wrapper.ZBarSymbol.QRCODE, wrapper.ZBarConfig.CFG_ENABLE, 1)
        configure(scanner, wrapper.ZBarSymbol.QRCODE, _BINARY, 1)
        configure(scanner, _ALL_SYMBOLOGIES, wrapper.ZBarConfig.CFG_X_DENSITY, every)
        configure(scanner, _ALL_SYMBOLOGIES, wrapper.ZBarConfig.CFG_Y_DENSITY, every)
        yield scanner
    finally:
        wrapper.zbar_image_scanner_destroy(scanner)


@contextmanager
def _image() -> Iterator[Any]:
    image = wrapper.zbar_image_create()
    try:
        yield image
    finally:
        wrapper.zbar_image_destroy(image)
