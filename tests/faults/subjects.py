"""Every codec that bytes from outside reach, with right input for a fuzzer to begin from."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from drivers import optris, usb_relay
from drivers.counters import Counters
from drivers.hikvision import isapi, multipart
from drivers.lock_board import FAMILIES
from drivers.serial_scanner import scanlines
from drivers.wire.modbus import Finder, Function, RefusedError, Request
from drivers.zigbee2mqtt import messages as zigbee
from gateway.passes.document import understand
from gateway.passes.judging import judge
from tests.drivers.specimens import SPECIMENS
from tests.passes.certifying import (
    SHC_ISSUER,
    card_key,
    certificate,
    ec_key,
    eu,
    listed,
    seal,
    smart,
)
from tests.passes.issuing import PLACE, at, body, shown


class Fed(Protocol):
    """A codec: bytes in, readings out."""

    def feed(self, data: bytes, /) -> Sequence[object]: ...


@dataclass(frozen=True, slots=True)
class Subject:
    """``seeds`` are whole and right."""

    name: str
    codec: Callable[[Counters], Fed]
    seeds: tuple[bytes, ...]
    survives: bool = False
    """Whether of two good frames after any bytes one must be found; answers end with the first."""
    in_pieces: bool = True
    """Whether it makes no difference in which pieces the bytes come; a message comes whole."""

    def __str__(self) -> str:
        return self.name


class _Answers:
    """Modbus's finder: one answer or refusal, and then nothing more."""

    def __init__(self, function: Function, operand: int, _: Counters) -> None:
        self._finder: Finder | None = Finder(Request(1, function, 0, operand))

    def feed(self, data: bytes) -> list[object]:
        if self._finder is None:
            return []
        try:
            answer: object = self._finder.feed(data)
        except RefusedError as refusal:
            answer = refusal.code
        if answer is None:
            return []
        self._finder = None
        return [answer]


class _Messages:
    """What reads a message, or finds that it is none."""

    def __init__(self, read: Callable[[bytes], object], _: Counters) -> None:
        self._read = read

    def feed(self, data: bytes) -> list[object]:
        return [self._read(data)]


def _subjects() -> Iterator[Subject]:
    for each in SPECIMENS:
        yield Subject(each.name, each.codec, each.frames, survives=True)
    yield Subject("optris", optris.Codec, (b"\x04\xd2",), in_pieces=False)
    for family, frame in (
        ("xor5", "80 01 01 11 91"),
        ("wkly", "57 4B 4C 59 0B 01 83 00 04 01 85"),
        ("kerong", "02 10 35 05 80 00 00 03 CF"),
    ):
        seeds = (bytes.fromhex(frame),)
        yield Subject(f"lock_board-{family}", FAMILIES[family].codec, seeds)
    yield Subject("usb_relay", usb_relay.Codec, (bytes.fromhex("A0 01 01 A2"),))
    inputs = bytes.fromhex("01 02 01 05 61 8B"), bytes.fromhex("01 82 02 C1 61")
    yield Subject("modbus-inputs", partial(_Answers, Function.READ_INPUTS, 8), inputs)
    value = (bytes.fromhex("01 04 02 01 4B F8 97"),)
    yield Subject("modbus-register", partial(_Answers, Function.READ_INPUT_REGISTERS, 1), value)
    lines = partial(scanlines.Codec, "line", "gm65")
    yield Subject("scanlines", lines, (b"6901234567892\r\n", b"\x02\x00\x00\x01\x00\x33\x31\r"))
    head = b"--mark\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}\r\n"
    yield Subject(
        "multipart", partial(multipart.Codec, b"mark"), (head, b"--mark\r\n\r\n{}\r\n--mark")
    )
    alert = b'{"eventType":"x","AccessControllerEvent":{"majorEventType":5,"subEventType":1}}'
    xml = b"<EventNotificationAlert><eventType>x</eventType></EventNotificationAlert>"
    alerts = partial(_Messages, isapi.Alert.read)
    yield Subject("isapi", alerts, (alert, xml), in_pieces=False)
    report = b'{"contact":true,"battery":97,"last_seen":"2026-03-17T22:12:03Z"}'
    yield Subject("zigbee", partial(_Messages, zigbee.Report.read), (report,), in_pieces=False)
    yield _passes()


def _passes() -> Subject:
    """Every form of code that is judged, by somebody who is known."""
    signer, sealer = certificate(ec_key()), certificate(ec_key("sealer"))
    cards = [{"iss": SHC_ISSUER, "keys": [card_key(ec_key())]}]
    health = {"dcc": listed(signer), "shc": cards, "icao": listed(sealer)}
    trust = understand(body() | {"health": health}).trust(PLACE, ["https://code.example/*/a"])
    read = partial(judge, stamp=at(), trust=trust)
    seeds = (shown(), eu(der=signer), smart(), seal(ec_key("sealer"), sealer), b"shc:/1/2/00")
    return Subject("passes", partial(_Messages, read), seeds, in_pieces=False)


SUBJECTS: Final = {subject.name: subject for subject in _subjects()}
