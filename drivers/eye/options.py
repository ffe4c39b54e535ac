"""What can be set about a source of pictures; the stanza of a camera extends it."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from drivers.base import Line, SecretPath
from drivers.reading import ReadingConfig


def _source(text: str) -> str:
    if "://" not in text:
        return text
    if "@" in text:
        raise ValueError("no password here: name a file with it as credentials_file")
    try:
        address = urlsplit(text)
        port = address.port
    except ValueError as error:  # whose words repeat a part of the text
        raise ValueError("the address has a form that is none, or a port out of range") from error
    if address.scheme not in {"http", "https", "rtsp", "rtsps"}:
        raise ValueError("an address begins with http://, https://, rtsp:// or rtsps://")
    if not address.hostname or port == 0:
        raise ValueError("the address names no host, or port 0")
    return address.scheme + text[len(address.scheme) :]  # in small letters


class Options(ReadingConfig):
    """A source, how it is opened and what is read in it."""

    source: Annotated[Line, AfterValidator(_source)]
    """`/dev/v4l/by-path/…`, an `http://` (Motion JPEG) or `rtsp://` address, or for trials a video
    file or a folder of photos."""
    credentials_file: SecretPath | None = None
    """File with `user:password` for a network camera on its first line."""
    fps: Annotated[float, Field(gt=0, le=60)] = 15.0
    """At most this many pictures a second are looked at."""
    width: Annotated[int, Field(ge=160, le=7680)] | None = None
    """Pixels; asked of a local device. 1280 × 720 reads best for its cost."""
    height: Annotated[int, Field(ge=120, le=4320)] | None = None
    """Pixels; asked of a local device."""
    format: Literal["mjpeg", "yuyv", "grey"] | None = None
    """Asked of a local device. Over USB 2 only `mjpeg` brings 720p at more than 10 pictures a
    second."""
    exposure_ms: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    """Fixed exposure, asked of a local device; short ones keep a waved phone sharp."""
    open_timeout_s: Annotated[float, Field(ge=0.5, le=60)] = 5.0
    """The source must open within this time."""
    read_timeout_s: Annotated[float, Field(ge=0.5, le=60)] = 5.0
    """No readable picture for this long: the camera is lost."""

    @property
    def patience_s(self) -> float:
        """How long the first picture may take."""
        return self.open_timeout_s + self.read_timeout_s
