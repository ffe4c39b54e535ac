"""The QR code of a pass: as large as a camera at a gate reads well from a card, and no larger."""

from typing import Final

import segno

from gateway.errors import GatewayError

LARGEST_VERSION: Final = 8
"""49 modules: 0.8 mm each on a card of credit-card height."""
QUIET: Final = 4
"""Modules of white around it (ISO/IEC 18004)."""


def drawn(text: bytes) -> segno.QRCode:
    """The code, with as much error correction as there is room for.

    Raises:
        GatewayError: it says too much.
    """
    for level in "hqml":
        code = segno.make_qr(text.decode("ascii"), error=level, boost_error=False)
        if int(code.version) <= LARGEST_VERSION:
            return code
    raise GatewayError(
        f"a code of {len(text)} characters takes more than version {LARGEST_VERSION}; choose a"
        " shorter --sub, --role or name of the issuer"
    )
