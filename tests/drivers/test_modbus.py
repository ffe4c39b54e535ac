"""Modbus RTU: documented frames, answers found in noise, and the client on a real pty."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.base import DeviceError
from drivers.counters import Counters
from drivers.emulators.cable import Cable
from drivers.wire import bus
from drivers.wire.modbus import (
    Finder,
    Function,
    Master,
    RefusedError,
    Request,
    bits,
    crc16,
    registers,
)

READ_EIGHT_INPUTS = Request(1, Function.READ_INPUTS, 0, 8)
INPUTS_0_AND_2 = bytes.fromhex("01 02 01 05 61 8B")
INPUT_5 = bytes.fromhex("01 02 01 20 A0 50")
READ_MODES = Request(1, Function.READ_HOLDING, 0x1000, 8)
ILLEGAL_ADDRESS = bytes.fromhex("01 83 02 C0 F1")
RELAY_ON = Request(1, Function.WRITE_COIL, 0, 0xFF00)


def answer(request: Request, received: bytes) -> bytes | None:
    """The answer to ``request`` in what was received, all at once."""
    return Finder(request).feed(received)


def with_crc(text: str) -> bytes:
    body = bytes.fromhex(text)
    return body + crc16(body).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("request_", "frame"),
    [
        (Request(1, Function.WRITE_COIL, 0, 0xFF00), "01 05 00 00 FF 00 8C 3A"),
        (Request(1, Function.WRITE_COIL, 0, 0x0000), "01 05 00 00 00 00 CD CA"),
        (Request(1, Function.WRITE_COIL, 0x00FF, 0xFF00), "01 05 00 FF FF 00 BC 0A"),
        (Request(1, Function.WRITE_COIL, 0x00FF, 0x0000), "01 05 00 FF 00 00 FD FA"),
        (Request(1, Function.READ_COILS, 0, 8), "01 01 00 00 00 08 3D CC"),
        (READ_EIGHT_INPUTS, "01 02 00 00 00 08 79 CC"),
        (Request(1, Function.WRITE_COIL, 0x0200, 7), "01 05 02 00 00 07 8D B0"),
        (Request(1, Function.WRITE_COIL, 0x0201, 8), "01 05 02 01 00 08 9C 74"),
        (READ_MODES, "01 03 10 00 00 08 40 CC"),
        (Request(1, Function.READ_HOLDING, 0x8000, 1), "01 03 80 00 00 01 AD CA"),
        (Request(1, Function.READ_INPUT_REGISTERS, 0x12, 1), "01 04 00 12 00 01 91 CF"),
        (Request(1, Function.WRITE_REGISTER, 1, 0x0100), "01 06 00 01 01 00 D9 9A"),
        (Request(1, Function.READ_HOLDING, 1, 1), "01 03 00 01 00 01 D5 CA"),
    ],
)
def test_documented_requests(request_: Request, frame: str) -> None:
    assert request_.to_bytes() == bytes.fromhex(frame)


def test_documented_answers() -> None:
    coils = answer(Request(1, Function.READ_COILS, 0, 8), bytes.fromhex("010101019048"))
    inputs = answer(READ_EIGHT_INPUTS, INPUTS_0_AND_2)
    real_board = answer(READ_EIGHT_INPUTS, INPUT_5)
    register = answer(
        Request(1, Function.READ_HOLDING, 1, 1), bytes.fromhex("01 03 02 00 01 79 84")
    )
    warmth = answer(
        Request(1, Function.READ_INPUT_REGISTERS, 0x12, 1), bytes.fromhex("01 04 02 01 4B F8 97")
    )
    written = answer(RELAY_ON, RELAY_ON.to_bytes())

    assert coils is not None
    assert bits(coils, 8) == [True] + [False] * 7
    assert inputs is not None
    assert bits(inputs, 8) == [True, False, True] + [False] * 5
    assert real_board is not None
    assert bits(real_board, 8).index(True) == 5
    assert register is not None
    assert registers(register) == [1]
    assert warmth is not None
    assert registers(warmth) == [331]
    assert written == b""


def test_a_refusal_is_raised_with_its_code() -> None:
    with pytest.raises(RefusedError) as caught:
        answer(READ_MODES, ILLEGAL_ADDRESS)

    assert caught.value.code == 2
    assert str(caught.value) == (
        "Modbus device 1 refuses function 3 at 0x1000: exception 2 (illegal address)"
    )


@pytest.mark.parametrize(
    "other",
    [
        with_crc("02 02 01 05"),  # another device's
        with_crc("01 01 01 05"),  # another function's
        with_crc("01 02 02 05 00"),  # another length
        with_crc("02 82 02"),  # another device's refusal
        INPUTS_0_AND_2[:-1],
        INPUTS_0_AND_2[:-1] + b"\x00",
        READ_EIGHT_INPUTS.to_bytes(),
        b"",
    ],
)
def test_what_is_no_answer_to_this(other: bytes) -> None:
    assert answer(READ_EIGHT_INPUTS, other) is None
    assert answer(READ_EIGHT_INPUTS, other + INPUTS_0_AND_2) == b"\x05"


def test_a_write_is_answered_by_its_own_value_only() -> None:
    switched_off = Request(1, Function.WRITE_COIL, 0, 0x0000)

    assert answer(RELAY_ON, switched_off.to_bytes()) is None


@pytest.mark.parametrize("bit", range(48))
def test_no_flipped_bit_gets_through(bit: int) -> None:
    flipped = bytearray(INPUTS_0_AND_2)
    flipped[bit // 8] ^= 1 << bit % 8

    assert answer(READ_EIGHT_INPUTS, bytes(flipped)) is None


@given(before=st.binary(max_size=40), behind=st.binary(max_size=40))
@example(before=b"\x01\x02\x01", behind=b"")
@example(before=b"\x01\x82", behind=b"\x01")
def test_an_answer_is_found_in_noise(before: bytes, behind: bytes) -> None:
    assert answer(READ_EIGHT_INPUTS, before + INPUTS_0_AND_2 + behind) == b"\x05"


@given(
    before=st.binary(max_size=20),
    behind=st.binary(max_size=20),
    cuts=st.lists(st.integers(0, 46), max_size=6),
)
@example(before=b"\x01\x02\x01", behind=b"", cuts=[3])
def test_an_answer_is_found_in_any_pieces(before: bytes, behind: bytes, cuts: list[int]) -> None:
    received = before + INPUTS_0_AND_2 + behind
    finder = Finder(READ_EIGHT_INPUTS)
    edges = sorted({0, len(received), *(min(cut, len(received)) for cut in cuts)})
    found = [finder.feed(received[start:end]) for start, end in pairwise(edges)]

    assert b"\x05" in found


def test_a_wrong_checksum_is_noticed() -> None:
    finder = Finder(READ_EIGHT_INPUTS)
    assert finder.feed(INPUTS_0_AND_2[:-1] + b"\x00") is None
    assert finder.damaged


@given(st.binary(max_size=300))
def test_noise_alone_is_no_answer(noise: bytes) -> None:
    address_not_in_it = noise.replace(b"\x01", b"\x00")

    assert answer(READ_EIGHT_INPUTS, address_not_in_it) is None


class Slave:
    """The far end: answers each request with what ``reply`` makes of it and of its number."""

    def __init__(self, link: Path, reply: Callable[[bytes, int], bytes]) -> None:
        self.requests: list[bytes] = []
        self.times: list[float] = []
        self._reply = reply
        self._cable = Cable(link, self._received)

    def _received(self, data: bytes) -> None:
        self.requests.append(data)
        self.times.append(asyncio.get_running_loop().time())
        self.say(self._reply(data, len(self.requests)))

    def say(self, data: bytes) -> None:
        self._cable.send(data)

    def __enter__(self) -> "Slave":
        self._cable.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self._cable.unplug()


async def ask(
    link: Path, *questions: Request, answer_s: float = 5.0, attempts: int = 1, echo: bool = False
) -> list[bytes]:
    async with bus.joined(link, bus.Settings(9600, echo=echo)) as line:
        master = Master(line, answer_s=answer_s, attempts=attempts)
        return [await master.ask(question) for question in questions]


@pytest.mark.usefixtures("no_descriptor_leaks")
class TestMaster:
    async def test_asks_and_is_answered(self, link: Path) -> None:
        with Slave(link, lambda _, number: (INPUTS_0_AND_2, INPUT_5)[number - 1]) as slave:
            answers = await ask(link, READ_EIGHT_INPUTS, READ_EIGHT_INPUTS)

        assert answers == [b"\x05", b"\x20"]
        assert slave.requests == [READ_EIGHT_INPUTS.to_bytes()] * 2

    async def test_requests_are_a_pause_apart(self, link: Path) -> None:
        with Slave(link, lambda _data, _number: INPUTS_0_AND_2) as slave:
            await ask(link, READ_EIGHT_INPUTS, READ_EIGHT_INPUTS)

        assert slave.times[1] - slave.times[0] >= 3.5 * 11 / 9600

    async def test_asks_again_after_a_lost_answer(self, link: Path) -> None:
        def lose_the_first(_: bytes, number: int) -> bytes:
            return b"" if number == 1 else INPUTS_0_AND_2

        with Slave(link, lose_the_first) as slave:
            assert await ask(link, READ_EIGHT_INPUTS, answer_s=0.5, attempts=9) == [b"\x05"]

        assert len(slave.requests) >= 2

    async def test_gives_up_on_a_silent_device(self, link: Path) -> None:
        slave = Slave(link, lambda _data, _number: b"")
        with slave, pytest.raises(DeviceError) as caught:
            await ask(link, READ_EIGHT_INPUTS, answer_s=0.1, attempts=2)

        assert str(caught.value) == (
            f"{link}: Modbus device 1 does not answer (2 times asked, 0.1 s each)"
        )
        assert len(slave.requests) == 2

    async def test_a_babbling_line_is_given_up_without_waiting(self, link: Path) -> None:
        slave = Slave(link, lambda _data, _number: bytes(2000))
        with slave, pytest.raises(DeviceError, match="does not answer"):
            async with asyncio.timeout(30):
                await ask(link, READ_EIGHT_INPUTS, answer_s=60)

    async def test_a_refusal_is_not_asked_for_twice(self, link: Path) -> None:
        slave = Slave(link, lambda _data, _number: ILLEGAL_ADDRESS)
        with slave, pytest.raises(RefusedError):
            await ask(link, READ_MODES, attempts=3)

        assert len(slave.requests) == 1

    @pytest.mark.parametrize("noise", [b"", b"\x00"])
    async def test_its_own_echo_is_not_taken_for_an_answer(self, link: Path, noise: bytes) -> None:
        def echo_then_answer(data: bytes, _: int) -> bytes:
            return noise + data + INPUTS_0_AND_2

        with Slave(link, echo_then_answer):
            assert await ask(link, READ_EIGHT_INPUTS, echo=True) == [b"\x05"]

        slave = Slave(link, lambda data, _: noise + data)
        with slave, pytest.raises(DeviceError, match="does not answer"):
            await ask(link, RELAY_ON, answer_s=0.1, echo=True)

    async def test_an_answer_that_comes_too_late_is_no_answer_to_the_next(self, link: Path) -> None:
        slave = Slave(link, lambda _data, _number: INPUT_5)
        with slave:
            async with bus.joined(link, bus.Settings(9600)) as line:
                master = Master(line, answer_s=5, attempts=1)
                first = await master.ask(READ_EIGHT_INPUTS)
                slave.say(INPUTS_0_AND_2)
                second = await master.ask(READ_EIGHT_INPUTS)

        assert (first, second) == (b"\x20", b"\x20")

    async def test_silence_and_damage_are_counted_apart(self, link: Path) -> None:
        damaged = INPUTS_0_AND_2[:-1] + b"\x00"
        counters = Counters()
        with Slave(link, lambda _, number: (b"", damaged, INPUTS_0_AND_2)[number - 1]):
            async with bus.joined(link, bus.Settings(9600)) as line:
                master = Master(line, answer_s=0.3, attempts=3, counters=counters)
                await master.ask(READ_EIGHT_INPUTS)

        assert counters == Counters(timeout=1, bad_checksum=1)
