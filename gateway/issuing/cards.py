"""Cards: the code, whom it is for in writing, and room for a photo, for the human check."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

import segno
from msgspec import Struct
from PIL import Image, ImageDraw

from gateway.events import Class
from gateway.issuing import code
from gateway.issuing.wanted import Wanted
from gateway.issuing.writing import Writing

_DPI: Final = 300
_MM: Final = _DPI / 25.4
_WIDTH, _HEIGHT = 85.6, 54.0
"""Of a card in mm: ISO/IEC 7810, ID-1."""
_MARGIN: Final = 3.0
_PHOTO: Final = (22.0, 28.0)
_PAGE: Final = (210.0, 297.0)
_COLUMNS, _ROWS = 2, 5

TITLES: Final = {
    Class.RESIDENT: "居民通行证 Resident",
    Class.VISITOR: "访客通行证 Visitor",
    Class.ADMISSION: "入住条 Admission",
    Class.STAFF: "工作证 Staff",
    Class.VEHICLE: "车辆通行证 Vehicle",
    Class.DELIVERY: "配送通行证 Delivery",
}


class Card(Struct, frozen=True):
    """What is on one."""

    wanted: Wanted
    code: segno.QRCode

    @property
    def lines(self) -> list[str]:
        """In writing: what it is, the name, until when, which."""
        said = self.wanted.said
        until = f"{datetime.fromtimestamp(said.end - 1).astimezone():%Y-%m-%d}"
        title = TITLES[said.kind] + (f" ({said.role})" if said.role else "")
        return [title, self.wanted.name or "", f"有效期至 until {until}", said.number.hex()]


def svg(card: Card) -> str:
    """The card as a drawing; the font is that of whoever opens it."""
    side, (photo_width, photo_height) = _HEIGHT - 2 * _MARGIN, _PHOTO
    left = _MARGIN + side + 2
    scale = side / card.code.symbol_size(border=code.QUIET)[0]
    path = card.code.svg_inline(border=code.QUIET, omitsize=False, scale=scale, svgclass=None)
    written = "".join(
        f'<text x="{left}" y="{_MARGIN + photo_height + 5 + 4.5 * number}"'
        f' font-size="{_fitting(line)}">{escape(line)}</text>'
        for number, line in enumerate(card.lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}mm" height="{_HEIGHT}mm"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="Noto Sans CJK SC, sans-serif">'
        f'<rect width="100%" height="100%" rx="3" fill="#fff" stroke="#999" stroke-width="0.2"/>'
        f'<g transform="translate({_MARGIN} {_MARGIN})">{path}</g>'
        f'<rect x="{left}" y="{_MARGIN}" width="{photo_width}" height="{photo_height}"'
        f' fill="none" stroke="#999" stroke-width="0.2"/>{written}</svg>\n'
    )


def _fitting(line: str) -> float:
    """A size in mm at which it fits beside the code; a Chinese character is as wide as high."""
    width = sum(1.0 if ord(each) > 0x2E7F else 0.55 for each in line)
    room = _WIDTH - _HEIGHT - 2
    return round(min(3.4, room / max(width, 1)), 2)


def picture(card: Card, writing: Writing) -> Image.Image:
    """The card at 300 dots per inch, black on white."""
    image = Image.new("1", (_px(_WIDTH), _px(_HEIGHT)), 1)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width - 1, image.height - 1), outline=0)
    side = _px(_HEIGHT - 2 * _MARGIN)
    module = side // card.code.symbol_size(border=code.QUIET)[0]  # whole dots: sharp edges
    for y, line in enumerate(card.code.matrix_iter(border=code.QUIET)):
        for x, dark in enumerate(line):
            if dark:
                place = (_px(_MARGIN) + x * module, _px(_MARGIN) + y * module)
                draw.rectangle((*place, place[0] + module - 1, place[1] + module - 1), fill=0)
    left, top = _px(_MARGIN) + side + _px(2), _px(_MARGIN)
    draw.rectangle((left, top, left + _px(_PHOTO[0]), top + _px(_PHOTO[1])), outline=0)
    for number, text in enumerate(card.lines):
        place = (left, top + _px(_PHOTO[1] + 2 + 4.5 * number))
        writing.write(draw, place, text, round(_fitting(text) * _MM))
    return image


def sheets(cards: Sequence[Card], writing: Writing) -> list[Image.Image]:
    """A4 pages with ten cards each, to cut along their edges."""
    pages = []
    left, top = (_PAGE[0] - _COLUMNS * _WIDTH) / 2, (_PAGE[1] - _ROWS * _HEIGHT) / 2
    for first in range(0, len(cards), _COLUMNS * _ROWS):
        page = Image.new("1", (_px(_PAGE[0]), _px(_PAGE[1])), 1)
        for number, card in enumerate(cards[first : first + _COLUMNS * _ROWS]):
            row, column = divmod(number, _COLUMNS)
            place = (_px(left + column * _WIDTH), _px(top + row * _HEIGHT))
            page.paste(picture(card, writing), place)
        pages.append(page)
    return pages


def save(cards: Sequence[Card], output: Path, font: Path | None) -> None:
    """Draw `cards` into `output`, by the ending of its name.

    Raises:
        OSError: it cannot be written.
        GatewayError: there is no font for what is to be printed.
    """
    if output.suffix == ".svg":
        output.write_text(svg(cards[0]), encoding="utf-8")
        return
    writing = Writing.of((line for card in cards for line in card.lines), font)
    if output.suffix == ".png":
        picture(cards[0], writing).save(output, dpi=(_DPI, _DPI))
        return
    first, *others = sheets(cards, writing)
    first.save(output, "PDF", resolution=_DPI, save_all=True, append_images=others)


def _px(millimetres: float) -> int:
    return round(millimetres * _MM)
