"""Pictures of codes, as clean or as spoilt as a test wants them."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import segno

from drivers.opencv import cv2
from drivers.qr.grey import Grey

if TYPE_CHECKING:
    import zxingcpp


def qr(content: bytes | str, *, scale: int = 4, **options: Any) -> Grey:
    """A QR code with its quiet zone, ``scale`` pixels per module; ``options`` go to segno."""
    return picture(segno.make(content, micro=False, boost_error=False, **options), scale)


def raw(payload: bytes, *, scale: int = 4) -> Grey:
    """A QR code that carries ``payload`` in byte mode and says nothing about character sets."""
    return qr(payload, scale=scale, mode="byte")


def picture(code: segno.QRCode, scale: int = 4) -> Grey:
    rows = [list(row) for row in code.matrix_iter(scale=scale, border=4)]
    return np.where(np.array(rows, np.uint8) > 0, np.uint8(0), np.uint8(255))


def printed(content: str, symbology: "zxingcpp.BarcodeFormat", *, scale: int = 4) -> Grey:
    """A code of another kind, with its quiet zone."""
    import zxingcpp  # here: a test takes it away

    barcode = zxingcpp.create_barcode(content, symbology)
    drawn = np.array(zxingcpp.write_barcode_to_image(barcode, scale=scale), np.uint8)
    return np.pad(drawn, 10 * scale, constant_values=255)


def turned(grey: Grey, degrees: float) -> Grey:
    """Turned within a white square large enough for it."""
    side = round(max(grey.shape) * 1.5)
    matrix = cv2.getRotationMatrix2D((grey.shape[1] / 2, grey.shape[0] / 2), degrees, 1.0)
    matrix[:, 2] += [(side - grey.shape[1]) / 2, (side - grey.shape[0]) / 2]
    return cast(Grey, cv2.warpAffine(grey, matrix, (side, side), borderValue=(255,)))


def aslant(grey: Grey, share: float) -> Grey:
    """Seen from one side: the far edge is ``share`` shorter than the near one."""
    rows, columns = grey.shape
    near = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    cut = rows * share / 2
    far = np.array([(0, 0), (columns, cut), (columns, rows - cut), (0, rows)], np.float32)
    matrix = cv2.getPerspectiveTransform(near, far)
    return cast(Grey, cv2.warpPerspective(grey, matrix, (columns, rows), borderValue=(255,)))


def rippled(grey: Grey, height: float, waves: float = 1.5) -> Grey:
    """On cloth or creased paper: shifted by up to ``height`` pixels, both ways, in waves."""
    down, across = np.indices(grey.shape, np.float32)
    turn = 2 * np.pi * waves / max(grey.shape)
    sideways = across + height * np.sin(down * turn)
    updown = down + height * np.sin(across * turn + 1)
    return cast(Grey, cv2.remap(grey, sideways, updown, cv2.INTER_LINEAR, borderValue=(255,)))


def wrapped(grey: Grey, degrees: float) -> Grey:
    """Around a bottle, of which the code covers this much."""
    columns = grey.shape[1]
    most = np.radians(degrees / 2)
    edge = np.linspace(-1, 1, columns) * np.sin(most)
    across = ((np.arcsin(edge) / most + 1) * (columns - 1) / 2).astype(np.float32)
    sag = ((np.cos(np.arcsin(edge)) - np.cos(most)) * columns * 0.15).astype(np.float32)
    down = np.arange(len(grey), dtype=np.float32)[:, None] - sag[None, :]
    both = np.broadcast_to(across, down.shape).copy(), down
    return cast(Grey, cv2.remap(grey, *both, cv2.INTER_LINEAR, borderValue=(255,)))


def blurred(grey: Grey, sigma: float) -> Grey:
    """Out of focus, by this many pixels."""
    return cast(Grey, cv2.GaussianBlur(grey, (0, 0), sigma))


def dotted(grey: Grey, scale: int) -> Grey:
    """By a worn printer, with a white line beside every module of ``scale`` pixels."""
    worn = grey.copy()
    worn[::scale] = worn[:, ::scale] = 255
    return worn


def faint(grey: Grey, contrast: int, ground: int = 100) -> Grey:
    """With this many grey levels between black and white."""
    return (grey.astype(np.uint16) * contrast // 255 + ground).astype(np.uint8)


def grainy(grey: Grey, sigma: float, *, seed: int = 1) -> Grey:
    """With a sensor's noise, of this standard deviation."""
    noisy = np.random.default_rng(seed).normal(grey, sigma)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def glaring(grey: Grey, share: float) -> Grey:
    """With a lamp's reflection, ``share`` of its width across, in the middle of the right half."""
    rows, columns = grey.shape
    down, across = np.indices(grey.shape)
    away = np.hypot(down - rows / 2, across - columns * 0.7) / (columns * share / 2)
    return cast(Grey, np.clip(grey + 400 * np.exp(-(away**2)), 0, 255).astype(np.uint8))


def shaded(grey: Grey, darkest: float) -> Grey:
    """In light that falls off to ``darkest`` of it from left to right."""
    return (grey * np.linspace(1, darkest, grey.shape[1])).astype(np.uint8)


def small(grey: Grey, factor: float) -> Grey:
    """From further away."""
    return cast(Grey, cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def held_up(grey: Grey, rows: int = 480, columns: int = 640, *, ground: int = 120) -> Grey:
    """Somewhere in a larger picture."""
    scene = np.full((rows, columns), ground, np.uint8)
    top, left = (rows - grey.shape[0]) // 3, (columns - grey.shape[1]) // 2
    scene[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return scene


def noise(rows: int = 480, columns: int = 640, *, seed: int = 1) -> Grey:
    """Nothing but noise."""
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), np.uint8).astype(np.uint8)


def jpeg(grey: Grey) -> bytes:
    """As a camera sends it."""
    return cv2.imencode(".jpg", grey)[1].tobytes()
