"""What can be written about a camera."""

import pytest
from pydantic import ValidationError

from drivers import registry
from drivers.camera import Config, Driver


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "at least 1 character"),
        ("ftp://camera/stream", "http://, https://, rtsp:// or rtsps://"),
        ("http:///stream", "names no host"),
        ("http://camera:99999/", "[Pp]ort out of range"),
        ("rtsp://admin:12345@10.0.0.8/live", "credentials_file"),
    ],
)
def test_a_source_that_cannot_work(source: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Config(driver="camera", source=source)


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        ("HTTP://camera/Stream", "http://camera/Stream"),
        ("RtspS://camera:322/Live", "rtsps://camera:322/Live"),
        ("/dev/v4l/by-path/A", "/dev/v4l/by-path/A"),
    ],
)
def test_in_an_address_capital_letters_before_the_colon_are_small_ones(
    typed: str, source: str
) -> None:
    assert Config(driver="camera", source=typed).source == source


def test_the_driver_is_found_by_name() -> None:
    entry = registry.load("camera")
    assert entry.config is Config
    assert isinstance(entry.driver("camera-1", Config(driver="camera", source="x")), Driver)
