"""What a payload says: in which character set it is written, and how it is shown to people."""

import re
import unicodedata
from typing import Final

_GB2312: Final = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])*")
"""The common part of GB18030: all but rare names are written in it."""
_EUROPEAN: Final = re.compile(
    r"(?=.*(?:[A-Za-z][À-ſ]|[À-ſ][A-Za-z]))[\x00-\x7fÀ-ſ]*"
    r"|(?:[\x00-\x7f]|[Α-ώ]{3,}+|[Ѐ-џ]{3,}+|[\u0531-\u0587]{3,}+|[\u05d0-\u05ea]{3,}+"
    r"|[\u060c-\u06d2]{3,}+)*",
    re.DOTALL,
)  # {3,}+ gives nothing back: a long run must not be divided in every possible way
"""As words are written: accented letters beside plain ones, of other alphabets several together."""
_KANA: Final = re.compile(r"[\u3041-\u30fa]|[ｳｶ-ﾄﾊ-ﾎ]ﾞ|[ﾊ-ﾎ]ﾟ")
_KATAKANA: Final = re.compile(
    r"[\x00-\x7f]*(?:[ｦｱ-ﾝ](?:(?<=[ｳｶ-ﾄﾊ-ﾎ])ﾞ|(?<=[ﾊ-ﾎ])ﾟ|[ｧ-ｰ])*[\x00-\x7f]*)+"
)
"""Half-width, spelt as words are: a voicing mark only after what can be voiced."""
_VOICING: Final = re.compile("[ﾞﾟ]")
_SEQUENCE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # strings
    r"|\x1b[ -/]*[0-~]?"
)
"""For a terminal, with its parameters: ECMA-48, 5.3 to 5.6."""
_BREAK: Final = re.compile(r"\r\n|[\t-\r\x85\u2028\u2029]")
_UNSHOWABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def as_text(payload: bytes) -> str:
    """What does not say in which character set it is written: UTF-8, else GB18030.

    Neither is certain where the other fits, too. "没" in GB18030 is "û" in UTF-8, so what has but
    two-byte letters in UTF-8 must look like words there. Japanese is what has two kana in Shift-JIS
    and lies outside GB18030's common part, or is in half-width katakana with two voicing marks
    where these belong. What fits nothing is taken for Latin.
    """
    fits = {
        charset: text
        for charset in ("utf-8", "shift_jis", "gb18030")
        if (text := _decoded(payload, charset)) is not None
    }
    if "utf-8" in fits and ("gb18030" not in fits or _is_utf8(payload, fits["utf-8"])):
        return fits["utf-8"]
    if "shift_jis" in fits and ("gb18030" not in fits or _is_japanese(payload, fits["shift_jis"])):
        return fits["shift_jis"]
    return fits.get("gb18030") or payload.decode("latin-1")


def clean(text: str) -> str:
    """For showing: nothing that moves a cursor, turns the direction of writing or cannot be drawn.

    Lines become one; sequences for a terminal vanish with their parameters.
    """
    line = _BREAK.sub(" ", _SEQUENCE.sub("", text))
    return "".join(each for each in line if unicodedata.category(each) not in _UNSHOWABLE)


def _decoded(payload: bytes, charset: str) -> str | None:
    try:
        return payload.decode(charset)
    except UnicodeDecodeError:
        return None


def _is_utf8(payload: bytes, text: str) -> bool:
    if _GB2312.fullmatch(payload) is None or max(text, default="") >= "\u0800":
        return True
    return _EUROPEAN.fullmatch(text) is not None


def _is_japanese(payload: bytes, japanese: str) -> bool:
    if _KATAKANA.fullmatch(japanese):
        return len(_VOICING.findall(japanese)) >= 2  # "无" alone would have one
    # Rare Chinese characters may have one.
    return len(_KANA.findall(japanese)) >= 2 and not _GB2312.fullmatch(payload)
