"""Draws what a gate's camera sees: a gateway, people who walk up, hold up a code, and walk on.

Everything that costs time is drawn once, the scenery for all and a visitor when he is thought up;
a frame only lays one over the other: 2 ms at 960 × 540.
"""

import math
import random
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import segno

Picture: TypeAlias = npt.NDArray[np.uint8]
"""Rows × columns × blue, green, red."""

WALK_S: Final = 0.4
"""How long somebody takes to come into the picture, and to leave it."""

_NOISES: Final = 4
_NOISE: Final = 3.0  # standard deviation, as of a cheap sensor by day
_FIGURE: Final = (500, 420)  # rows, columns


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a code in hand, cut out; ``walking`` is the same, blurred by motion."""

    standing: Picture
    walking: Picture
    mask: npt.NDArray[np.bool_]
    sway_px: float


class Scene:
    """A camera's view, ``width`` × ``height``; the same seed always shows the same."""

    def __init__(self, width: int = 960, height: int = 540, *, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._backdrop = self._draw_backdrop(width, height)
        self._grain = [
            self._noise.normal(0, _NOISE, self._backdrop.shape).astype(np.int16)
            for _ in range(_NOISES)
        ]
        self._frames = 0

    def visitor(self, payload: bytes) -> Visitor:
        """Somebody who holds up a QR code with ``payload``, on a phone or on paper."""
        figure = np.zeros((*_FIGURE, 3), np.uint8)
        mask = np.zeros(_FIGURE, np.uint8)
        skin = (110, 150, 205)
        coat = tuple(self._random.randint(40, 160) for _ in range(3))
        for canvas, colours in ((figure, (coat, skin)), (mask, ((255,), (255,)))):
            cv2.ellipse(canvas, (150, 480), (130, 260), 0, 180, 360, colours[0], -1)
            cv2.circle(canvas, (150, 160), 70, colours[1], -1)
        self._hold_up(self._card(payload), figure, mask)
        figure = cv2.GaussianBlur(figure, (0, 0), 0.7).astype(np.uint8)
        return Visitor(
            standing=figure,
            walking=cv2.blur(figure, (31, 1)).astype(np.uint8),
            mask=mask > 0,
            sway_px=self._random.uniform(1, 4),
        )

    def empty(self) -> Picture:
        """The view with nobody in it."""
        return self._grainy(self._backdrop)

    def frame(self, visitor: Visitor, at_s: float, stays_s: float) -> Picture:
        """The view ``at_s`` seconds after ``visitor`` appeared, who stays ``stays_s`` in all."""
        picture = self._backdrop.copy()
        self._place(picture, visitor, at_s, stays_s)
        return self._grainy(picture)

    def photo(self, photo: Picture) -> Picture:
        """A photo instead of the scene, as large as fits the view, on grey."""
        rows, columns = self._backdrop.shape[:2]
        factor = min(rows / photo.shape[0], columns / photo.shape[1])
        fitted = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        picture = np.full_like(self._backdrop, 128)
        picture[: fitted.shape[0], : fitted.shape[1]] = fitted[:rows, :columns]
        return picture

    def _draw_backdrop(self, width: int, height: int) -> Picture:
        blotches = self._noise.integers(0, 255, (height // 16, width // 16, 3)).astype(np.uint8)
        wall = cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC) // 12 + 125
        light = np.linspace(1.15, 0.7, height)[:, None, None]
        backdrop = np.clip(wall * light, 0, 255).astype(np.uint8)
        cv2.rectangle(backdrop, (0, height * 5 // 6), (width, height), (95, 100, 105), -1)
        for post in (width // 12, width * 10 // 12):
            cv2.rectangle(backdrop, (post, height // 5), (post + 30, height), (60, 60, 70), -1)
        for bar in range(height // 4, height * 5 // 6, 40):
            cv2.line(backdrop, (width // 12, bar), (width * 10 // 12, bar), (140, 150, 150), 4)
        return backdrop

    def _card(self, payload: bytes) -> Picture:
        """The code with its quiet zone on a phone's screen or a sheet, 260 × 340, unturned."""
        paper = self._random.random() < 0.4
        rows = segno.make_qr(payload, error="m", boost_error=False).matrix_iter(border=4)
        modules = np.array([list(row) for row in rows], np.uint8)
        white, black = (self._random.randint(205, 235), self._random.randint(15, 45))
        code = np.where(modules > 0, black, white).astype(np.uint8)
        code = cv2.resize(code, (230, 230), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
        card = np.full((340, 260), white if paper else 25, np.uint8)
        card[50:280, 15:245] = code
        shade = np.linspace(1.0, self._random.uniform(0.75, 1.0), 260)
        return np.repeat((card * shade).astype(np.uint8)[:, :, None], 3, axis=2)

    def _hold_up(self, card: Picture, figure: Picture, mask: Picture) -> None:
        """Lay the card before the figure, turned and tilted a little."""
        turn = math.radians(self._random.uniform(-12, 12))
        corners = []
        for x, y in ((-115, -150), (115, -150), (115, 150), (-115, 150)):
            tilt_x, tilt_y = (self._random.uniform(-7, 7) for _ in range(2))
            across = 270 + x * math.cos(turn) - y * math.sin(turn) + tilt_x
            down = 300 + x * math.sin(turn) + y * math.cos(turn) + tilt_y
            corners.append((across, down))
        rows, columns = card.shape[:2]
        edges = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
        view = cv2.getPerspectiveTransform(edges, np.array(corners, np.float32))
        size = (_FIGURE[1], _FIGURE[0])
        held = cv2.warpPerspective(card, view, size, flags=cv2.INTER_AREA)
        covers = cv2.warpPerspective(np.full(card.shape[:2], 255, np.uint8), view, size) > 127
        figure[covers] = held[covers]
        mask[covers] = 255

    def _place(self, picture: Picture, visitor: Visitor, at_s: float, stays_s: float) -> None:
        rows, columns = picture.shape[:2]
        middle = (columns - _FIGURE[1]) // 2
        away = max(0.0, 1 - min(at_s, stays_s - at_s) / WALK_S)
        side = 1 if at_s < stays_s / 2 else -1
        sway = visitor.sway_px * math.sin(3 * at_s)
        left = round(middle + sway + side * away * (columns + _FIGURE[1]) / 2)
        top = rows - _FIGURE[0] + round(sway / 2)
        into = slice(max(0, left), max(0, min(columns, left + _FIGURE[1])))
        part = slice(into.start - left, into.stop - left)
        height = min(_FIGURE[0], rows - top)
        figure = visitor.walking if away else visitor.standing
        view = picture[top : top + height, into]
        mask = visitor.mask[:height, part]
        view[mask] = figure[:height, part][mask]

    def _grainy(self, picture: Picture) -> Picture:
        self._frames += 1
        grain = self._grain[self._frames % _NOISES]
        return cv2.add(picture, grain, dtype=cv2.CV_8U).astype(np.uint8)
