"""Writing on cards: each character in the first font that has it."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from PIL import ImageDraw, ImageFont

from gateway.errors import GatewayError

FONTS: Final = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)
"""Where Debian's packages put them, those with Chinese characters first, which may lack Latin."""
_NOTHING: Final = "\uffff"
"""No character, so what is drawn for it is what a font draws for what it has not."""


class Writing:
    """Fonts, the preferred first."""

    def __init__(self, fonts: tuple[ImageFont.FreeTypeFont, ...]) -> None:
        self._fonts = fonts

    @classmethod
    def of(cls, texts: Iterable[str], chosen: Path | None) -> "Writing":
        """Fonts for `texts`: that which is `chosen`, else what is installed, and Pillow's own.

        Raises:
            GatewayError: characters of the texts are in none of them.
        """
        fonts = tuple(_opened([str(chosen)] if chosen else FONTS))
        if chosen and len(fonts) < 2:
            raise GatewayError(f"{chosen} is no font that can be read")
        writing = cls(fonts)
        lacking = "".join(sorted(each for each in set("".join(texts)) if not writing.has(each)))
        if lacking:
            raise GatewayError(
                f"no font for {lacking[:20]}; install Debian's fonts-noto-cjk, or name a font that"
                " has them: --font FILE"
            )
        return writing

    def has(self, char: str) -> bool:
        """Whether it can be written."""
        return char == " " or any(_has(each, char) for each in self._fonts)

    def write(
        self, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int
    ) -> None:
        """Write `text` in black, `size` high, from `place` to the right."""
        left, top = place
        for font, run in groupby(text, self._font_of):
            sized, chars = font.font_variant(size=size), "".join(run)
            draw.text((left, top), chars, fill=0, font=sized)
            left += sized.getlength(chars)

    def _font_of(self, char: str) -> ImageFont.FreeTypeFont:
        return next((each for each in self._fonts if _has(each, char)), self._fonts[-1])


def _opened(paths: Iterable[str]) -> Iterator[ImageFont.FreeTypeFont]:
    for path in paths:
        try:
            yield ImageFont.truetype(path, 32)
        except OSError:
            continue
    own = ImageFont.load_default(32)
    if isinstance(own, ImageFont.FreeTypeFont):
        yield own


def _has(font: ImageFont.FreeTypeFont, char: str) -> bool:
    return bytes(font.getmask(char)) != bytes(font.getmask(_NOTHING))
