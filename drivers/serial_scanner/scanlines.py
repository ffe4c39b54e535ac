"""Code readers' serial lines: codes between terminators, answers to commands among them.

What a code holds comes byte for byte, then the terminator set in the scanner. Nothing else marks a
code: where codes may hold the terminator themselves (a vCard holds CR LF), set none in the scanner
and here, and silence ends a code. Bytes without their terminator are a fragment and never reported.

Told to look for a code, the families take and answer::

    gm65       7E 00 08 01 00 02 01 02 DA          →  02 00 00 01 00 33 31
    newland    7E 01 "0000" "#SCNTRG1" 3B 03       →  02 01 "0000" "#SCNTRG1" 06 3B 03
    honeywell  16 54 0D                            →  nothing

    GM65       7E 00 type len addr(2) data CRC(2)  →  02 00 00 len data CRC(2)
               type 7 reads, 8 writes; CRC-16/XMODEM from type on, in the answer from the third byte
    Newland    06 done, 15 value out of range, 05 no such setting

The answer shares the line with the codes and comes before the code that it brings. So it is looked
for only while one is awaited, and only where a code would begin. A GM65 is asked for its zone 0,
the mode, which changes nothing.

Sources: GM65 user manual (Hangzhou Grow), Newland Serial Programming Command Manual (frame and
answers; the tag SCNTRG as used in public integrations, not seen on a device), Honeywell user guides
(serial trigger commands).
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from drivers.counters import Counters

MOST_BYTES: Final = 7089
"""The longest content there is: digits in a QR code of version 40-L (ISO/IEC 18004)."""

Terminator = Literal["line", "cr", "lf", "crlf", "tab", "etx", "none"]
Trigger = Literal["none", "gm65", "newland", "honeywell"]

_TERMINATORS: Final[dict[Terminator, re.Pattern[bytes] | None]] = {
    "line": re.compile(rb"[\r\n]+"),
    "cr": re.compile(rb"\r+"),
    "lf": re.compile(rb"\n+"),
    "crlf": re.compile(rb"(?:\r\n)+"),
    "tab": re.compile(rb"\t+"),
    "etx": re.compile(rb"\x03+"),
    "none": None,
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family is told to look for a code, and how it answers.

    ``answers`` are all of them, equally long, and whether each says that it was done; ``question``
    is one that changes nothing.
    """

    trigger: bytes
    answers: Mapping[bytes, bool] = field(default_factory=dict)
    question: bytes | None = None


def _gm65_answer(value: int) -> bytes:
    body = bytes((0, 0, 1, value))
    return b"\x02" + body + binascii.crc_hqx(body[1:], 0).to_bytes(2, "big")


_NEWLAND: Final = b"\x010000#SCNTRG1%b;\x03"

DIALECTS: Final[dict[Trigger, Dialect]] = {
    "none": Dialect(trigger=b""),
    "gm65": Dialect(
        trigger=bytes.fromhex("7E 00 08 01 00 02 01 02 DA"),
        answers={_gm65_answer(value): True for value in range(256)},
        question=bytes.fromhex("7E 00 07 01 00 00 01 01 41"),
    ),
    "newland": Dialect(
        trigger=b"\x7e" + _NEWLAND % b"",
        answers={b"\x02" + _NEWLAND % bytes((said,)): said == 0x06 for said in (0x05, 0x06, 0x15)},
    ),
    "honeywell": Dialect(trigger=bytes.fromhex("16 54 0D")),
}


@dataclass(frozen=True, slots=True)
class Code:
    """What one code holds."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The scanner's answer to what it was told."""

    done: bool


class Codec:
    """Tells codes and answers apart; keeps one code's bytes at most, searches each byte once."""

    def __init__(
        self,
        terminator: Terminator = "line",
        trigger: Trigger = "none",
        counters: Counters | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self.answer_awaited = False
        self._ends = _TERMINATORS[terminator]
        self.answers = DIALECTS[trigger].answers
        self._answer_bytes = max(map(len, self.answers), default=0)
        self._answer_starts = {each[:n] for each in self.answers for n in range(1, len(each))}
        self._buffer = bytearray()  # begins where a code began
        self._searched = 0
        self._overlong = False

    @property
    def is_inside(self) -> bool:
        """Whether a code or an answer has begun and not ended."""
        return bool(self._buffer) or self._overlong

    def feed(self, data: bytes) -> list[Code | Answer]:
        """Take the next bytes and return what is now complete."""
        self._buffer += data
        found: list[Code | Answer] = []
        while self._buffer:
            if self.answer_awaited and not self._searched and not self._overlong:
                start = bytes(self._buffer[: self._answer_bytes])
                if start in self.answers:
                    found.append(Answer(self.answers[start]))
                    self.answer_awaited = False
                    del self._buffer[: len(start)]
                    continue
                if start in self._answer_starts:
                    break
            line = self._line()
            if line is None:
                break
            found += self._code(line)
        return found

    def silence(self) -> list[Code | Answer]:
        """Nothing has come for a while; return what this completes."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        if self._ends is None:
            return [*self._code(rest)]
        self.counters.damaged += bool(rest) and not self._overlong
        self._overlong = False
        return []

    def _line(self) -> bytes | None:
        """What stands before the next terminator, both taken out; None if there is none yet."""
        # One byte back: it may be the first of two.
        end = self._ends.search(self._buffer, max(0, self._searched - 1)) if self._ends else None
        if end is not None:
            line = bytes(self._buffer[: end.start()])
            del self._buffer[: end.end()]
            self._searched = 0
            return line
        if len(self._buffer) > MOST_BYTES + 1:
            self.counters.damaged += not self._overlong
            self._overlong = True
            del self._buffer[:-1]
        self._searched = len(self._buffer)
        return None

    def _code(self, line: bytes) -> Iterator[Code]:
        was_overlong, self._overlong = self._overlong, False
        if len(line) > MOST_BYTES and not was_overlong:
            self.counters.damaged += 1
        elif line and not was_overlong:
            yield Code(line)
