"""The worst that can be fed to each codec: what a broken line or a hostile code can cost."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple, Protocol

from drivers import optris, usb_relay
from drivers.counters import Counters
from drivers.hikvision import isapi, multipart
from drivers.lock_board import FAMILIES
from drivers.serial_scanner import scanlines
from drivers.wire.modbus import Finder, Function, Request
from drivers.zigbee2mqtt import messages as zigbee
from tests.drivers import specimens


class Fed(Protocol):
    """A codec, as far as it matters here."""

    def feed(self, data: bytes, /) -> object: ...


class Flood(NamedTuple):
    """What is to be repeated to a few megabytes, and fed in pieces of ``read_bytes``."""

    codec: str
    what: str
    make: Callable[[], Fed]
    data: bytes
    read_bytes: int = 4096
    """By default what a read brings at most, and does where the reader is slower than the line."""

    def __str__(self) -> str:
        return f"{self.codec}, {self.what}"


class _Messages:
    """Takes each piece as a whole message."""

    def __init__(self, read: Callable[[bytes], object]) -> None:
        self._read = read

    def feed(self, data: bytes) -> object:
        return self._read(data)


def _thermometers() -> Iterator[Flood]:
    for each in specimens.SPECIMENS:
        for number, flood in enumerate(specimens.floods(each)):
            make = partial(each.codec, Counters())
            yield Flood(each.name, f"flood {number}", make, flood)
    # Without frames there is nothing to be looked for: a byte at a time is its worst.
    yield Flood("optris", "byte by byte", lambda: optris.Codec(Counters()), b"\x04", 1)


def _modbus(what: str, function: Function, count: int, data: bytes) -> Flood:
    return Flood("modbus", what, lambda: Finder(Request(1, function, 0, count)), data)


def _doors() -> Iterator[Flood]:
    yield _modbus("8 inputs", Function.READ_INPUTS, 8, b"\x01\x02\x01")
    yield _modbus("64 inputs", Function.READ_INPUTS, 64, b"\x01\x02\x08")
    yield _modbus("8 registers", Function.READ_HOLDING, 8, b"\x01\x03\x10")
    yield _modbus("refusals", Function.READ_INPUTS, 8, b"\x01\x82")
    yield _modbus("a write", Function.WRITE_COIL, 0xFF00, b"\x01\x05\x00\x00\xff\x00\x00\x00")
    for family, data in (
        ("xor5", b"\x80\x80\x80\x00\x00\x11"),
        ("wkly", b"WKLY\x20"),
        ("kerong", b"\x02" * 7 + b"\x03" * 7),
    ):
        make = partial(FAMILIES[family].codec, Counters())
        yield Flood(f"lock_board {family}", "beginnings", make, data)
    smart = partial(usb_relay.Codec, Counters())
    yield Flood("usb_relay smart", "beginnings", smart, b"\xa0\xa0\x01\x01")
    yield Flood("usb_relay text", "states", lambda: usb_relay.TextCodec(16), b"ON ")


def _awaiting() -> Fed:
    codec = scanlines.Codec("line", "gm65")
    codec.answer_awaited = True
    return codec


def _code_readers() -> Iterator[Flood]:
    part = partial(multipart.Codec, b"MIME_boundary")
    too_long = b"--MIME_boundary\r\nContent-Length: 262145\r\n\r\n"
    yield Flood("scanlines", "shortest codes", scanlines.Codec, b"a\r")
    yield Flood("scanlines", "no end", scanlines.Codec, bytes(scanlines.MOST_BYTES))
    yield Flood("scanlines", "half ends", lambda: scanlines.Codec("crlf"), b"\r")
    yield Flood("scanlines", "begun answers", _awaiting, b"\x02\r")
    yield Flood("multipart", "boundaries", part, b"--MIME_boundary")
    yield Flood("multipart", "empty parts", part, b"--MIME_boundary\r\n\r\n")
    yield Flood("multipart", "impossible lengths", part, too_long)
    yield Flood("multipart", "no boundary", part, b"-")


def _messages() -> Iterator[Flood]:
    alerts = partial(_Messages, isapi.Alert.read)
    reports = partial(_Messages, zigbee.Report.read)
    nested, members = b"[" * 4096, b'{"a":1,' + b'"b":[],' * 580 + b'"c":0}'
    elements = b"<a>" + b"<b/>" * 1020 + b"</a>"
    for what, data in (("nested", nested), ("members", members), ("elements", elements)):
        yield Flood("isapi alert", what, alerts, data, len(data))
    for what, data in (("nested", nested), ("members", members), ("shortest", b"{}")):
        yield Flood("zigbee report", what, reports, data, len(data))


FLOODS: Final = [*_thermometers(), *_doors(), *_code_readers(), *_messages()]
