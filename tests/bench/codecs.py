"""Bytes a second that each thermometer's codec takes, at its worst input."""

from collections.abc import Iterator
from time import process_time

from drivers.counters import Counters
from tests.bench.figures import Figure, Settings, at_least
from tests.drivers.specimens import SPECIMENS, Specimen, floods

_READ_BYTES = 4096
"""What a read brings at most."""
_WIRE_BYTES_PER_S = 46_080
"""At 460800 baud, the fastest of these lines."""


def run(settings: Settings) -> Iterator[Figure]:
    """Each beside the fastest line."""
    length = settings.scaled(2_000_000, 300_000)
    for specimen in SPECIMENS:
        slowest = min(_bytes_per_s(specimen, flood, length) for flood in floods(specimen))
        yield Figure(
            f"codec {specimen.name}, worst input",
            slowest / 1e6,
            "MB/s CPU",
            _WIRE_BYTES_PER_S / 1e6,
            "the fastest line",
            [at_least(1)],
        )


def _bytes_per_s(specimen: Specimen, flood: bytes, length: int) -> float:
    stream = flood * (length // len(flood))
    chunks = [stream[at : at + _READ_BYTES] for at in range(0, len(stream), _READ_BYTES)]
    codec = specimen.codec(Counters())
    started = process_time()
    for chunk in chunks:
        codec.feed(chunk)
    return len(stream) / (process_time() - started)
