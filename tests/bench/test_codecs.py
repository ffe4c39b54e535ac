"""Every codec keeps up with the worst that can be fed to it."""

import pytest

from tests.bench.codecs import bytes_per_s
from tests.bench.floods import FLOODS, Flood

LEAST = 230_400
"""Bytes a second: five times the fastest line. The figures themselves are the benchmark's."""

ANSWERS = ("modbus", "lock_board", "usb_relay smart")
"""Codecs whose every reading is an answer with a checksum."""


@pytest.mark.parametrize("flood", FLOODS, ids=str)
def test_it_is_faster_than_any_line_however_much_has_come(flood: Flood) -> None:
    assert bytes_per_s(flood, 400_000) >= LEAST


@pytest.mark.parametrize(
    "flood", [flood for flood in FLOODS if flood.codec.startswith(ANSWERS)], ids=str
)
def test_beginnings_make_no_answer(flood: Flood) -> None:
    codec = flood.make()
    for _ in range(20):
        assert not codec.feed(flood.data * 100)
