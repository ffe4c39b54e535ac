"""What the figures of a picture mean for the one on the ladder; plain words, no clock, no I/O."""

from typing import Final

from drivers.camera.conditions import RULES
from drivers.eye.messages import Look, Measures

NEEDED_PX: Final = 2.5
"""Pixels per module, from which photographs of codes are read reliably."""
_FRAMES: Final = 8.0
"""Pictures a second, below which somebody who walks by may be missed."""
_DARK: Final = 40
_BRIGHT: Final = 200
_SHARP: Final = 0.5
_SOFT: Final = 0.36


def focus_word(measures: Measures) -> str:
    """The sharpness in a word."""
    sharpness = measures.sharpness
    if sharpness is None:
        return "no edges to tell"
    if sharpness >= _SHARP:
        return "sharp"
    return "soft" if sharpness >= _SOFT else "blurred"


def brightness_word(measures: Measures) -> str:
    """The brightness in a word."""
    if measures.brightness < _DARK:
        return "dark"
    return "bright" if measures.brightness > _BRIGHT else "good"


def advice(look: Look, measures: Measures | None, fps: float | None) -> list[str]:
    """What to do, the most important first; one sentence of praise if there is nothing."""
    said = [] if measures is None else picture_advice(measures)
    if fps is not None and fps < _FRAMES:
        said.append(
            f"only {fps:.0f} pictures a second: ask the camera for a smaller picture or MJPEG, or"
            " give it more light"
        )
    return [*said, *_code(look, better=not said)]


def picture_advice(measures: Measures) -> list[str]:
    """What to do about the picture itself; nothing if it is good."""
    # A camera that is being aimed need not wait until a trouble has lasted.
    said = [rule.reason for rule in RULES if rule.verdict(rule.figure(measures), None)]
    if not said and measures.brightness < _DARK:
        said.append("dark: more light, or a longer exposure")
    if not said and measures.brightness > _BRIGHT:
        said.append("very bright: a shorter exposure, or turn the camera from the light")
    if focus_word(measures) != "sharp" and measures.sharpness is not None:
        said.append("turn the lens until the focus figure is highest")
    return said


def _code(look: Look, *, better: bool) -> list[str]:
    size = look.module_px
    if size is not None and size < NEEDED_PX:
        return [f"move closer: {size:.1f} pixels per module, {NEEDED_PX} needed"]
    if look.codes:
        return ["good: the code is read"] if better else []
    if size is not None:
        return ["a code is seen but not read: hold it still and flat, away from reflections"]
    return ["hold up a code where people will hold it"]
