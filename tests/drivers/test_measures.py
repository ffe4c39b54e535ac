"""What a picture is like: drawn scenes by day and night, and what can befall a camera."""

from typing import cast

import numpy as np
import pytest

from drivers.camera.conditions import RULES
from drivers.emulators.scene import Scene
from drivers.eye.measures import measure, small
from drivers.eye.messages import Measures
from drivers.opencv import cv2
from drivers.qr.grey import Grey

GATE = cast(Grey, cv2.cvtColor(Scene(1280, 720).empty(), cv2.COLOR_BGR2GRAY))
ACROSS, DOWN = np.meshgrid(np.arange(1280), np.arange(720))


def measured(light: np.ndarray, noise: float = 3.0, same_s: float = 0.0) -> Measures:
    """As a sensor sees it, for two seconds, and its JPEGs bring it."""
    random = np.random.default_rng(1)
    average = np.zeros((90, 160), np.float32)
    for turn in range(1, 31):
        exposed = np.clip(light + random.normal(0, noise, light.shape), 0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", exposed, (cv2.IMWRITE_JPEG_QUALITY, 80))[1]
        grey = cast(Grey, cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE))
        cv2.accumulateWeighted(small(grey), average, 1 / turn)
    return measure(grey, average, same_s)


def troubles(measures: Measures) -> list[str]:
    return [rule.reason for rule in RULES if rule.verdict(rule.figure(measures), None)]


def lamp(strength: float, size: float) -> np.ndarray:
    distance = (ACROSS - 640) ** 2 + (DOWN - 150) ** 2
    return strength * np.exp(-distance / (2 * size**2))


@pytest.mark.parametrize("noise", [2.0, 6.0, 12.0])
@pytest.mark.parametrize("light", [1.0, 0.3, 0.1, 0.04])
def test_an_empty_gate_is_all_right_by_day_and_by_night(light: float, noise: float) -> None:
    assert troubles(measured(GATE * light, noise)) == []


def test_snow_and_a_small_sun_are_all_right() -> None:
    assert troubles(measured(GATE * 0.3 + 180)) == []
    assert troubles(measured(GATE * 0.4 + lamp(900, 120))) == []


@pytest.mark.parametrize(
    ("light", "noise"),
    [(0 * GATE, 1.0), (0 * GATE, 8.0), (0 * GATE + 16, 2.0), (0 * GATE + 40, 4.0)],
    ids=["black", "black and noisy", "black at video level", "a hand"],
)
def test_nothing_to_see(light: np.ndarray, noise: float) -> None:
    assert [each[:14] for each in troubles(measured(light, noise))] == ["nothing to see"]


def test_tape_with_light_from_one_side() -> None:
    (trouble,) = troubles(measured(100 + ACROSS / 1280 * 60))
    assert trouble.startswith("nothing to see")


@pytest.mark.parametrize(
    "light", [GATE * 2.2, GATE * 2.5 + lamp(600, 150)], ids=["overexposed", "sun"]
)
def test_overexposed(light: np.ndarray) -> None:
    (trouble,) = troubles(measured(light))
    assert trouble.startswith("overexposed")


@pytest.mark.parametrize("blur_px", [3, 5, 8])
def test_out_of_focus(blur_px: int) -> None:
    blurred = cv2.GaussianBlur(GATE, (0, 0), blur_px)
    assert troubles(measured(blurred)) == ["out of focus"]
    assert troubles(measured(blurred * 0.15, 10)) == [], "by night that cannot be told"


def test_the_sharper_the_higher() -> None:
    blurs_px = (0.5, 1, 1.5, 2, 3)
    figures = [measured(cv2.GaussianBlur(GATE, (0, 0), blur_px)) for blur_px in blurs_px]
    sharpness = [each.sharpness or 0 for each in figures]
    assert sharpness == sorted(sharpness, reverse=True)
    assert [each.focus for each in figures] == sorted((e.focus for e in figures), reverse=True)


def test_a_picture_too_narrow_for_an_edge() -> None:
    narrow = np.zeros((90, 20), np.uint8)
    assert measure(narrow, np.zeros((90, 160), np.float32), 0.0).sharpness is None
