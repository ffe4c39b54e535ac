"""What a payload says, and how it is shown."""

import random
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import qr
from drivers.qr import mode
from tests.drivers import codes

FREQUENT = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方"
    "多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情"
    "明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给"
    "世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太"
    "量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
)
"""The most frequent characters of Chinese, in their order."""


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
            ("gb18030", "済遜絋偉"),  # declared as GB2312; looks like Shift-JIS
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

    def test_short_chinese_words(self) -> None:
        chance = random.Random(1)
        words = ["".join(chance.choices(FREQUENT, k=1 + turn % 4)) for turn in range(8000)]
        assert [word for word in words if qr.as_text(word.encode()) != word] == []
        wrong = [word for word in words if qr.as_text(word.encode("gb18030")) != word]
        assert len(wrong) < 0.001 * len(words)

    def test_rare_chinese_names(self) -> None:
        """From all of GBK, of which GB2312 is the common third."""
        chance = random.Random(1)
        rare = [chr(code) for code in range(0x4E00, 0x9FA6)]
        words = ["".join(chance.choices(rare, k=2 + turn % 3)) for turn in range(8000)]
        assert [word for word in words if qr.as_text(word.encode()) != word] == []
        wrong = [word for word in words if qr.as_text(word.encode("gbk")) != word]
        assert len(wrong) < 0.01 * len(words)

    @pytest.mark.parametrize(
        "text", ["café", "naïve é", "Muñoz", "Привет", "Ελλάδα", "שלום", "مرحبا", "3号楼", ""]
    )
    def test_utf8_that_might_be_gb18030(self, text: str) -> None:
        assert qr.as_text(text.encode()) == text

    @pytest.mark.parametrize("text", ["没", "女", "2楼", "小学", "无", "棉袄", "僟"])
    def test_gb18030_that_might_be_something_else(self, text: str) -> None:
        assert qr.as_text(text.encode("gb18030")) == text

    @pytest.mark.parametrize("payload", [("Ρ" * 1400 + "û").encode(), b"\xb1\xde" * 1400 + b"\xff"])
    def test_takes_no_time_whatever_it_is(self, payload: bytes) -> None:
        began_s = time.process_time()
        qr.as_text(payload)
        assert time.process_time() - began_s < 1  # 0.001 s

    @pytest.mark.parametrize("text", ["今度のバージョン", "中国", "北京市", "第三小区"])
    def test_kanji_mode(self, text: str) -> None:
        assert qr.read(codes.qr(text, mode="kanji")) == [text]

    @pytest.mark.parametrize("mask", range(8))
    @pytest.mark.parametrize(("named", "number"), [("kanji", mode.KANJI), ("hanzi", mode.HANZI)])
    def test_mode_under_each_mask(self, named: str, number: int, mask: int) -> None:
        grey = codes.qr("中国", mode=named, mask=mask, scale=1)[4:-4, 4:-4]
        assert mode.first_mode(grey, mask) == number

    @pytest.mark.parametrize(
        "text", ["ﾃﾞｻﾞｲﾝQR\r\nhttp://example.net/ex/", "ﾃﾞｻﾞｲﾝ入りQR", "今度のバージョン"]
    )
    def test_undeclared_japanese_in_any_decoder(self, text: str) -> None:
        assert qr.as_text(text.encode("shift_jis")) == text

    @pytest.mark.parametrize(
        ("payload", "text"),
        [("码".encode(), "码"), ("码".encode("gb18030"), "码"), (b"\xff\xfe", "ÿþ")],
    )
    def test_of_a_bare_payload(self, payload: bytes, text: str) -> None:
        assert qr.as_text(payload) == text


class TestClean:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("健康码 é 🚪", "健康码 é 🚪"),
            ("one\r\ntwo\tthree", "one two three"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07ok", "ok"),
            ("\x1b]0;title\x1b\\ok", "ok"),
            ("\x9b2J\x9d0;title\x9cok", "ok"),
            ("\x1bcok\x1b(Bok\x1b", "okok"),
            ("\u202egro.elpmaxe\u2066", "gro.elpmaxe"),
            ("\x00a\x7f\x08\ud800\ue000\ufeff\u200b", "a"),
            ("a\u2028b", "a b"),
        ],
    )
    def test_shows_only_what_can_be_seen(self, text: str, shown: str) -> None:
        assert qr.clean(text) == shown

    @given(st.text(st.characters()))
    def test_of_anything(self, text: str) -> None:
        shown = qr.clean(text)
        assert {unicodedata.category(each)[0] for each in shown} <= set("LMNPSZ")
        assert qr.clean(shown) == shown
        shown.encode()

    @given(st.binary(max_size=60))
    def test_of_any_payload(self, payload: bytes) -> None:
        qr.clean(qr.as_text(payload)).encode()
