"""Between the source and the look: the newest frame, whoever is slow."""

import threading

import pytest

from drivers.base import DeviceError
from drivers.eye.newest import Frame, Newest


def frame(taken_s: float) -> Frame:
    return Frame(taken_s, b"")


def taken(newest: Newest) -> float:
    got = newest.take(10.0)
    assert got is not None
    return got.taken_s


def test_a_slow_reader_gets_the_newest() -> None:
    newest = Newest()
    for taken_s in (1.0, 2.0, 3.0):
        newest.put(frame(taken_s))

    assert taken(newest) == 3.0


def test_a_frame_is_taken_once() -> None:
    newest = Newest()
    newest.put(frame(1.0))
    taken(newest)

    assert newest.take(0.0) is None


def test_a_reader_is_woken_by_the_next_frame() -> None:
    newest = Newest()
    source = threading.Timer(0.05, newest.put, [frame(2.0)])
    source.start()

    assert taken(newest) == 2.0
    source.join()


def test_the_last_frame_comes_before_the_end() -> None:
    newest = Newest()
    newest.put(frame(1.0))
    newest.end(DeviceError("over"))

    assert taken(newest) == 1.0
    for _ in range(2):
        with pytest.raises(DeviceError, match="over"):
            newest.take(10.0)
