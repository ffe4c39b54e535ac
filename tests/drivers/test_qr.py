"""Reading codes: what is in the picture, byte for byte, and nothing that is not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import segno

from drivers import qr
from drivers.opencv import cv2
from drivers.qr import Look, Reader, Symbol, zbar, zxing
from drivers.qr.grey import Grey
from tests.drivers import codes

ROOT = Path(__file__).parents[2]

ANYTHING = {
    "text": b"https://pass.example.org/p/1",
    "every byte": bytes(range(256)),
    "NUL": b"\x00a\x00",
    "control characters": b"\x01\x02\x1b[2J\r\n\x7f",
    "bidi marks": "\u202egro.elpmaxe\u2066".encode(),
    "a lone surrogate": b"\xed\xa0\x80",
    "Chinese in UTF-8": "健康码".encode(),
    "Chinese in GB18030": "通行证".encode("gb18030"),
    "the most a code holds": bytes(number * 7 % 256 for number in range(2953)),
}
PAYLOADS = pytest.mark.parametrize("payload", ANYTHING.values(), ids=ANYTHING.keys())


@pytest.fixture(scope="module")
def reader() -> Reader:
    return qr.open_reader()


def payloads(symbols: list[Symbol]) -> list[bytes]:
    return [symbol.payload for symbol in symbols]


class TestPayload:
    @PAYLOADS
    def test_is_carried_byte_for_byte(self, reader: Reader, payload: bytes) -> None:
        assert payloads(reader.decode(codes.raw(payload))) == [payload]

    @PAYLOADS
    def test_is_the_same_from_the_other_decoder(self, payload: bytes) -> None:
        assert zbar.scan(codes.raw(payload)) == [payload]

    def test_seven_thousand_digits(self, reader: Reader) -> None:
        assert payloads(reader.decode(codes.qr("7" * 7000))) == [b"7" * 7000]

    def test_is_in_no_repr(self, reader: Reader) -> None:
        grey = codes.raw(b"secret")

        shown = repr(reader.decode(grey)) + repr(zxing.scan(grey)) + repr(Look(reader.decode(grey)))

        assert "secret" not in shown
        assert "symbology='qr'" in shown


class TestText:
    @pytest.mark.parametrize("text", ["码", "通行证", "健康码 é", "Grüße", "ﾃｽﾄ", "🚪"])
    def test_undeclared_utf8(self, text: str) -> None:
        assert qr.read(codes.raw(text.encode())) == [text]

    @pytest.mark.parametrize("text", ["通行证", "金水区花园路社区", "朱镕基", "丂丄", "码-17"])
    def test_undeclared_gb18030(self, text: str) -> None:
        assert qr.read(codes.raw(text.encode("gb18030"))) == [text]

    @pytest.mark.parametrize(
        ("charset", "text"),
        [
            ("utf-8", "健康码 é"),
            ("gb18030", "健康码"),
            ("gb18030", "朱镕基"),
            ("iso-8859-15", "Grüße €"),
            ("iso-8859-5", "Проход"),
            ("shift_jis", "日本語"),
        ],
    )
    def test_declared(self, charset: str, text: str) -> None:
        grey = codes.qr(text, encoding=charset, eci=True, mode="byte")
        assert qr.read(grey) == [text]

    def test_hanzi_mode(self) -> None:
        assert qr.read(codes.qr("书读百遍其义自现", mode="hanzi", version=5)) == [
            "书读百遍其义自现"
        ]

    def test_undeclared_japanese(self) -> None:
        assert qr.read(codes.raw("今度のバージョン".encode("shift_jis"))) == ["今度のバージョン"]

    @pytest.mark.parametrize(
        ("payload", "text"),
        [("码".encode(), "码"), ("码".encode("gb18030"), "码"), (b"\xff\xfe", "ÿþ")],
    )
    def test_of_a_bare_payload(self, payload: bytes, text: str) -> None:
        assert qr.as_text(payload) == text


class TestPicture:
    @pytest.mark.parametrize("degrees", [0, 7, 45, 90, 180, 271])
    def test_turned(self, degrees: float) -> None:
        assert qr.read(codes.turned(codes.raw(b"turned"), degrees)) == ["turned"]

    def test_light_on_dark(self) -> None:
        assert qr.read(255 - codes.raw(b"inverted")) == ["inverted"]

    def test_a_phone_far_away(self) -> None:
        grey = np.full((720, 1280), 90, np.uint8)
        code = codes.raw(b"https://pass.example.org/p/17", scale=2)
        grey[300 : 300 + code.shape[0], 600 : 600 + code.shape[1]] = code // 2 + 60
        assert qr.read(grey) == ["https://pass.example.org/p/17"]

    def test_several_codes(self) -> None:
        grey = np.hstack([codes.raw(b"left"), codes.raw(b"more")])
        assert sorted(qr.read(grey)) == ["left", "more"]

    def test_a_view_into_a_larger_picture(self) -> None:
        grey = np.hstack([codes.raw(b"left"), codes.raw(b"more")])
        assert qr.read(grey[:, : grey.shape[1] // 2]) == ["left"]

    @pytest.mark.parametrize("size", [(1, 1), (3, 2000), (480, 640), (2000, 3000)])
    def test_nothing_to_see(self, reader: Reader, size: tuple[int, int]) -> None:
        assert reader.decode(np.zeros(size, np.uint8)) == []
        assert reader.decode(codes.noise(*size)) == []

    def test_micro_qr_is_not_taken(self) -> None:
        assert qr.read(codes.picture(segno.make_micro("12345"), 8)) == []

    def test_code_that_only_a_rescue_reads(self, reader: Reader) -> None:
        grey = unreadable_at_first()
        assert zxing.scan(grey).found == []
        assert {symbol.decoder for symbol in reader.decode(grey)} <= {"zxing-enhanced", "zbar"}
        assert payloads(reader.decode(grey)) == [b"far and faint"]


def unreadable_at_first() -> Grey:
    """A small, faint, blurred code."""
    small = cv2.resize(codes.raw(b"far and faint", scale=8), (56, 56), interpolation=cv2.INTER_AREA)
    grey = np.full((240, 320), 120, np.uint8)
    grey[90:146, 130:186] = cv2.GaussianBlur(small, (0, 0), 0.8) // 8 + 100
    return grey


class TestGlance:
    """How the dear attempts are spread over a stream; the attempts only take notes."""

    def test_a_code_read_at_once_costs_nothing_more(self) -> None:
        trace = Trace(first=Look([trace_symbol(b"seen")]))
        assert payloads(trace.reader.glance(codes.noise(9, 9))) == [b"seen"]
        assert trace.calls == ["first"]

    def test_empty_pictures_get_one_rescue_in_three_by_turns(self) -> None:
        trace = Trace(first=Look([]))
        for _ in range(12):
            trace.reader.glance(codes.noise(9, 9))
        assert [call for call in trace.calls if call != "first"] == ["two", "one", "two", "one"]

    def test_a_code_that_is_seen_but_not_read_gets_everything(self) -> None:
        trace = Trace(first=Look([], unreadable=True))
        trace.reader.glance(codes.noise(9, 9))
        assert trace.calls == ["first", "one", "two"]

    def test_one_decoder_alone(self) -> None:
        reader = Reader([lambda _: Look([])])
        assert [reader.glance(codes.noise(9, 9)) for _ in range(4)] == [[]] * 4


class Trace:
    """A reader whose attempts write down that they were made."""

    def __init__(self, first: Look) -> None:
        self.calls: list[str] = []
        results = {"first": first, "one": Look([]), "two": Look([])}
        self.reader = Reader([self._attempt(name, look) for name, look in results.items()])

    def _attempt(self, name: str, look: Look) -> qr.Attempt:
        def attempt(_: Grey) -> Look:
            self.calls.append(name)
            return look

        return attempt


def trace_symbol(payload: bytes) -> Symbol:
    return Symbol(payload, payload.decode(), "qr", "first")


def without(*libraries: str) -> subprocess.CompletedProcess[str]:
    """Read one code in a fresh interpreter in which ``libraries`` cannot be imported."""
    program = f"""
import sys
sys.modules.update(dict.fromkeys({libraries!r}))
from drivers import qr
from tests.drivers import codes
reader = qr.open_reader()
symbols = reader.decode(codes.raw(b"code"))
print(*(symbol.decoder for symbol in symbols), *reader.missing, sep=chr(10))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


class TestMissingDecoder:
    def test_zxing_alone(self) -> None:
        decoder, missing = without("pyzbar").stdout.splitlines()
        assert decoder == "zxing"
        assert missing.startswith("zbar is missing: apt-get install libzbar0")

    def test_zbar_alone(self) -> None:
        decoder, missing = without("zxingcpp").stdout.splitlines()
        assert decoder == "zbar"
        assert missing.startswith("zxing-cpp is missing: ")
        assert missing.endswith("-m pip install zxing-cpp")

    def test_none_at_all(self) -> None:
        result = without("zxingcpp", "pyzbar")
        assert result.returncode == 1
        assert "DeviceError: no code can be read: zxing-cpp is missing" in result.stderr
