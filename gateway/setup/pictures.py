"""Provisioning codes as pictures: drawn to be printed, and read from a file or by a camera."""

import asyncio
from pathlib import Path
from typing import Final, cast

import numpy as np
import zxingcpp
from pydantic import ValidationError

from drivers import qr
from drivers.base import DeviceError
from drivers.camera.process import Eye
from drivers.eye.options import Options
from drivers.opencv import cv2
from drivers.qr.grey import Grey
from gateway.errors import GatewayError
from gateway.setup.coats import PREFIX
from gateway.setup.parcel import ParcelError

LONGEST: Final = 1853
"""Letters and digits in a QR code of version 25, 117 modules square, at level L."""
_LONGEST_AT_M: Final = 1451
"""As many with twice the redundancy: for stained paper."""
_PICTURE_SCALE: Final = 8
"""Pixels a module: printed at 300 dpi the largest code is 8 cm wide."""
_PATIENCE_S: Final = 60.0


def as_picture(code: str) -> bytes:
    """The code as a QR code, a PNG.

    Raises:
        ParcelError: it is too long for one that a phone or a small camera reads.
    """
    if len(code) > LONGEST:
        raise ParcelError(
            f"the code has {len(code)} characters; {LONGEST} fit into a picture that can be"
            " read well: leave something out, see --without"
        )
    level = "M" if len(code) <= _LONGEST_AT_M else "L"
    made = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    picture = zxingcpp.write_barcode_to_image(made, scale=_PICTURE_SCALE)
    _, png = cv2.imencode(".png", np.asarray(picture))
    return png.tobytes()


def seen(source: str) -> str:
    """The provisioning code in a picture file, or held before a camera within a minute.

    Raises:
        GatewayError: there is none to be seen, or no camera to see with.
    """
    try:
        texts = _in_picture(source) if Path(source).is_file() else asyncio.run(_by_camera(source))
    except DeviceError as error:
        raise GatewayError(f"{source}: {error}") from error
    except TimeoutError as error:
        raise GatewayError(f"{source}: no provisioning code seen in {_PATIENCE_S:g} s") from error
    except (OSError, ValidationError) as error:
        raise GatewayError("this is no code, no picture that is there, and no camera") from error
    for text in texts:
        if text.startswith(PREFIX):
            return text
    raise GatewayError(f"{source}: no provisioning code can be read in this picture")


def _in_picture(path: str) -> list[str]:
    grey = cast(Grey | None, cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    if grey is None:
        raise GatewayError(f"{path}: this is no picture that can be read")
    return qr.read(grey)


async def _by_camera(source: str) -> list[str]:
    async with asyncio.timeout(_PATIENCE_S), Eye(Options(source=source)) as eye:
        await eye.ready()
        while True:
            for code in (await eye.look()).codes:
                if code.payload.startswith(PREFIX.encode()):
                    return [code.payload.decode(errors="replace")]
