"""Scanners' lines as bytes: codes of any content, answers among them, in any chunks."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_scanner.scanlines import DIALECTS, MOST_BYTES, Answer, Code, Codec, Terminator

GM65_DONE = bytes.fromhex("02 00 00 01 00 33 31")
NEWLAND_DONE = bytes.fromhex("02 01 30 30 30 30 23 53 43 4E 54 52 47 31 06 3B 03")
NEWLAND_REFUSED = NEWLAND_DONE.replace(b"\x06;", b"\x15;")

ENDS: dict[Terminator, bytes] = {
    "line": b"\n",
    "cr": b"\r",
    "lf": b"\n",
    "crlf": b"\r\n",
    "tab": b"\t",
    "etx": b"\x03",
}


def awaiting(trigger: str = "gm65", terminator: Terminator = "line") -> Codec:
    codec = Codec(terminator, trigger)  # type: ignore[arg-type]
    codec.answer_awaited = True
    return codec


def in_chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


class TestLines:
    @pytest.mark.parametrize(("terminator", "end"), ENDS.items())
    def test_each_terminator_ends_a_code(self, terminator: Terminator, end: bytes) -> None:
        others = bytes(byte for byte in range(256) if byte not in b"\r\n" + end)
        codes = [b"https://example.org/pass", b"a", others]

        assert Codec(terminator).feed(end.join([*codes, b""])) == [Code(code) for code in codes]

    @pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
    def test_line_takes_every_usual_end(self, end: bytes) -> None:
        assert Codec().feed(b"one" + end + b"two" + end) == [Code(b"one"), Code(b"two")]

    def test_every_choice_is_tried_here(self) -> None:
        assert {*ENDS, "none"} == {*get_args(Terminator)}

    def test_a_fragment_is_counted_and_not_a_code(self) -> None:
        codec = Codec("cr")

        assert codec.feed(b"half a co") == []
        assert codec.is_inside
        assert codec.silence() == []
        assert codec.feed(b"whole\r") == [Code(b"whole")]
        assert codec.counters.damaged == 1

    def test_without_a_terminator_silence_ends_a_code_of_any_bytes(self) -> None:
        everything = bytes(range(256)) * 11 + bytes(137)
        codec = Codec("none")

        assert codec.feed(everything) == []
        assert codec.silence() == [Code(everything)]
        assert codec.silence() == []
        assert not codec.is_inside

    def test_the_longest_code_there_is_passes_and_a_longer_line_does_not(self) -> None:
        longest, longer = b"7" * MOST_BYTES, b"7" * (MOST_BYTES + 1)
        for terminator, end in ENDS.items():
            codec = Codec(terminator)
            stream = longer + end + longest + end + longer * 3 + end + b"next" + end

            assert codec.feed(stream) == [Code(longest), Code(b"next")]
            assert codec.counters.damaged == 2

    def test_silence_ends_what_is_too_long(self) -> None:
        for codec in (Codec(), Codec("none")):
            codec.feed(bytes(3 * MOST_BYTES))
            assert codec.is_inside
            assert codec.silence() == []
            assert not codec.is_inside
            assert codec.counters.damaged == 1

    def test_what_a_code_holds_is_in_no_repr(self) -> None:
        assert "secret" not in repr(Codec().feed(b"secret\r"))


class TestAnswers:
    def test_the_documented_frames(self) -> None:
        assert DIALECTS["gm65"].trigger == bytes.fromhex("7E 00 08 01 00 02 01 02 DA")
        assert DIALECTS["honeywell"].trigger == bytes.fromhex("16 54 0D")
        newland = DIALECTS["newland"].trigger
        assert newland[:6] == bytes.fromhex("7E 01 30 30 30 30")
        assert newland[-2:] == bytes.fromhex("3B 03")
        assert awaiting("gm65").feed(GM65_DONE) == [Answer(done=True)]
        assert awaiting("newland").feed(NEWLAND_DONE) == [Answer(done=True)]
        assert awaiting("newland").feed(NEWLAND_REFUSED) == [Answer(done=False)]

    @pytest.mark.parametrize(
        ("trigger", "answer"), [("gm65", GM65_DONE), ("newland", NEWLAND_DONE)]
    )
    def test_the_answer_comes_before_the_code_that_it_brings(
        self, trigger: str, answer: bytes
    ) -> None:
        stream = b"before\r\n" + answer + b"after\r"

        assert awaiting(trigger).feed(stream) == [
            Code(b"before"),
            Answer(done=True),
            Code(b"after"),
        ]

    @pytest.mark.parametrize("value", range(256))
    def test_a_gm65_tells_the_value_of_a_zone(self, value: int) -> None:
        # Some of these have a line end within.
        answer = next(each for each in DIALECTS["gm65"].answers if each[4] == value)

        assert awaiting().feed(answer + b"code\r") == [Answer(done=True), Code(b"code")]

    def test_nobody_has_asked_and_so_it_is_a_code(self) -> None:
        assert Codec("line", "gm65").feed(GM65_DONE + b"\r") == [Code(GM65_DONE)]

    def test_only_the_first_is_an_answer(self) -> None:
        codec = awaiting()

        assert codec.feed(GM65_DONE * 2 + b"\r") == [Answer(done=True), Code(GM65_DONE)]
        assert not codec.answer_awaited

    def test_inside_a_code_there_is_none(self) -> None:
        assert awaiting().feed(b"x" + GM65_DONE + b"\r") == [Code(b"x" + GM65_DONE)]

    @pytest.mark.parametrize("bit", range(56))
    def test_a_flipped_bit_is_no_answer(self, bit: int) -> None:
        flipped = bytearray(GM65_DONE)
        flipped[bit // 8] ^= 1 << bit % 8

        assert Answer(done=True) not in awaiting().feed(bytes(flipped) + b"\r")


pieces = st.lists(
    st.one_of(
        st.sampled_from([GM65_DONE, GM65_DONE[:5], b"\x02", b"\r", b"\n", b"\r\n", b"\t", b"code"]),
        st.binary(max_size=12),
        st.binary(min_size=1, max_size=1).map(lambda byte: byte * (MOST_BYTES - 3)),
    ),
    max_size=12,
)


@given(
    pieces,
    st.lists(st.integers(min_value=0), max_size=20),
    st.sampled_from([*ENDS, "none"]),
    st.booleans(),
)
def test_chunks_make_no_difference(
    parts: list[bytes], cuts: list[int], terminator: Terminator, awaited: bool
) -> None:
    stream = b"".join(parts)
    whole, cut = (Codec(terminator, "gm65") for _ in range(2))
    whole.answer_awaited = cut.answer_awaited = awaited

    found = [each for chunk in in_chunks(stream, cuts) for each in cut.feed(chunk)]

    assert found == whole.feed(stream)
    assert cut.silence() == whole.silence()
    assert cut.counters == whole.counters


@given(st.binary(max_size=300), st.booleans())
def test_after_any_bytes_and_silence_the_next_code_is_read(noise: bytes, awaited: bool) -> None:
    codec = awaiting() if awaited else Codec()

    codec.feed(noise)
    codec.silence()

    assert codec.feed(b"code\r") == [Code(b"code")]
