"""The ways of reading a picture with the decoders that are installed."""

import sys
from collections.abc import Callable
from typing import Final

from drivers.qr import easier
from drivers.qr.grey import Grey
from drivers.qr.symbol import Attempt, Attempts, Dear, Look, Symbol
from drivers.qr.text import as_text
from drivers.reading import ReadingConfig

_BEFORE_ZBAR: Final = 2
"""Dear attempts tried before zbar, which takes as long as the doubled picture and reads fewer."""
_ZBAR_NS: Final = 4.7


def possible(config: ReadingConfig) -> tuple[Attempts, list[str]]:
    """What is possible on this machine, and a sentence for each decoder that is not installed."""
    quick: list[Attempt] = []
    dear: list[Dear] = []
    missing = []
    try:
        from drivers.qr import byzxing

        found = byzxing.attempts(config)
        quick, dear = [*found.quick], [*found.dear]
    except ImportError:
        missing.append(f"zxing-cpp is missing: {sys.executable} -m pip install zxing-cpp")
    try:
        if "qr" in config.symbologies:
            _add_zbar(quick, dear)
    except ImportError:
        missing.append(
            f"zbar is missing: apt-get install libzbar0; {sys.executable} -m pip install pyzbar"
        )
    return Attempts(quick, dear), missing


def _add_zbar(quick: list[Attempt], dear: list[Dear]) -> None:
    from drivers.qr import zbar

    def attempt(name: str, prepare: Callable[[Grey], Grey], every: int = 1) -> Attempt:
        def look(grey: Grey) -> Look:
            payloads = zbar.scan(prepare(grey), every)
            return Look([Symbol(each, as_text(each), "qr", name) for each in payloads])

        return look

    # It reads more codes in small pictures than in large ones, and is quicker.
    halved = attempt("zbar", easier.halved)
    if quick:
        quick.append(attempt("zbar-quartered", easier.quartered, every=2))
        dear.insert(_BEFORE_ZBAR, Dear(halved, _ZBAR_NS))
    else:
        quick.append(halved)
