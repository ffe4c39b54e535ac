"""The worst that can be fed to the codecs of doors, locks and relays: floods of frame beginnings.

`python -m tests.bench.codecs_doors` prints what each of them takes per second.
"""

import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

from drivers import usb_relay
from drivers.counters import Counters
from drivers.lock_board import FAMILIES
from drivers.modbus import Finder, Function, Request

CHUNK: Final = 4096
"""Bytes handed over at once: as many as a port holds."""


class Codec(Protocol):
    """Takes bytes."""

    def feed(self, data: bytes, /) -> object: ...


def _finder(function: Function, count: int) -> Callable[[], Codec]:
    return lambda: Finder(Request(1, function, 0, count))


CODECS: Final[list[tuple[str, Callable[[], Codec], bytes]]] = [
    ("modbus, 8 inputs", _finder(Function.READ_INPUTS, 8), b"\x01\x02\x01"),
    ("modbus, 64 inputs", _finder(Function.READ_INPUTS, 64), b"\x01\x02\x08"),
    ("modbus, 8 registers", _finder(Function.READ_HOLDING, 8), b"\x01\x03\x10"),
    ("modbus, refusals", _finder(Function.READ_INPUTS, 8), b"\x01\x82"),
    ("modbus, a write", _finder(Function.WRITE_COIL, 0xFF00), b"\x01\x05\x00\x00\xff\x00\x00\x00"),
    ("lock_board xor5", lambda: FAMILIES["xor5"].codec(Counters()), b"\x80\x80\x80\x00\x00\x11"),
    ("lock_board wkly", lambda: FAMILIES["wkly"].codec(Counters()), b"WKLY\x20"),
    ("lock_board kerong", lambda: FAMILIES["kerong"].codec(Counters()), b"\x02" * 7 + b"\x03" * 7),
    ("usb_relay smart", lambda: usb_relay.Codec(Counters()), b"\xa0\xa0\x01\x01"),
    ("usb_relay text", lambda: usb_relay.TextCodec(16), b"ON "),
]
"""What it is, how to make one, and what to repeat until it has enough of it."""


def megabytes_per_s(make: Callable[[], Codec], flood: bytes, *, chunks: int = 100) -> float:
    """How much of ``flood`` a codec takes, by processor time."""
    codec = make()
    chunk = (flood * (CHUNK // len(flood) + 1))[:CHUNK]
    began = time.process_time()
    for _ in range(chunks):
        codec.feed(chunk)
    return chunks * CHUNK / 1e6 / max(time.process_time() - began, 1e-9)


if __name__ == "__main__":
    for name, make, flood in CODECS:
        sys.stdout.write(f"{name:24}{megabytes_per_s(make, flood):8.1f} MB/s\n")
