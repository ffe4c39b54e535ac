"""What can be set about reading codes; the stanza of whatever has a picture extends it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from drivers.base import OptionTable

Symbology = Literal["qr", "aztec", "data-matrix", "pdf417", "code-128"]

_Share = Annotated[float, Field(ge=0, le=1)]
Region = tuple[_Share, _Share, _Share, _Share]
"""Left, top, width and height, as shares of a picture."""


def _inside(region: Region) -> Region:
    left, top, width, height = region
    if not (width > 0 and height > 0 and left + width <= 1.0001 and top + height <= 1.0001):
        raise ValueError("left, top, width and height lie inside the picture, which is 1 × 1")
    return region


def _distinct(symbologies: tuple[Symbology, ...]) -> tuple[Symbology, ...]:
    return tuple(dict.fromkeys(symbologies))


class ReadingConfig(OptionTable):
    """Which codes are read, and where."""

    symbologies: Annotated[
        tuple[Symbology, ...], Field(min_length=1), AfterValidator(_distinct)
    ] = ("qr",)
    """Kinds of code. Beside `qr`, which takes 1.2 ms of a 720p picture, `aztec` takes 1, `pdf417`
    2, `code-128` 2.5 and `data-matrix` 5 ms."""
    region: Annotated[Region, AfterValidator(_inside)] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, width and height of the part that is looked at, as shares of the picture."""
    inverted: bool = True
    """Read light codes on a dark ground too."""
