"""What the eye tells the daemon, one JSON line each; checked on arrival, as from a stranger."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

LINE_MOST: Final = 8 << 20
"""Bytes of one message. Sixty codes of the largest kind take 240 KB, a picture for aiming 200."""


class _Message(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64"
    )

    def line(self) -> bytes:
        """As it goes through the pipe."""
        return self.model_dump_json().encode() + b"\n"


class Code(_Message):
    """A code that was read; its content is in no ``repr``."""

    payload: bytes = Field(repr=False)
    """What it carries, byte for byte."""
    symbology: str
    decoder: str


class Measures(_Message):
    """What a picture is like; brightness runs from 0 to 255."""

    brightness: float
    """Mean."""
    glare: float
    """Share of the picture that is as bright as can be."""
    structure: float
    """Standard deviation of what is larger than noise and smaller than the fall-off to the rim."""
    focus: float
    """Variance of the Laplacian: for comparing pictures of one scene while turning the lens."""
    sharpness: float | None
    """How much of the strongest edges' height lies within two pixels: about 1 for the sharpest,
    below 0.3 out of focus; ``None`` where no edge is high enough to tell."""
    same_s: float
    """For so long the pictures have been the same to the last bit."""


class Ready(_Message):
    """The eye has loaded what it needs and opens its source now."""

    kind: Literal["ready"] = "ready"
    missing: tuple[str, ...]
    """One sentence for each decoder that is not installed."""


class Look(_Message):
    """What one picture showed."""

    kind: Literal["look"] = "look"
    taken_s: float
    """When the picture arrived, in the system's monotonic time."""
    took_ms: float
    """From its being unpacked to the end of reading."""
    width: int
    height: int
    codes: tuple[Code, ...] = ()
    measures: Measures | None = None
    """Taken now and then only."""
    picture: bytes | None = Field(default=None, repr=False)
    """A JPEG of it, reduced; only for aiming."""
    module_px: float | None = None
    """Side of one module of the largest QR code seen, be it readable or not; only for aiming."""


class Failed(_Message):
    """The eye gives up; this is its last message."""

    kind: Literal["failed"] = "failed"
    reason: str


Message = Ready | Look | Failed

_parser: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])


def parse(line: bytes) -> Message:
    """The message in ``line``.

    Raises:
        ValueError: it is none.
    """
    return _parser.validate_json(line)
