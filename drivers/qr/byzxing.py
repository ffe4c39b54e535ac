"""What can be tried with zxing; importing this fails with ``ImportError`` where it is missing."""

from collections.abc import Callable
from typing import Final, NamedTuple

from drivers.qr import easier, zxing
from drivers.qr.grey import Grey
from drivers.qr.straighten import straightened
from drivers.qr.symbol import Attempt, Attempts, Dear, Look, Symbol
from drivers.reading import ReadingConfig

_STRAIGHTENED_MOST: Final = 2
"""In one picture: zxing reports some unreadable codes several times over."""
_ONCE: Final = zxing.How(inverted=False, reduced=False)
_NEAR: Final = zxing.How(inverted=False)


class _Way(NamedTuple):
    prepare: Callable[[Grey], Grey]
    ns_per_px: float


_QUICK: Final[dict[str, Callable[[Grey], Grey]]] = {
    "thickened": lambda grey: easier.thickened(easier.halved(grey)),
    "darkened": lambda grey: easier.darkened(easier.halved(grey)),
}
_DEAR: Final = {
    "darkened-whole": _Way(easier.darkened, 1.2),
    "doubled": _Way(easier.doubled, 5.5),
    "two-toned": _Way(lambda grey: easier.two_toned(easier.halved(grey)), 0.7),
    "evened": _Way(easier.evened, 3.8),
}


def attempts(config: ReadingConfig) -> Attempts:
    """All of them; only the first one reads anything but QR codes."""
    if "qr" not in config.symbologies:
        how = zxing.How(config.symbologies, config.inverted)
        return Attempts([lambda grey: _look(grey, "zxing", how)])
    often = zxing.How(inverted=config.inverted)
    return Attempts(
        [_first(config), *(_attempt(name, way, _ONCE) for name, way in _QUICK.items())],
        [Dear(_attempt(name, way.prepare, often), way.ns_per_px) for name, way in _DEAR.items()],
    )


def _first(config: ReadingConfig) -> Attempt:
    # The halved picture does for QR codes near by what zxing's own reduced one would, and better.
    whole_way = zxing.How(
        config.symbologies, config.inverted, reduced=config.symbologies != ("qr",)
    )

    def attempt(grey: Grey) -> Look:
        whole = _look(grey, "zxing", whole_way)
        if whole.symbols:
            return whole
        near = _look(easier.halved(grey), "zxing-halved", _NEAR)
        return Look(near.symbols, whole.unreadable or near.unreadable)

    return attempt


def _attempt(name: str, prepare: Callable[[Grey], Grey], how: zxing.How) -> Attempt:
    return lambda grey: _look(prepare(grey), f"zxing-{name}", how)


def _look(grey: Grey, decoder: str, how: zxing.How) -> Look:
    scan = zxing.scan(grey, how)
    symbols = [_symbol(each, decoder) for each in scan.found]
    for unread in scan.unread[:_STRAIGHTENED_MOST]:
        drawn = straightened(grey, unread.corners, unread.version)
        again = [] if drawn is None else zxing.scan(drawn).found
        # Where nothing was to spare, chance may have made of it the code of something else.
        symbols += [
            _symbol(each, f"{decoder}-straightened")
            for each in again
            if each.spare > 0 and each.payload not in {known.payload for known in symbols}
        ]
    return Look(symbols, scan.unreadable)


def _symbol(found: zxing.Found, decoder: str) -> Symbol:
    return Symbol(found.payload, found.text, found.symbology, decoder)
