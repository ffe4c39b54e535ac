"""What the one on the ladder is told."""

import pytest

from drivers.eye.messages import Code, Look, Measures
from gateway.aim.advice import advice, brightness_word, focus_word
from gateway.aim.board import Board

GOOD = Measures(brightness=120, glare=0, structure=9.8, focus=100, sharpness=0.8, same_s=0)
CODE = Code(payload=b"secret", symbology="qr", decoder="zbar")


def look(*codes: Code, module_px: float | None = None, **others: object) -> Look:
    picture = {"taken_s": 1, "took_ms": 3, "width": 1280, "height": 720}
    return Look.model_validate({**picture, "codes": codes, "module_px": module_px, **others})


def like(**figures: float | None) -> Measures:
    return GOOD.model_copy(update=figures)


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (look(), "hold up a code where people will hold it"),
        (look(module_px=1.8), "move closer: 1.8 pixels per module, 2.5 needed"),
        (look(CODE, module_px=1.8), "move closer: 1.8 pixels per module, 2.5 needed"),
        (look(module_px=4.0), "a code is seen but not read: hold it still and flat, away from"
         " reflections"),
        (look(CODE, module_px=4.0), "good: the code is read"),
        (look(CODE), "good: the code is read"),
    ],
)  # fmt: skip
def test_about_the_code(shown: Look, sentence: str) -> None:
    assert advice(shown, GOOD, 15) == [sentence]


@pytest.mark.parametrize(
    ("measures", "begins"),
    [
        (like(glare=0.5), "overexposed"),
        (like(structure=0.1), "nothing to see"),
        (like(sharpness=0.2), "out of focus"),
        (like(sharpness=0.4), "turn the lens"),
        (like(brightness=20, sharpness=None), "dark"),
        (like(brightness=220), "very bright"),
    ],
)
def test_about_the_picture(measures: Measures, begins: str) -> None:
    said = advice(look(CODE, module_px=4.0), measures, 15)
    assert said[0].startswith(begins)
    assert "good: the code is read" not in said


def test_about_the_frame_rate() -> None:
    assert advice(look(CODE), GOOD, 4.4)[0].startswith("only 4 pictures a second")
    assert advice(look(CODE), None, None) == ["good: the code is read"]


@pytest.mark.parametrize(
    ("sharpness", "word"),
    [(0.9, "sharp"), (0.4, "soft"), (0.2, "blurred"), (None, "no edges to tell")],
)
def test_focus_in_a_word(sharpness: float | None, word: str) -> None:
    assert focus_word(like(sharpness=sharpness)) == word


@pytest.mark.parametrize(("brightness", "word"), [(10, "dark"), (120, "good"), (230, "bright")])
def test_brightness_in_a_word(brightness: float, word: str) -> None:
    assert brightness_word(like(brightness=brightness)) == word


def test_the_board_shows_figures_and_never_a_codes_content() -> None:
    board = Board()
    for turn in range(5):
        board.show(look(CODE, module_px=3.14, taken_s=turn / 10, measures=GOOD, picture=b"jpeg"))
    assert board.view.figures == {
        "picture": "1280 × 720",
        "frame rate": "10.0 a second",
        "focus": "100 (sharp)",
        "brightness": "120 (good)",
        "module": "3.1 pixels",
        "reader": "zbar in 3 ms",
    }
    assert "secret" not in repr(board.view)
    assert board.view.picture == b"jpeg"

    board.fail("the camera is gone")
    assert (board.view.figures, board.view.advice) == ({}, ["the camera is gone"])
