"""Multipart streams as bytes: every habit that devices have, in any chunks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hikvision.multipart import MOST_BYTES, Codec, Part, boundary

MARK = b"MIME_boundary"
TEXT = b'{"eventType": "heartBeat"}'


def part(body: bytes = TEXT, kind: bytes = b"application/json", *, length: bool = True) -> bytes:
    """A part as ISAPI's documents show it."""
    counted = b"Content-Length: %d\r\n" % len(body) if length else b""
    return b'--MIME_boundary\r\nContent-Type: %b; charset="UTF-8"\r\n%b\r\n%b\r\n' % (
        kind,
        counted,
        body,
    )


def found(*pieces: bytes) -> list[bytes]:
    codec = Codec(MARK)
    return [each.body for piece in pieces for each in codec.feed(piece)]


@pytest.mark.parametrize(
    ("announced", "expected"),
    [
        ("multipart/mixed; boundary=MIME_boundary", MARK),
        ('multipart/mixed; boundary="MIME_boundary"', MARK),
        ("multipart/x-mixed-replace;Boundary=--MIME_boundary; charset=utf-8", MARK),
        ("application/json", None),
        ("multipart/mixed; boundary=--", None),
    ],
)
def test_the_boundary(announced: str, expected: bytes | None) -> None:
    assert boundary(announced) == expected


def test_parts_with_and_without_a_length() -> None:
    whole = part() + part(b"<a/>", b"application/xml", length=False) + part(b"last")
    assert Codec(MARK).feed(whole) == [
        Part("application/json", TEXT),
        Part("application/xml", b"<a/>"),
        Part("application/json", b"last"),
    ]


def test_one_with_a_length_is_complete_with_its_last_byte() -> None:
    assert found(part()[:-2]) == [TEXT]


@pytest.mark.parametrize(
    "between", [b"", b"\r\n", b"--MIME_boundary--\r\n", b"noise", b"--MIME", b"\x00" * 9000]
)
def test_what_stands_between_parts(between: bytes) -> None:
    assert found(between + part(b"one") + between + part(b"two")) == [b"one", b"two"]


def test_no_line_end_behind_a_body() -> None:
    assert found(part(b"one")[:-2] + part(b"two")) == [b"one", b"two"]


def test_a_picture_is_passed_over_even_with_a_boundary_in_it() -> None:
    codec = Codec(MARK)
    picture = part(part(b"no event") * 1000, b"image/jpeg")

    assert codec.feed(picture + part()) == [Part("application/json", TEXT)]
    assert codec.counters.unknown == 1


@pytest.mark.parametrize(
    "damaged",
    [
        part(b"7" * (MOST_BYTES + 1)),
        part(b"7" * (MOST_BYTES + 1), length=False),
        b"--MIME_boundary\r\n" + b"X: y\r\n" * 1000,
        part(b"", b"image/jpeg").replace(b": 0", b": 999999999999"),
        part(b"").replace(b": 0", b": 999999999999"),
    ],
)
def test_what_is_too_long_costs_itself_only(damaged: bytes) -> None:
    codec = Codec(MARK)

    assert [each.body for each in codec.feed(damaged + part() + part())] == [TEXT, TEXT]
    assert codec.counters.damaged == 1


pieces = st.one_of(
    st.sampled_from(
        [part(), part(length=False), part(b"jpg", b"image/jpeg"), b"--MIME_boundary--\r\n", b"\r\n"]
    ),
    st.sampled_from([MARK, b"--" + MARK, b"Content-Length: 7", b"\r\n\r\n", b"-"]),
    st.binary(max_size=12),
)


@given(st.lists(pieces, max_size=10), st.lists(st.integers(min_value=0), max_size=20))
def test_chunks_make_no_difference(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    whole, cut = Codec(MARK), Codec(MARK)

    chunked = [each for a, b in pairwise(places) for each in cut.feed(stream[a:b])]

    assert chunked == whole.feed(stream)
    assert cut.counters == whole.counters


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_without_complaint(data: bytes) -> None:
    Codec(MARK).feed(data)


@given(st.lists(st.binary(max_size=8).filter(lambda noise: b"-" not in noise)))
def test_every_part_is_found_in_noise(noises: list[bytes]) -> None:
    assert found(*(noise + part() for noise in noises)) == [TEXT] * len(noises)
