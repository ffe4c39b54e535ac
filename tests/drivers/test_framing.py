"""Cutting frames out of a stream: any pieces, any noise, bounded memory."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.counters import Counters
from drivers.wire.framing import FrameFinder, Layout, ends_with_sum8, ends_with_xor, xor_of

LAYOUT = Layout(
    header=re.compile(rb"\x55\xaa.", re.DOTALL),
    header_bytes=3,
    size=lambda header: 0 if header.endswith(b"\xee") else 5,
    intact=ends_with_sum8,
)


def frames(counters: Counters | None = None) -> FrameFinder:
    """``55 AA a b sum``; of a kind that is not read if ``a`` is EE."""
    return FrameFinder(LAYOUT, counters or Counters())


def frame(a: int, b: int) -> bytes:
    body = bytes((0x55, 0xAA, a, b))
    return body + bytes((sum(body) & 0xFF,))


@given(
    frames_=st.lists(st.tuples(st.integers(0, 0xED), st.integers(0, 255)), max_size=5),
    noise=st.lists(st.binary(max_size=8), min_size=6, max_size=6),
    cuts=st.lists(st.integers(0, 90), max_size=8),
)
def test_every_frame_is_found_between_noise_in_any_pieces(
    frames_: list[tuple[int, int]], noise: list[bytes], cuts: list[int]
) -> None:
    quiet = [each.replace(b"\x55", b"\x54") for each in noise]
    stream = b"".join(before + frame(a, b) for before, (a, b) in zip(quiet, frames_, strict=False))
    stream += quiet[-1]
    finder = frames()
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    found = [each for start, end in pairwise(edges) for each in finder.feed(stream[start:end])]

    assert found == [frame(a, b) for a, b in frames_]


def test_what_was_met_besides_frames_is_counted() -> None:
    counters = Counters()
    finder = frames(counters)
    damaged = frame(1, 2)[:-1] + b"\x00"
    unread = frame(0xEE, 1)
    finder.feed(b"noise" + frame(1, 2) + damaged + frame(3, 4) + b"noise" + frame(5, 6) + unread)

    assert counters == Counters(bad_checksum=1, resync=3, unknown=1)


def test_a_frame_whose_header_is_inside_a_damaged_one_is_found() -> None:
    assert frames().feed(b"\x55\xaa" + frame(7, 8)) == [frame(7, 8)]


@given(st.binary(max_size=60))
def test_the_checks(data: bytes) -> None:
    end = len(data) + 1
    assert ends_with_xor(data + bytes((xor_of(data),)), 0, end)
    assert not ends_with_xor(data + bytes((xor_of(data) ^ 1,)), 0, end)
    assert ends_with_sum8(data + bytes((sum(data) % 256,)), 0, end)
    assert not ends_with_sum8(data + bytes(((sum(data) + 1) % 256,)), 0, end)


@pytest.mark.parametrize("flood", [b"\x55", b"\x55\xaa", b"\x00"])
def test_a_flood_is_not_kept(flood: bytes) -> None:
    finder = frames()
    for _ in range(100):
        finder.feed(flood * 4096)
    assert finder.feed(b"\x00" * 5 + frame(1, 2)) == [frame(1, 2)]
