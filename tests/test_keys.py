"""Keys survive restarts, stay private, and a damaged one is refused rather than replaced."""

import stat
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.keys import load_or_create


def test_the_first_start_makes_a_private_key_and_later_ones_find_it(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    made = load_or_create(path, lambda: b"k" * 32, 32)
    found = load_or_create(path, lambda: b"x" * 32, 32)
    assert made == found == b"k" * 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["pseudonym.key"]


def test_a_cut_short_key_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pseudonym.key"
    path.write_bytes(b"short")
    with pytest.raises(GatewayError, match=r"holds 5 bytes, expected 32"):
        load_or_create(path, lambda: b"k" * 32, 32)
    assert path.read_bytes() == b"short"


def test_a_missing_directory_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match=r"cannot keep a new key in .*No such file"):
        load_or_create(tmp_path / "absent" / "key", lambda: b"k" * 32, 32)
