"""A specimen of every thermometer that sends frames: what is documented of it, and its codec."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from drivers import cjmcu_90614, gy_614v, gy_mcu906, gy_mcu90640, lu90614
from drivers.counters import Counters
from drivers.thermometry.conversing import Codec
from drivers.thermometry.sampling import Sample


@dataclass(frozen=True, slots=True)
class Specimen:
    """``frames`` are whole and right; ``header`` is how they begin."""

    name: str
    codec: Callable[[Counters], Codec]
    header: bytes
    frames: tuple[bytes, ...]
    samples: tuple[Sample, ...]
    passes: float = 2**-8
    """The share of random contents behind a right header that must pass for a frame."""
    floods: tuple[bytes, ...] = ()
    """What besides headers and unfinished frames would be hard on a careless codec."""

    def __str__(self) -> str:
        return self.name


def floods(specimen: Specimen) -> list[bytes]:
    """What is hard on a careless codec, each to be repeated without end."""
    header, frame = specimen.header, specimen.frames[0]
    damaged = frame[:-1] + bytes((frame[-1] ^ 0x01,))
    return [header, header[:1], header[:-1], frame[:-1], damaged, frame, b"\x00", *specimen.floods]


GY_MCU906 = Specimen(
    "gy_mcu906",
    gy_mcu906.Codec,
    bytes.fromhex("5A 5A 45 04"),
    (bytes.fromhex("5A 5A 45 04 0C 78 0D 19 A7"), bytes.fromhex("5A 5A 45 04 FE 00 FB E6 DC")),
    (Sample(31.92, 33.53), Sample(-5.12, -10.50)),
)

GY_614V = Specimen(
    "gy_614v",
    gy_614v.Codec,
    bytes.fromhex("A4 03 07 07"),
    (
        bytes.fromhex("A4 03 07 07 62 0C EE 09 92 0E 38 F2"),
        bytes.fromhex("A4 03 07 07 5F FE 0C FD DA FF 9C 90"),
    ),
    (Sample(33.10, 24.50, body_celsius=36.40), Sample(-5.00, -5.50, body_celsius=-1.00)),
    floods=(bytes.fromhex("A4 03 06 01"), bytes.fromhex("A4 03 08 12")),
)

CJMCU_90614 = Specimen(
    "cjmcu_90614",
    cjmcu_90614.Codec,
    bytes.fromhex("66 66 01 04"),
    (bytes.fromhex("66 66 01 04 0A 83 0A 83 1A"), bytes.fromhex("66 66 02 04 FE 0C 0A 83 69")),
    (Sample(26.91, 26.91), Sample(-5.00, 26.91)),
    passes=2**-7,  # either of two sums
)

LU90614 = Specimen(
    "lu90614",
    lu90614.Codec,
    bytes.fromhex("FE AA 28 1E"),
    (bytes.fromhex("FE AA 28 1E 00 00 00 00 EE"), bytes.fromhex("FE AA 00 63 00 00 00 00 0B")),
    (Sample(40.30), Sample(0.99)),
    passes=2**-40,  # four zeros besides the sum
    floods=(bytes.fromhex("FE AA 00 00"), bytes.fromhex("FE AC 28 1E 00 00 00 00 F0")),
)


def image(pixels: list[int], ambient: int) -> bytes:
    """A frame of the array, in 1/100 °C."""
    body = b"\x5a\x5a\x02\x06" + struct.pack("<769h", *pixels, ambient)
    return body + struct.pack("<H", sum(struct.unpack("<771H", body)) & 0xFFFF)


def spot(background: int, celsius: int) -> list[int]:
    """A field with a warm square of three by three pixels in it, one of which is broken."""
    pixels = [background] * 768
    for row in (10, 11, 12):
        pixels[row * 32 + 20 : row * 32 + 23] = [celsius] * 3
    pixels[400] = 30000
    return pixels


GY_MCU90640 = Specimen(
    "gy_mcu90640",
    gy_mcu90640.Codec,
    bytes.fromhex("5A 5A 02 06"),
    (image([0x0E6E] * 768, 3353), image(spot(2210, 3480), 2200), image([-1000] * 768, -1050)),
    (Sample(36.94, 33.53), Sample(34.80, 22.00), Sample(-10.00, -10.50)),
    passes=2**-16,
    floods=(bytes.fromhex("5A 5A 5A 02 06"), bytes.fromhex("5A 5A 5F")),
)

SPECIMENS = [GY_MCU906, GY_614V, CJMCU_90614, LU90614, GY_MCU90640]
