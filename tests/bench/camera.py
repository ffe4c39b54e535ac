"""Codes read on photographs, and what it costs to look at a picture without one.

A folder of photos has a `truth.json`: `{"a.jpg": {"codes": [{"text": …, "hex": …}], "also": […]}}`;
no codes means that there is nothing to be read, a code without text and hex that nobody knows what
it says. `also` lists texts that may be read there, too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import cv2

from drivers import qr
from drivers.emulators.scene import Scene
from drivers.qr.grey import Grey
from tests.bench.figures import Figure, Settings

_LONG_EDGE = 1280
_CHARSETS = ("utf-8", "gb18030", "shift_jis", "big5", "euc_kr", "latin-1")
"""In which the same bytes may have been read."""


@dataclass(slots=True)
class Score:
    """What was read in how many pictures."""

    pictures: int = 0
    read: int = 0
    codes: int = 0
    codes_read: int = 0
    wrong: int = 0
    false: int = 0
    """Read where there is nothing."""
    empty: int = 0
    cpu_s: float = 0.0


def run(settings: Settings) -> Iterator[Figure]:
    """Empty frames; with `--photos` the photos."""
    cv2.setNumThreads(1)
    yield _empty_frames(settings.scaled(120, 30))
    if settings.photos:
        yield from _photos(settings.photos)


def _empty_frames(count: int) -> Figure:
    """One look of a stream at a 720p picture with nobody in it, beside unpacking it."""
    scene, reader = Scene(1280, 720), qr.open_reader()
    frames = [cv2.imencode(".jpg", scene.empty())[1] for _ in range(count)]
    before = process_time()
    greys = [cv2.imdecode(frame, cv2.IMREAD_GRAYSCALE) for frame in frames]
    unpacked = process_time()
    for grey in greys:
        reader.glance(grey)  # type: ignore[arg-type]
    looked = process_time()
    per_frame = [ms * 1e3 / count for ms in (looked - unpacked, unpacked - before)]
    return Figure("camera, empty 720p frame", per_frame[0], "ms CPU", per_frame[1], "its JPEG")


def _photos(folder: Path) -> Iterator[Figure]:
    score = Score()
    for truth in sorted([*folder.glob("truth.json"), *folder.glob("*/truth.json")]):
        for name, known in json.loads(truth.read_text()).items():
            _look(_load(truth.parent / name), known, score)
    pictures = score.pictures + score.empty
    yield Figure("camera, pictures read", score.read, "", score.pictures, "pictures with a code")
    yield Figure("camera, codes read", score.codes_read, "", score.codes, "codes in them")
    yield Figure("camera, read wrongly", score.wrong, "", score.pictures, "pictures with a code")
    yield Figure("camera, read without a code", score.false, "", score.empty, "pictures without")
    yield Figure("camera, a photo", score.cpu_s * 1e3 / pictures, "ms CPU")


def _load(path: Path) -> Grey:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError(path)
    factor = _LONG_EDGE / max(picture.shape)
    if factor < 1:
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return picture  # type: ignore[return-value]


def _look(picture: Grey, known: dict[str, Any], score: Score) -> None:
    before = process_time()
    texts = qr.read(picture)
    score.cpu_s += process_time() - before
    codes = list(known["codes"])
    if not codes:
        score.empty += 1
        score.false += bool(texts)
        return
    certain = all(_texts(code) for code in codes)
    allowed = {text for code in [*codes, *known.get("also", [])] for text in _texts(code)}
    left = [_texts(code) for code in codes]
    for text in map(_normal, texts):
        matching = next((each for each in left if text in each), None)
        if matching is not None:
            left.remove(matching)
        elif certain and text not in allowed:
            score.wrong += 1
    found = len(codes) - len(left)
    score.pictures += 1
    score.read += found > 0
    score.codes += len(codes)
    score.codes_read += found


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
