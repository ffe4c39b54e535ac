"""Motion JPEG: every way cameras write it, cut anywhere, with anything between."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.eye.mjpeg import MjpegCodec, NotMjpegError, boundary

ONE = b"\xff\xd8 the first picture, with --fram inside \xff\xd9"
TWO = b"\xff\xd8 the second \r\n\r\n \xff\xd9 thumbnail within \xff\xd9"
LENGTH = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"
NO_LENGTH = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n%b\r\n"
BARE_LF = b"--frame\nContent-Type: image/jpeg\n\n%b\n"
END = b"--frame--\r\n"


def in_chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def fed(data: bytes, cuts: list[int] | None = None) -> tuple[list[bytes], int]:
    """The JPEGs found and the number of parts dropped."""
    codec = MjpegCodec(b"frame")
    jpegs = [jpeg for chunk in in_chunks(data, cuts or []) for jpeg in codec.feed(chunk)]
    return jpegs, codec.dropped


def length(jpeg: bytes) -> bytes:
    return LENGTH % (len(jpeg), jpeg)


class TestHead:
    @pytest.mark.parametrize(
        ("content_type", "expected"),
        [
            (b"multipart/x-mixed-replace; boundary=frame", b"frame"),
            (b"multipart/x-mixed-replace;boundary=--myboundary", b"--myboundary"),
            (b'Multipart/X-Mixed-Replace; charset=x; boundary="a b"; x=y', b"a b"),
        ],
    )
    def test_names_the_boundary(self, content_type: bytes, expected: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-type: " + content_type
        assert boundary(head) == expected

    @pytest.mark.parametrize(
        ("head", "sentence"),
        [
            (b"HTTP/1.0 401 Unauthorized\r\n", "user name and a password"),
            (b"HTTP/1.0 404 Not Found\r\n", "HTTP 404"),
            (b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n", "multipart/x-mixed-replace"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
            (b"", "does not speak HTTP"),
        ],
    )
    def test_says_what_it_is_if_it_is_no_stream(self, head: bytes, sentence: str) -> None:
        with pytest.raises(NotMjpegError, match=sentence):
            boundary(head)


class TestCodec:
    @pytest.mark.parametrize("style", [NO_LENGTH, BARE_LF])
    def test_without_length_a_picture_ends_at_the_next_boundary(self, style: bytes) -> None:
        assert fed(style % ONE + style % TWO + END) == ([ONE, TWO], 0)

    def test_with_length_a_picture_is_there_with_its_last_byte(self) -> None:
        stream = length(ONE)

        codec = MjpegCodec(b"frame")
        found = [codec.feed(stream[:-3]), codec.feed(stream[-3:-2])]

        assert found == [[], [ONE]]

    @pytest.mark.parametrize("told", [0, 5, len(ONE) - 1, len(ONE) + 1, 999_999_999])
    def test_a_wrong_length_is_not_believed(self, told: int) -> None:
        assert fed(LENGTH % (told, ONE) + length(TWO)) == ([ONE, TWO], 0)

    @pytest.mark.parametrize("named", [b"--frame", b"frame", b"----frame"])
    def test_dashes_in_the_boundarys_name_do_not_matter(self, named: bytes) -> None:
        assert MjpegCodec(named).feed(length(ONE) + length(TWO)) == [ONE, TWO]

    def test_padding_behind_the_picture_is_cut_off(self) -> None:
        assert fed(NO_LENGTH % (ONE + bytes(64)) + END) == ([ONE], 0)

    @pytest.mark.parametrize(
        "part",
        [
            NO_LENGTH % b"no JPEG at all",
            NO_LENGTH % b"\xff\xd8 cut off in the middle",
            NO_LENGTH % b"\xff\xd9",
            length(b"\xff\xd8 cut off in the middle"),
        ],
    )
    def test_a_part_that_is_no_picture_is_dropped_and_counted(self, part: bytes) -> None:
        assert fed(part + length(ONE) + part + length(TWO)) == ([ONE, TWO], 2)

    @pytest.mark.parametrize("rubbish", [b"bytes", bytes(3000), b"--frame\r\nno blank line\r\n"])
    def test_rubbish_between_parts_is_passed_over(self, rubbish: bytes) -> None:
        assert fed(rubbish + length(ONE) + rubbish + length(TWO))[0] == [ONE, TWO]

    @given(
        pictures=st.lists(st.sampled_from([ONE, TWO]), max_size=6),
        styles=st.lists(st.sampled_from([NO_LENGTH, BARE_LF, None]), min_size=6, max_size=6),
        cuts=st.lists(st.integers(0, 10_000), max_size=20),
    )
    def test_any_chunking_gives_the_same(
        self, pictures: list[bytes], styles: list[bytes | None], cuts: list[int]
    ) -> None:
        parts = [
            style % picture if style else length(picture)
            for style, picture in zip(styles, pictures, strict=False)
        ]
        assert fed(b"".join(parts) + END, cuts) == (pictures, 0)

    @given(st.lists(st.binary(max_size=300) | st.sampled_from([LENGTH, NO_LENGTH, END, ONE])))
    def test_nothing_upsets_it(self, chunks: list[bytes]) -> None:
        codec = MjpegCodec(b"frame", most=1000)
        for chunk in chunks:
            codec.feed(chunk)

        found = codec.feed(END + length(ONE) + length(TWO))

        assert found[-2:] == [ONE, TWO]

    def test_a_large_cameras_best_picture_goes_through(self) -> None:
        large = b"\xff\xd8" + bytes(9_000_000) + b"\xff\xd9"
        codec = MjpegCodec(b"frame")
        stream = length(large)
        chunks = [stream[at : at + (1 << 16)] for at in range(0, len(stream), 1 << 16)]
        assert [jpeg for chunk in chunks for jpeg in codec.feed(chunk)] == [large]

    def test_a_part_without_end_is_dropped_and_takes_no_memory(self) -> None:
        codec = MjpegCodec(b"frame", most=1 << 20)
        chunk = bytes(1 << 16)
        codec.feed(b"--frame\r\n\r\n\xff\xd8")

        tracemalloc.start()
        try:
            for _ in range(256):
                assert codec.feed(chunk) == []
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 4 << 20
        assert codec.dropped >= 15
        assert codec.feed(b"\r\n" + length(ONE)) == [ONE]
