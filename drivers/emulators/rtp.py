"""The packets of RTP (RFC 3550) in which a camera sends its pictures.

JPEGs go as RFC 2435 has them: their tables travel in front of the first piece, the rest of their
head does not. H.264 goes as RFC 6184 has it, with larger NAL units in pieces (FU-A, 5.8).
"""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

HERTZ: Final = 90_000
_PIECE: Final = 1400
_SOURCE: Final = 0x636731  # SSRC: any number
_DQT, _SOF0, _SOS = 0xDB, 0xC0, 0xDA
_START_CODE: Final = b"\0\0\0\1"
_FU_A: Final = 28


class Format(NamedTuple):
    """How pictures are packed."""

    number: int
    """The payload type."""
    described: str
    """In the session's description."""
    payloads: Callable[[bytes], list[bytes]]
    """Of one picture."""


def packets(packed: Format, picture: bytes, sequence: int, timestamp: int) -> list[bytes]:
    """The packets of one picture, the first with this sequence number."""
    payloads = packed.payloads(picture)
    last = len(payloads) - 1
    heads = (
        struct.pack(
            ">BBHII", 0x80, (0x80 if number == last else 0) | packed.number,
            (sequence + number) & 0xFFFF, timestamp & 0xFFFF_FFFF, _SOURCE,
        )
        for number in range(len(payloads))
    )  # fmt: skip
    return [head + payload for head, payload in zip(heads, payloads, strict=True)]


def _jpeg(jpeg: bytes) -> list[bytes]:
    tables, width, height, scan = _dissected(jpeg)
    payloads = []
    for at in range(0, len(scan), _PIECE):
        # Type 1 is 4:2:0, quality 255 says that the tables follow.
        place = struct.pack(">IBBBB", at, 1, 255, width // 8, height // 8)
        quantisation = b"" if at else struct.pack(">BBH", 0, 0, len(tables)) + tables
        payloads.append(place + quantisation + scan[at : at + _PIECE])
    return payloads


def _dissected(jpeg: bytes) -> tuple[bytes, int, int, bytes]:
    """The quantisation tables, width, height, and what follows the head, without the end mark."""
    tables, width, height, at = b"", 0, 0, 2
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        segment = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _DQT:
            for start in range(0, len(segment), 65):  # a byte with its number before each
                tables += segment[start + 1 : start + 65]
        elif marker == _SOF0:
            height, width = struct.unpack(">HH", segment[1:5])
        elif marker == _SOS:
            return tables, width, height, jpeg[at:-2]


def _h264(access_unit: bytes) -> list[bytes]:
    return [
        payload
        for nal in access_unit.split(_START_CODE)[1:]
        for payload in ([nal] if len(nal) <= _PIECE else _in_pieces(nal))
    ]


def _in_pieces(nal: bytes) -> list[bytes]:
    kind, body = nal[0], nal[1:]
    pieces = [body[at : at + _PIECE] for at in range(0, len(body), _PIECE)]
    flags = [0x80, *[0] * (len(pieces) - 2), 0x40]
    return [
        bytes([(kind & 0xE0) | _FU_A, flag | (kind & 0x1F)]) + piece
        for flag, piece in zip(flags, pieces, strict=True)
    ]


JPEG: Final = Format(26, "", _jpeg)
"""Of JPEGs that are baseline, in colours at 4:2:0, as OpenCV writes them, with multiples of 16 as
their sides."""
H264: Final = Format(96, "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n", _h264)
"""Of access units as byte streams (Annex B)."""
