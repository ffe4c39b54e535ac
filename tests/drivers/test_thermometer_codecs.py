"""Every thermometer's codec: its documented frames, in any chunks, in any noise, at any flood."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.counters import Counters
from tests.drivers.specimens import SPECIMENS, Specimen, floods

specimens = pytest.mark.parametrize("specimen", SPECIMENS, ids=str)


def in_chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def noises(specimen: Specimen) -> list[bytes]:
    header, frame = specimen.header, specimen.frames[0]
    return [
        b"\x00",
        header[:1],
        header[:1] * 3,
        header[:2] + b"\x00",
        header,
        header * 3,
        frame[:-1],
        frame[: len(header) + 2],
        bytes(200),
        b"\xff" * 50,
        b"OK\r\n",
    ]


@specimens
def test_the_documented_frames(specimen: Specimen) -> None:
    stream = b"".join(specimen.frames)

    assert specimen.codec(Counters()).feed(stream) == list(specimen.samples)


@specimens
def test_byte_by_byte(specimen: Specimen) -> None:
    codec = specimen.codec(Counters())
    frame = specimen.frames[0]

    samples = [codec.feed(bytes((byte,))) for byte in frame]

    assert samples == [[]] * (len(frame) - 1) + [[specimen.samples[0]]]


@specimens
def test_noise_before_between_and_behind(specimen: Specimen) -> None:
    one, other = specimen.frames[0], specimen.frames[-1]
    for noise in noises(specimen):
        # A frame waits behind an unfinished one until as many bytes as that lacks have come.
        behind = noise + b"\xff" * len(one)

        samples = specimen.codec(Counters()).feed(noise + one + noise + other + behind)

        assert samples == [specimen.samples[0], specimen.samples[-1]]


@specimens
def test_no_flipped_bit_gets_through(specimen: Specimen) -> None:
    frame = specimen.frames[0]
    places = {
        *range(16),
        *range(0, len(frame) * 8, 97),
        *range(len(frame) * 8 - 16, len(frame) * 8),
    }
    for bit in sorted(place for place in places if place < len(frame) * 8):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8

        samples = specimen.codec(Counters()).feed(bytes(flipped) + specimen.frames[-1])

        assert samples == [specimen.samples[-1]]


@specimens
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_chunks_make_no_difference(specimen: Specimen, data: st.DataObject) -> None:
    known = [*specimen.frames, specimen.header, specimen.header[:1], specimen.frames[0][:-1]]
    piece = st.one_of(st.sampled_from(known), st.binary(max_size=12))
    stream = b"".join(data.draw(st.lists(piece, max_size=10)))
    cuts = data.draw(st.lists(st.integers(min_value=0), max_size=20))
    counted, counted_cut = Counters(), Counters()
    whole, cut = specimen.codec(counted), specimen.codec(counted_cut)

    samples = [sample for chunk in in_chunks(stream, cuts) for sample in cut.feed(chunk)]

    assert samples == whole.feed(stream)
    assert counted == counted_cut


@specimens
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_frame_is_found_in_noise(specimen: Specimen, data: st.DataObject) -> None:
    free = st.binary(max_size=6).filter(lambda noise: specimen.header[0] not in noise)
    between = data.draw(st.lists(free, max_size=8))
    stream = b"".join(noise + specimen.frames[0] for noise in between)

    assert specimen.codec(Counters()).feed(stream) == [specimen.samples[0]] * len(between)


@specimens
@given(data=st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_are_taken_without_complaint(specimen: Specimen, data: bytes) -> None:
    codec = specimen.codec(Counters())

    codec.feed(data)

    # Whatever came before, at most one unfinished frame hides the next one.
    assert codec.feed(specimen.frames[0] * 2)[-1:] == [specimen.samples[0]]


@specimens
def test_random_bytes_make_no_frame(specimen: Specimen) -> None:
    stream = Random(1).randbytes(1_000_000)

    assert specimen.codec(Counters()).feed(stream) == []


@specimens
def test_random_content_behind_a_right_header_passes_as_seldom_as_the_sum_allows(
    specimen: Specimen,
) -> None:
    random, trials = Random(1), 5_000
    length = len(specimen.frames[0]) - len(specimen.header)
    passed = 0
    for _ in range(trials):
        frame = specimen.header + random.randbytes(length)
        passed += bool(specimen.codec(Counters()).feed(frame))

    expected = trials * specimen.passes
    assert abs(passed - expected) <= 4 * expected**0.5 + 1


@specimens
def test_a_flood_costs_in_proportion_to_its_length(specimen: Specimen) -> None:
    # Each frame that is looked at costs one sum over a fixed number of bytes, and is counted.
    for flood in floods(specimen):
        for length in (10_000, 100_000):
            counters = Counters()
            specimen.codec(counters).feed(flood * (length // len(flood)))
            assert counters.bad_checksum + counters.unknown <= length / 2
