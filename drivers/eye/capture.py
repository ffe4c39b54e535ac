"""Pictures out of whatever OpenCV can open: a camera at this box, an RTSP address, a file.

What comes from a camera at this box has been tested up to the bytes of its buffers; no test has
had such a device, which needs the kernel's ``vivid`` module or the thing itself.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast
from urllib.parse import quote, urlsplit

from drivers.base import DeviceError
from drivers.eye import httpstream
from drivers.eye.newest import Frame, Newest, Shot
from drivers.eye.options import Options
from drivers.opencv import cv2
from drivers.qr.grey import Grey

PHOTO_S: Final = 1.0
"""How long each photo of a folder is shown."""

_PHOTOS: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_FILE_FPS: Final = 25.0  # where a video file does not say
_FOURCC: Final = {
    "mjpeg": cv2.VideoWriter.fourcc(*"MJPG"),
    "yuyv": cv2.VideoWriter.fourcc(*"YUYV"),
    "grey": cv2.VideoWriter.fourcc(*"GREY"),
}
_MANUAL: Final = 1  # V4L2_EXPOSURE_MANUAL in linux/v4l2-controls.h
_EXPOSURES_PER_MS: Final = 10  # V4L2_CID_EXPOSURE_ABSOLUTE counts in 100 µs

Film = Iterator[tuple[Shot, float]]
"""Pictures, and for how many seconds each stays; 0 where the source sets the pace."""


def shown(options: Options) -> Newest:
    """Show the source in a thread of its own, for ever.

    OpenCV waits in its calls and cannot be interrupted; the end of the process ends it.
    """
    newest = Newest()

    def show() -> None:
        try:
            for shot, stays_s in film(options):
                newest.put(Frame(time.monotonic(), shot))
                time.sleep(stays_s)
        except DeviceError as error:
            newest.end(error)
        except OSError as error:
            newest.end(DeviceError(f"{options.source} cannot be opened: {error.strerror}"))

    threading.Thread(target=show, name="grab", daemon=True).start()
    return newest


def film(options: Options) -> Film:
    """The pictures of a source.

    Raises:
        DeviceError: while iterating: it is not there, cannot be opened, or has ended.
    """
    if options.source.startswith(("http://", "https://")):
        return httpstream.film(options, _credentials(options.credentials_file))
    if "://" in options.source:
        return _network(options)
    path = Path(options.source)
    if path.is_char_device():
        return _device(options)
    return _folder(path) if path.is_dir() else _file(path)


def _credentials(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text().partition("\n")[0].strip()
    except OSError as error:
        raise DeviceError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise DeviceError(f"{file} cannot be read: it is not in UTF-8") from None


def _network(options: Options) -> Film:
    source, place = options.source, urlsplit(options.source)
    if credentials := _credentials(options.credentials_file):
        user, _, password = credentials.partition(":")
        netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{place.netloc}"
        source = place._replace(netloc=netloc).geturl()
    # Over UDP a lost packet spoils pictures up to the next key frame; FFmpeg's own buffering
    # and one thread for each picture under way would each add to the delay.
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = (
        "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay"
    )
    settings = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(options.open_timeout_s * 1e3)]
    # Later than the one who waits for pictures, who can say what is missing.
    settings += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(options.patience_s * 1e3)]
    settings += [cv2.CAP_PROP_N_THREADS, 1]
    due_s = 0.0
    with _opened(source, cv2.CAP_FFMPEG, settings, name=place.netloc) as capture:
        while True:
            if not capture.grab():
                raise DeviceError(f"{place.netloc} gives no more pictures")
            # Every picture must be decoded for the next one's sake, but those that nobody will
            # look at need no colours; 0.9 so that a source at just this pace loses none.
            if time.monotonic() >= due_s:
                due_s = time.monotonic() + 0.9 / options.fps
                yield _taken(capture.retrieve(), place.netloc), 0.0


def _device(options: Options) -> Film:
    wishes = {
        cv2.CAP_PROP_FOURCC: _FOURCC.get(options.format or ""),
        cv2.CAP_PROP_FRAME_WIDTH: options.width,
        cv2.CAP_PROP_FRAME_HEIGHT: options.height,
        cv2.CAP_PROP_FPS: options.fps,
        cv2.CAP_PROP_BUFFERSIZE: 1,
    }
    if options.exposure_ms is not None:
        wishes[cv2.CAP_PROP_AUTO_EXPOSURE] = _MANUAL
        wishes[cv2.CAP_PROP_EXPOSURE] = options.exposure_ms * _EXPOSURES_PER_MS
    with _opened(options.source, cv2.CAP_V4L2, [], name=options.source) as capture:
        # Set afterwards: asked for in the call, one that the device refuses would keep it shut.
        for what, wish in wishes.items():
            if wish is not None:
                capture.set(what, wish)
        plain = _PLAIN.get(int(capture.get(cv2.CAP_PROP_FOURCC)), _as_it_is)
        capture.set(cv2.CAP_PROP_CONVERT_RGB, float(plain is _as_it_is))
        while True:
            yield plain(_taken(capture.read(), options.source)), 0.0


def _file(path: Path) -> Film:
    if not path.exists():
        raise DeviceError(f"{path} does not exist")
    with _opened(str(path), cv2.CAP_FFMPEG, [], name=str(path)) as capture:
        stays_s = 1 / (capture.get(cv2.CAP_PROP_FPS) or _FILE_FPS)
        while True:
            yield _taken(capture.read(), str(path)), stays_s


def _folder(folder: Path) -> Film:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _PHOTOS and (photo := _photo(path)) is not None:
            yield photo, PHOTO_S
    raise DeviceError(f"{folder} has no more photos")


def _photo(path: Path) -> Grey | None:
    try:
        return cast(Grey | None, cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    except cv2.error:  # its head claims a size beyond reason
        return None


@contextmanager
def _opened(
    source: str, backend: int, settings: list[int], *, name: str
) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture()
    try:
        if not capture.open(source, backend, settings):
            raise DeviceError(f"{name} cannot be opened as a video source")
        yield capture
    finally:
        capture.release()


def _taken(result: tuple[bool, object], name: str) -> Grey:
    got, picture = result
    if not got:
        raise DeviceError(f"{name} gives no more pictures")
    return cast(Grey, picture)


def _as_it_is(buffer: Grey) -> Shot:
    return buffer


def brightness(buffer: Grey) -> Shot:
    """Of YUYV, rows × columns × 2, every first byte: the colours between them are left out."""
    return buffer[:, :, 0].copy()


def packed(buffer: Grey) -> Shot:
    """The JPEG in a row of bytes."""
    return buffer.tobytes()


_PLAIN: Final[dict[int, Callable[[Grey], Shot]]] = {
    _FOURCC["mjpeg"]: packed,
    _FOURCC["yuyv"]: brightness,
    _FOURCC["grey"]: lambda buffer: buffer,
}
"""How a device's own format becomes grey, or a JPEG, without passing through colours."""
