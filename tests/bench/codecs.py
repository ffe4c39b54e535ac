"""Bytes a second that each thermometer's codec takes, at its worst input."""

from collections.abc import Callable, Iterator, Sequence
from time import process_time
from typing import Protocol

from drivers import optris
from drivers.counters import Counters
from tests.bench.figures import Figure, Settings, at_least
from tests.drivers.specimens import SPECIMENS, floods

_READ_BYTES = 4096
"""What a read brings at most, and does bring where the reader is slower than the line."""
_WIRE_BYTES_PER_S = 46_080
"""At 460800 baud, the fastest of these lines."""


class _Codec(Protocol):
    def feed(self, data: bytes) -> Sequence[object]: ...


def run(settings: Settings) -> Iterator[Figure]:
    """Each beside the fastest line."""
    length = settings.scaled(2_000_000, 300_000)
    for each in SPECIMENS:
        slowest = min(_bytes_per_s(each.codec, flood, length) for flood in floods(each))
        yield _figure(each.name, slowest)
    # Without frames there is nothing to be looked for: a byte at a time is its worst.
    yield _figure("optris", _bytes_per_s(optris.Codec, b"\x04", length, read_bytes=1))


def _figure(name: str, bytes_per_s: float) -> Figure:
    return Figure(
        f"codec {name}, worst input",
        bytes_per_s / 1e6,
        "MB/s CPU",
        _WIRE_BYTES_PER_S / 1e6,
        "the fastest line",
        [at_least(1)],
    )


def _bytes_per_s(
    make: Callable[[Counters], _Codec], flood: bytes, length: int, read_bytes: int = _READ_BYTES
) -> float:
    stream = flood * (length // len(flood))
    chunks = [stream[at : at + read_bytes] for at in range(0, len(stream), read_bytes)]
    codec = make(Counters())
    started = process_time()
    for chunk in chunks:
        codec.feed(chunk)
    return len(stream) / (process_time() - started)
