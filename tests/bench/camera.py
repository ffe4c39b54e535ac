"""What it costs to look at a picture without a code, and what is read on photographs."""

from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import cast

import cv2

from drivers import qr
from drivers.emulators.scene import Scene
from drivers.qr.grey import Grey
from tests.bench import photos
from tests.bench.figures import Figure, Settings, at_most

_EMPTY_MS = at_most(2.5)


def run(settings: Settings) -> Iterator[Figure]:
    """Empty frames; with `--photos` the photos."""
    cv2.setNumThreads(1)
    yield from _empty_frames(settings.scaled(120, 30))
    if settings.photos:
        read = photos.read(settings.photos)
        yield from photos.figures(read)
        yield _empty_photos([each.large for each in read if each.large is not None])


def _empty_frames(count: int) -> Iterator[Figure]:
    """A 720p picture with nobody in it, beside unpacking it: of a stream, and by itself."""
    scene, reader = Scene(1280, 720), qr.open_reader()
    frames = [cv2.imencode(".jpg", scene.empty())[1] for _ in range(count)]
    before = process_time()
    greys = [cast(Grey, cv2.imdecode(frame, cv2.IMREAD_GRAYSCALE)) for frame in frames]
    unpacked_ms = (process_time() - before) * 1e3 / count
    looks: dict[str, Callable[[Grey], object]] = {
        "camera, empty 720p frame of a stream": reader.glance,
        "camera, empty 720p frame by itself": reader.decode,
    }
    for name, look in looks.items():
        yield Figure(name, _cpu_ms(look, greys), "ms CPU", unpacked_ms, "its JPEG", [_EMPTY_MS])


def _empty_photos(greys: Sequence[Grey]) -> Figure:
    return Figure(
        "camera, 720p photo without a code", _cpu_ms(qr.read, greys), "ms CPU", reach=[_EMPTY_MS]
    )


def _cpu_ms(look: Callable[[Grey], object], greys: Sequence[Grey]) -> float:
    before = process_time()
    for grey in greys:
        look(grey)
    return (process_time() - before) * 1e3 / max(1, len(greys))
