"""Reading codes: what is in the picture, byte for byte, and nothing that is not."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pydantic import ValidationError

from drivers import qr
from drivers.qr import Look, Reader, ReadingConfig, Symbol, zbar, zxing
from drivers.qr.grey import Grey
from drivers.qr.night import COUNT
from drivers.qr.straighten import straightened
from drivers.reading import Region, Symbology
from tests.drivers import codes

ROOT = Path(__file__).parents[2]

PASS = b"https://pass.example.org/p/17"

ANYTHING = {
    "text": b"https://pass.example.org/p/1",
    "every byte": bytes(range(256)),
    "NUL": b"\x00a\x00",
    "control characters": b"\x01\x02\x1b[2J\r\n\x7f",
    "bidi marks": "\u202egro.elpmaxe\u2066".encode(),
    "a lone surrogate": b"\xed\xa0\x80",
    "Chinese in UTF-8": "健康码".encode(),
    "Chinese in GB18030": "通行证".encode("gb18030"),
    "the most a code holds": random.Random(1).randbytes(2953),
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

    def test_a_code_read_twice_is_both_times_there(self) -> None:
        assert qr.read(np.hstack([codes.raw(b"same"), codes.raw(b"same")])) == ["same", "same"]

    @pytest.mark.parametrize(
        ("grey", "decoder"),
        [
            (codes.grainy(codes.held_up(codes.raw(PASS)), 100), "zxing-halved"),
            (codes.rippled(codes.raw(PASS, scale=6), 4, 1), "zxing-straightened"),
            (codes.held_up(codes.dotted(codes.raw(PASS), 4)), "zxing-thickened"),
            (codes.grainy(codes.faint(codes.raw(PASS, scale=3), 12, 240), 2), "zxing-darkened"),
            (
                codes.held_up(codes.small(codes.raw(PASS), 1.3 / 4), 720, 1280),
                "zxing-doubled",
            ),
        ],
        ids=["grainy", "rippled", "printed in dots", "bleached", "far away"],
    )
    def test_code_that_needs_more_than_a_look_at_the_whole(
        self, reader: Reader, grey: Grey, decoder: str
    ) -> None:
        assert zxing.scan(grey, zxing.How(reduced=False)).found == []
        [symbol] = reader.decode(grey)
        assert (symbol.payload, symbol.decoder) == (PASS, decoder)


class TestSpoilt:
    """What a gate shows; each value is near the worst that is still read."""

    @pytest.mark.parametrize(
        "grey",
        [
            codes.aslant(codes.raw(PASS, scale=6), 0.7),
            codes.turned(codes.aslant(codes.raw(PASS, scale=6), 0.3), 30),
            codes.rippled(codes.raw(PASS, scale=6), 2, 1.5),
            codes.wrapped(codes.raw(PASS, scale=6), 60),
            codes.held_up(codes.blurred(codes.raw(PASS), 2)),
            codes.grainy(codes.held_up(codes.raw(PASS)), 60),
            codes.grainy(codes.held_up(codes.faint(codes.raw(PASS), 12)), 1),
            codes.glaring(codes.faint(codes.raw(PASS, scale=6), 120, 60), 0.1),
            codes.shaded(codes.raw(PASS, scale=6), 0.05),
            codes.held_up(codes.small(codes.raw(PASS, scale=8), 1.5 / 8)),
            255 - codes.grainy(codes.held_up(codes.raw(PASS)), 40),
        ],
        ids=[
            "aslant: the far edge 70 % shorter",
            "turned and aslant",
            "rippled by a third of a module",
            "around a sixth of a bottle",
            "blurred by half a module",
            "grainy: noise of 60 grey levels",
            "faint: 12 grey levels between black and white",
            "with a lamp's reflection",
            "shaded: one side 20 times darker",
            "small: 1.5 pixels per module",
            "light on dark, and grainy",
        ],
    )
    def test_is_read(self, grey: Grey) -> None:
        assert qr.read(grey) == [PASS.decode()]


class TestConfigured:
    @pytest.mark.parametrize(
        ("symbology", "format_"),
        [
            ("aztec", zxingcpp.BarcodeFormat.Aztec),
            ("data-matrix", zxingcpp.BarcodeFormat.DataMatrix),
            ("pdf417", zxingcpp.BarcodeFormat.PDF417),
            ("code-128", zxingcpp.BarcodeFormat.Code128),
        ],
    )
    def test_symbology(self, symbology: Symbology, format_: zxingcpp.BarcodeFormat) -> None:
        grey = codes.printed("PASS 17", format_)
        [symbol] = qr.open_reader(ReadingConfig(symbologies=("qr", symbology))).decode(grey)
        assert (symbol.payload, symbol.text, symbol.symbology) == (b"PASS 17", "PASS 17", symbology)
        assert qr.read(grey) == []

    def test_a_charset_that_another_symbology_declares(self) -> None:
        reader = qr.open_reader(ReadingConfig(symbologies=("aztec",)))
        [symbol] = reader.decode(codes.printed("中é", zxingcpp.BarcodeFormat.Aztec))
        assert symbol.text == "中é"

    def test_without_qr(self) -> None:
        reader = qr.open_reader(ReadingConfig(symbologies=("code-128",)))
        assert reader.decode(codes.raw(b"a code")) == []

    def test_region(self) -> None:
        left = codes.raw(b"left")
        reader = qr.open_reader(ReadingConfig(region=(0.5, 0.0, 0.5, 1.0)))
        assert payloads(reader.decode(np.hstack([left, codes.raw(b"more")]))) == [b"more"]
        assert payloads(reader.glance(np.hstack([codes.raw(b"more"), left]))) == [b"left"]

    @pytest.mark.parametrize(
        "region", [(0, 0, 0.001, 0.001), (0.999, 0.999, 0.001, 0.001), (1, 1, 0.0001, 0.0001)]
    )
    def test_smallest_region(self, region: Region) -> None:
        reader = qr.open_reader(ReadingConfig(region=region))
        by_night = codes.noise(9, 9) // 16
        assert reader.decode(by_night) == []
        assert [reader.glance(by_night) for _ in range(2 * COUNT)] == [[]] * 2 * COUNT

    @pytest.mark.parametrize("region", [(0.5, 0, 0.6, 1), (0, 0.5, 1, 0.6), (0, 0, 0, 1)])
    def test_region_outside(self, region: Region) -> None:
        with pytest.raises(ValidationError, match="lie inside the picture"):
            ReadingConfig(region=region)

    def test_not_inverted(self) -> None:
        reader = qr.open_reader(ReadingConfig(inverted=False))
        assert payloads(reader.decode(codes.raw(b"dark"))) == [b"dark"]
        assert reader.decode(255 - codes.raw(b"light")) == []


class TestBroken:
    """Whatever comes from the camera: no exception, and no text that nobody wrote."""

    @given(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=99)))
    @settings(max_examples=60, deadline=None)
    def test_any_picture(self, reader: Reader, grey: Grey) -> None:
        assert reader.decode(grey) == []

    @given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 90))
    @settings(max_examples=60, deadline=None)
    def test_spoilt_code(self, reader: Reader, seed: int, patches: int, sigma: int) -> None:
        chance = np.random.default_rng(seed)
        grey = codes.grainy(codes.rippled(codes.raw(PASS), chance.uniform(0, 5)), sigma, seed=seed)
        for top, left in chance.integers(0, len(grey), (patches, 2)):
            grey[top : top + 12, left : left + 12] = chance.integers(0, 256)
        assert payloads(reader.decode(grey)) in ([], [PASS])

    @given(
        npst.arrays(np.float32, (4, 2), elements=st.floats(-1e4, 1e4, width=32)),
        st.integers(-1, 41),
    )
    @settings(max_examples=60, deadline=None)
    def test_corners_of_nothing(self, corners: npt.NDArray[np.float32], version: int) -> None:
        drawn = straightened(codes.noise(), [(x, y) for x, y in corners], version)
        assert drawn is None or drawn.shape == (4 * (17 + 4 * version + 8),) * 2


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
