"""Pictures of codes, as clean or as spoilt as a test wants them."""

from typing import Any, cast

import numpy as np
import segno

from drivers.opencv import cv2
from drivers.qr.grey import Grey


def qr(content: bytes | str, *, scale: int = 4, **options: Any) -> Grey:
    """A QR code with its quiet zone, ``scale`` pixels per module; ``options`` go to segno."""
    return picture(segno.make(content, micro=False, boost_error=False, **options), scale)


def raw(payload: bytes, *, scale: int = 4) -> Grey:
    """A QR code that carries ``payload`` in byte mode and says nothing about character sets."""
    return qr(payload, scale=scale, mode="byte")


def picture(code: segno.QRCode, scale: int = 4) -> Grey:
    rows = [list(row) for row in code.matrix_iter(scale=scale, border=4)]
    return np.where(np.array(rows, np.uint8) > 0, np.uint8(0), np.uint8(255))


def turned(grey: Grey, degrees: float) -> Grey:
    """Turned within a white square large enough for it."""
    side = round(max(grey.shape) * 1.5)
    matrix = cv2.getRotationMatrix2D((grey.shape[1] / 2, grey.shape[0] / 2), degrees, 1.0)
    matrix[:, 2] += [(side - grey.shape[1]) / 2, (side - grey.shape[0]) / 2]
    return cast(Grey, cv2.warpAffine(grey, matrix, (side, side), borderValue=(255,)))


def noise(rows: int = 480, columns: int = 640, *, seed: int = 1) -> Grey:
    """Nothing but noise."""
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), np.uint8).astype(np.uint8)


def jpeg(grey: Grey) -> bytes:
    """As a camera sends it."""
    return cv2.imencode(".jpg", grey)[1].tobytes()
