"""Bytes a second that each codec takes, at its worst input."""

from collections.abc import Iterator
from itertools import groupby
from time import process_time

from tests.bench.figures import Figure, Settings, at_least
from tests.bench.floods import FLOODS, Flood

_WIRE_BYTES_PER_S = 46_080
"""At 460800 baud, the fastest of these lines."""


def run(settings: Settings) -> Iterator[Figure]:
    """Each beside the fastest line."""
    length = settings.scaled(2_000_000, 300_000)
    for codec, floods in groupby(FLOODS, key=lambda flood: flood.codec):
        yield Figure(
            f"codec {codec}, worst input",
            min(bytes_per_s(flood, length) for flood in floods) / 1e6,
            "MB/s CPU",
            _WIRE_BYTES_PER_S / 1e6,
            "the fastest line",
            [at_least(1)],
        )


def bytes_per_s(flood: Flood, length: int) -> float:
    """How many a fresh codec takes in a second of processor time, measured with ``length``."""
    stream = flood.data * (length // len(flood.data))
    chunks = [stream[at : at + flood.read_bytes] for at in range(0, len(stream), flood.read_bytes)]
    codec = flood.make()
    started = process_time()
    for chunk in chunks:
        codec.feed(chunk)
    return len(stream) / (process_time() - started)
