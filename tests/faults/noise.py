"""A serial line as it is on a gate with long cables and motors: frames of a GY-MCU90614, numbered,
and every kind of noise around and within them.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_HEAD = b"\x5a\x5a\x45\x04"
_FRAME = 9
_SKIN = (3660).to_bytes(2)
_SYNC = _HEAD * 128
_GOOD, _WRONG = 115_200, 9_600
"""Bits per second: what we listen at, and what a device was left at by somebody else."""


@dataclass(frozen=True)
class Line:
    """What comes down a line in which pieces, and the numbers of the frames that are whole."""

    pieces: list[bytes]
    whole: list[int]


def frame(number: int) -> bytes:
    """The frame with this number, in the place of the sensor's own temperature."""
    body = _HEAD + _SKIN + number.to_bytes(2)
    return body + bytes([sum(body) % 256])


Noise = Callable[[int, random.Random], tuple[list[bytes], bool]]
"""From a number to what is sent instead of its frame alone, and whether that is in it whole."""


def around(number: int, rng: random.Random) -> tuple[list[bytes], bool]:
    """Random bytes before the frame, and with the next one between them."""
    return [rng.randbytes(rng.randrange(40)), frame(number)], True


def within(number: int, rng: random.Random) -> tuple[list[bytes], bool]:
    """Every third frame is torn, with random bytes or with nothing in the gap."""
    if number % 3:
        return [frame(number)], True
    at, to = sorted(rng.sample(range(1, _FRAME + 1), 2))
    return [frame(number)[:at], rng.randbytes(rng.randrange(6)), frame(number)[to:]], False


def dripping(number: int, _: random.Random) -> tuple[list[bytes], bool]:
    """Byte by byte."""
    return [bytes([byte]) for byte in frame(number)], True


def flipped(number: int, rng: random.Random) -> tuple[list[bytes], bool]:
    """In every third frame a bit is turned over."""
    altered = bytearray(frame(number))
    if number % 3 == 0:
        altered[rng.randrange(_FRAME)] ^= 1 << rng.randrange(8)
    return [bytes(altered)], number % 3 != 0


def flooded(number: int, _: random.Random) -> tuple[list[bytes], bool]:
    """Beginnings of frames without an end, half a kilobyte before each that has one."""
    return [_SYNC, frame(number)], True


def mistuned(number: int, rng: random.Random) -> tuple[list[bytes], bool]:
    """What another device on the line sends at another speed, as it is heard at ours."""
    return [heard(frame(rng.randrange(30_000)), _WRONG, _GOOD), frame(number)], True


NOISES: dict[str, Noise] = {
    "around the frames": around,
    "within the frames": within,
    "byte by byte": dripping,
    "bits turned over": flipped,
    "flood of beginnings": flooded,
    "another speed": mistuned,
}


def noisy(noise: Noise, frames: int, seed: int = 1) -> Line:
    """A line with so many frames.

    Where noise by chance makes up a frame that nobody could tell from a true one, which one byte
    of sum allows once in 256 torn frames, the noise is drawn again.
    """
    rng, pieces, whole, recent = random.Random(seed), list[bytes](), list[int](), b""
    for number in range(1, frames + 1):
        true = frame(number)
        while True:
            drawn, intact = noise(number, rng)
            following = recent + b"".join(drawn) + frame(number + 1)
            if list(_frames(following)) == [*([true] if intact else []), frame(number + 1)]:
                break
        pieces += filter(None, drawn)
        whole += [number] if intact else []
        recent = b"".join(drawn) if not intact else b""
        recent = recent[-_FRAME:]
    return Line([*pieces, frame(frames + 1)], [*whole, frames + 1])


def _frames(data: bytes) -> Iterator[bytes]:
    """Whatever looks like a frame with a right sum, wherever it begins."""
    for at in range(len(data) - _FRAME + 1):
        found = data[at : at + _FRAME]
        if found.startswith(_HEAD) and sum(found[:-1]) % 256 == found[-1]:
            yield found


def heard(data: bytes, sent: int, received: int) -> bytes:
    """What a UART at `received` bits per second makes of bytes that were sent at `sent`, 8N1."""
    line = [level for byte in data for level in (0, *(byte >> bit & 1 for bit in range(8)), 1)]
    length = len(line) * received // sent
    levels = [line[at * sent // received] for at in range(length)] + [1] * 10
    found, at = bytearray(), 0
    while at + 10 <= len(levels):
        if levels[at]:  # no start bit
            at += 1
            continue
        bits = levels[at + 1 : at + 9]
        found.append(sum(bit << place for place, bit in enumerate(bits)))
        at += 10
    return bytes(found)
