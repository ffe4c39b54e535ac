"""What looking at a picture may cost: which attempts are made, by itself and in a stream."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from drivers import qr
from drivers.emulators.scene import Scene
from drivers.opencv import cv2
from drivers.qr import Attempts, Dear, Look, Reader, Symbol, zxing
from drivers.qr.grey import Grey
from drivers.qr.night import COUNT
from drivers.qr.reader import Helpful
from tests.drivers import codes

PASS = b"https://pass.example.org/p/17"


def payloads(symbols: list[Symbol]) -> list[bytes]:
    return [symbol.payload for symbol in symbols]


class TestGlance:
    """How the dear attempts are spread over a stream; the attempts only take notes."""

    def test_a_code_read_at_once_costs_nothing_more(self) -> None:
        trace = Trace({"first": Look([trace_symbol(b"seen")])})
        assert payloads(trace.reader.glance(codes.noise(9, 9))) == [b"seen"]
        assert trace.calls == ["first"]

    def test_an_empty_picture_gets_one_more_and_every_third_a_dear_one(self) -> None:
        trace = Trace()
        for _ in range(6):
            trace.reader.glance(codes.noise(9, 9))
        more = [call for call in trace.calls if call != "first"]
        assert more == ["one", "two", "dear", "one", "two", "dearer"]

    def test_a_code_that_is_seen_but_not_read_gets_everything(self) -> None:
        trace = Trace({"first": Look([], unreadable=True)})
        trace.reader.glance(codes.noise(9, 9))
        assert trace.calls == ["first", "one", "two", "dear", "dearer"]

    def test_a_torn_poster_does_not_get_everything_for_ever(self) -> None:
        trace = Trace({"first": Look([], unreadable=True)})
        for _ in range(Reader.AT_ONCE + 30):
            trace.reader.glance(codes.noise(9, 9))
        assert len(trace.calls) == Reader.AT_ONCE * 5 + 30 * 2

    def test_a_torn_poster_that_is_seen_now_and_then_does_not_either(self) -> None:
        trace = Trace()
        for turn in range(400):
            trace.looks["first"] = Look([], unreadable=turn % 2 == 0)
            trace.reader.glance(codes.noise(9, 9))
        everything = sum(before == "dear" for before in trace.calls) - 400 // 6
        assert everything <= Reader.AT_ONCE + 200 * Reader.REGAINED

    def test_what_has_just_come_is_told_before_anything_else_is_tried(self) -> None:
        trace = Trace({"first": Look([trace_symbol(b"new")], unreadable=True)})
        trace.reader.glance(codes.noise(9, 9))
        assert trace.calls == ["first"]

    def test_a_poster_hides_no_code_that_is_harder_to_read(self) -> None:
        poster, card = trace_symbol(b"poster"), trace_symbol(b"card")
        trace = Trace({"first": Look([poster]), "two": Look([poster, card])})
        seen = [payloads(trace.reader.glance(codes.noise(9, 9))) for _ in range(5)]
        assert seen == [[b"poster"]] * 2 + [[b"poster", b"card"]] * 3

    def test_one_code_in_two_character_sets_is_one(self) -> None:
        latin = Symbol(b"caf\xe9", "café", "qr", "first")
        trace = Trace({"first": Look([latin]), "one": Look([trace_symbol("café".encode())])})
        seen = [payloads(trace.reader.glance(codes.noise(9, 9))) for _ in range(9)]
        assert seen == [[b"caf\xe9"]] * 9

    def test_what_has_read_a_code_reads_the_next_pictures_too(self) -> None:
        trace = Trace({"dear": Look([trace_symbol(b"held up")])})
        seen = [payloads(trace.reader.glance(codes.noise(9, 9))) for _ in range(20)]
        assert seen == [[]] * 2 + [[b"held up"]] * 18

    def test_when_it_fails_time_and_again_it_waits_for_its_turn(self) -> None:
        trace = Trace({"one": Look([trace_symbol(b"gone soon")])})
        trace.reader.glance(codes.noise(9, 9))
        trace.looks.clear()
        trace.calls.clear()
        for _ in range(12):
            trace.reader.glance(codes.noise(9, 9))
        assert trace.calls.count("one") == Helpful.PATIENCE + 12 // 3

    def test_still_dark_pictures_are_averaged(self) -> None:
        code = codes.held_up(codes.faint(codes.raw(PASS), 8, 10), ground=10)
        by_night = [codes.grainy(code, 5, seed=seed) for seed in range(COUNT)]
        first = qr.open_reader()
        assert [first.decode(grey) for grey in by_night[:2]] == [[]] * 2
        seen = [payloads(first.glance(grey)) for grey in by_night + by_night]
        assert seen == [[]] * (COUNT - 1) + [[PASS]] * (COUNT + 1)

    def test_dark_pictures_in_which_something_moves_are_not(self) -> None:
        brightest = 0.0

        def attempt(grey: Grey) -> Look:
            nonlocal brightest
            brightest = max(brightest, float(grey.mean()))
            return Look([])

        reader = Reader(Attempts([attempt, attempt]))
        for turn in range(3 * COUNT):
            grey = np.full((64, 64), 10, np.uint8)
            grey[:16, turn % 2 * 16 : turn % 2 * 16 + 16] = 40
            reader.glance(grey)
        assert brightest < 20  # a sum of them is four times as bright

    def test_one_decoder_alone(self) -> None:
        reader = Reader(Attempts([lambda _: Look([])]))
        assert [reader.glance(codes.noise(9, 9)) for _ in range(4)] == [[]] * 4


class TestDecode:
    """What one picture by itself may cost; the attempts only take notes."""

    @pytest.mark.parametrize(
        ("side", "more"),
        [
            (959, []),  # as large as 720p: 2.2 ms have been spent by the quick attempts
            (700, ["dear"]),
            (300, ["dear", "dearer"]),
        ],
    )
    def test_an_empty_picture_gets_what_it_has_time_for(self, side: int, more: list[str]) -> None:
        trace = Trace()
        assert trace.reader.decode(codes.noise(side, side)) == []
        assert trace.calls == ["first", "one", "two", *more]

    def test_an_empty_picture_costs_a_few_looks(self) -> None:
        reader = qr.open_reader()
        grey = cv2.cvtColor(Scene(1280, 720).empty(), cv2.COLOR_BGR2GRAY).astype(np.uint8)
        # Three; with everything tried it would be twenty-five.
        assert cpu_s(lambda: reader.decode(grey)) < 8 * cpu_s(lambda: zxing.scan(grey))

    def test_what_does_not_fit_leaves_its_time_to_what_does(self) -> None:
        trace = Trace(dear_ns=1e9)
        trace.reader.decode(codes.noise(300, 300))
        assert trace.calls == ["first", "one", "two", "dearer"]

    @pytest.mark.parametrize("seeing", ["first", "two"])
    def test_a_code_that_is_seen_but_not_read_gets_everything(self, seeing: str) -> None:
        trace = Trace({seeing: Look([], unreadable=True)})
        trace.reader.decode(codes.noise(959, 959))
        assert trace.calls == ["first", "one", "two", "dear", "dearer"]

    def test_a_code_that_is_read_ends_it(self) -> None:
        trace = Trace({"one": Look([trace_symbol(b"seen")])})
        assert payloads(trace.reader.decode(codes.noise(9, 9))) == [b"seen"]
        assert trace.calls == ["first", "one"]


def cpu_s(look: Callable[[], object]) -> float:
    """Of the quickest of some."""

    def once() -> float:
        before_s = time.process_time()
        look()
        return time.process_time() - before_s

    return min(once() for _ in range(9))


class Trace:
    """A reader whose attempts write down that they were made, and see nothing if not told."""

    def __init__(self, looks: dict[str, Look] | None = None, *, dear_ns: float = 2.0) -> None:
        self.calls: list[str] = []
        self.looks = looks or {}
        quick = [self._attempt(name) for name in ("first", "one", "two")]
        dear = [Dear(self._attempt("dear"), dear_ns), Dear(self._attempt("dearer"), 9.0)]
        self.reader = Reader(Attempts(quick, dear))

    def _attempt(self, name: str) -> qr.Attempt:
        def attempt(_: Grey) -> Look:
            self.calls.append(name)
            return self.looks.get(name, Look([]))

        return attempt


def trace_symbol(payload: bytes) -> Symbol:
    return Symbol(payload, qr.as_text(payload), "qr", "first")
