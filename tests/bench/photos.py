"""Codes read on photographs, by folder, and why the others were not.

A folder of photos has a `truth.json`: `{"a.jpg": {"codes": [{"text": …, "hex": …}], "also": […]}}`;
no codes means that there is nothing to be read, a code without text and hex that nobody knows what
it says. `also` lists texts that may be read there, too.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any, Final

import cv2

from drivers import qr
from drivers.qr.grey import Grey
from tests.bench.figures import Figure, at_most, share
from tests.bench.misses import reason

_LONG_EDGE: Final = 1280
_FRAME: Final = (1280, 720)
_CHARSETS: Final = ("utf-8", "gb18030", "shift_jis", "big5", "euc_kr", "latin-1")
"""In which the same bytes may have been read."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read on one photo."""

    folder: str
    codes: int
    found: int
    wrong: int
    """Texts that are not there."""
    cpu_s: float
    missed: str | None = None
    """Why nothing was read."""
    large: Grey | None = None
    """The photo as a 720p picture, if there is no code on it."""


def read(folder: Path) -> list[Read]:
    """All photos of a folder, or of the folders in it."""
    return [
        _read(_load(truth.parent / name), known, truth.parent.name)
        for truth in sorted([*folder.glob("truth.json"), *folder.glob("*/truth.json")])
        for name, known in json.loads(truth.read_text()).items()
    ]


def figures(photos: Sequence[Read]) -> Iterator[Figure]:
    """Each folder, all together, and the misses by reason."""
    with_code = [photo for photo in photos if photo.codes]
    for folder in dict.fromkeys(photo.folder for photo in with_code):
        yield _share_read(folder, [photo for photo in with_code if photo.folder == folder])
    without = [photo for photo in photos if not photo.codes]
    codes = sum(photo.codes for photo in photos)
    yield _share_read("pictures", with_code, share(0.9))
    yield Figure("camera, codes read", sum(each.found for each in with_code), "", codes, "codes")
    for name, some in (("read wrongly", with_code), ("read without a code", without)):
        wrong = sum(photo.wrong for photo in some)
        yield Figure(f"camera, {name}", wrong, "", len(some), "pictures", [at_most(0)])
    yield Figure("camera, a photo", _cpu_ms(photos), "ms CPU", reach=[at_most(15)])
    missed = Counter(photo.missed for photo in with_code if photo.missed)
    for why, count in missed.most_common():
        yield Figure(f"camera, missed, {why}", count, "", missed.total(), "missed")


def _share_read(name: str, photos: Sequence[Read], *reach: Any) -> Figure:
    found = sum(photo.found > 0 for photo in photos)
    return Figure(f"camera, {name} read", found, "", len(photos), "pictures with a code", reach)


def _cpu_ms(photos: Iterable[Read]) -> float:
    spent = [photo.cpu_s for photo in photos]
    return sum(spent) * 1e3 / max(1, len(spent))


def _load(path: Path) -> Grey:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError(path)
    factor = _LONG_EDGE / max(picture.shape)
    if factor < 1:
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return picture  # type: ignore[return-value]


def _read(picture: Grey, known: dict[str, Any], folder: str) -> Read:
    before = process_time()
    texts = qr.read(picture)
    cpu_s = process_time() - before
    codes = list(known["codes"])
    if not codes:
        return Read(folder, 0, 0, len(texts), cpu_s, large=_filling(picture))
    certain = all(_texts(code) for code in codes)
    allowed = {text for code in [*codes, *known.get("also", [])] for text in _texts(code)}
    left = [_texts(code) for code in codes]
    wrong = 0
    for text in map(_normal, texts):
        matching = next((each for each in left if text in each), None)
        if matching is not None:
            left.remove(matching)
        elif certain and text not in allowed:
            wrong += 1
    found = len(codes) - len(left)
    missed = None
    if not found:
        otherwise = "read otherwise" if certain else "read, but nobody knows what it says"
        missed = otherwise if texts else reason(picture)
    return Read(folder, len(codes), found, wrong, cpu_s, missed)


def _filling(picture: Grey) -> Grey:
    columns, rows = _FRAME
    factor = max(columns / picture.shape[1], rows / picture.shape[0])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    filling = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how)
    top, left = (filling.shape[0] - rows) // 2, (filling.shape[1] - columns) // 2
    return filling[top : top + rows, left : left + columns].copy()  # type: ignore[return-value]


def _texts(code: dict[str, str | None]) -> set[str]:
    """What may be read of a code; empty if nobody knows."""
    texts = set()
    if (text := code.get("text")) is not None:
        texts.add(_normal(text))
    if payload := code.get("hex"):
        for charset in _CHARSETS:
            texts.add(_normal(bytes.fromhex(payload).decode(charset, "replace")))
    return texts


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
