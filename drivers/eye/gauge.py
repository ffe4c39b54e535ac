"""How large a code is in the picture, for those who mount the camera."""

from math import dist
from typing import Final, cast

import zxingcpp

from drivers.opencv import cv2
from drivers.qr.grey import Grey

_FORMATS: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2])


def module_px(grey: Grey) -> float | None:
    """Side of one module of the largest QR code, in pixels; ``None`` if none is seen.

    A code counts that could not be read, too, as long as its version could.
    """
    if sides := _sides(grey):
        return max(sides)
    doubled = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return max((side / 2 for side in _sides(doubled)), default=None)


def _sides(grey: "cv2.typing.MatLike") -> list[float]:
    sides = []
    for barcode in zxingcpp.read_barcodes(grey, formats=_FORMATS, return_errors=True):
        told = cast(dict[str, str], barcode.extra or {})
        if version := int(told.get("Version", 0)):
            at = barcode.position
            corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
            points = [(corner.x, corner.y) for corner in corners]
            around = sum(dist(a, b) for a, b in zip(points, points[1:] + points[:1], strict=True))
            sides.append(around / 4 / (17 + 4 * version))
    return sides
