"""What is said about photographs: what was read, and why the rest was not."""

import json
from pathlib import Path

import numpy as np
import pytest

from drivers.opencv import cv2
from drivers.qr.grey import Grey
from tests.bench import photos
from tests.bench.misses import reason
from tests.drivers import codes

CODE = codes.raw(b"https://pass.example.org/p/17", scale=6)


def torn(grey: Grey) -> Grey:
    """With more gone than error correction repairs, but for the corners."""
    rows, columns = grey.shape
    torn = grey.copy()
    torn[rows * 2 // 5 : rows * 3 // 5, columns // 5 : columns * 4 // 5] = 0
    return torn


@pytest.mark.parametrize(
    ("grey", "why"),
    [
        (torn(CODE), "bent or damaged"),
        (torn(codes.small(CODE, 2.2 / 6)), "modules below 2.5 pixels"),
        (torn(codes.faint(CODE, 30)), "faint"),
        (codes.glaring(CODE, 0.4), "glare"),
        (torn(codes.shaded(CODE, 0.1)), "a reflection or shade across it"),
        (codes.blurred(codes.held_up(CODE), 14), "not found: the picture is blurred"),
        (np.full((480, 640), 255, np.uint8), "not found: glare"),
        (codes.noise(), "not found: its corner patterns"),
    ],
)
def test_why_a_code_was_not_read_is_measured(grey: Grey, why: str) -> None:
    assert reason(grey).startswith(why)


def test_folders_of_photos(tmp_path: Path) -> None:
    truth = {
        "read.png": {"codes": [{"text": "https://pass.example.org/p/17"}]},
        "torn.png": {"codes": [{"text": "https://pass.example.org/p/17"}]},
        "other.png": {"codes": [{"text": "something else"}]},
        "empty.png": {"codes": []},
    }
    shots = [CODE, torn(CODE), CODE, codes.noise()]
    (tmp_path / "gate").mkdir()
    for name, grey in zip(truth, shots, strict=True):
        cv2.imwrite(str(tmp_path / "gate" / name), grey)
    (tmp_path / "gate" / "truth.json").write_text(json.dumps(truth))

    told = {each.name: (each.value, each.limit) for each in photos.figures(photos.read(tmp_path))}

    del told["camera, a photo"]
    assert told == {
        "camera, gate read": (1, 3),
        "camera, pictures read": (1, 3),
        "camera, codes read": (1, 3),
        "camera, read wrongly": (1, 3),
        "camera, read without a code": (0, 1),
        "camera, missed, read otherwise": (1, 2),
        "camera, missed, bent or damaged: more than its error correction repairs": (1, 2),
    }
