"""All benchmarks, in the order of the table."""

from collections.abc import Callable, Iterable

from tests.bench import (
    bridge,
    camera,
    codecs,
    credentials,
    deciding,
    drain,
    durable,
    growth,
    idle,
    latency,
    overtaking,
    release,
    script,
    throughput,
    wear,
    wire,
)
from tests.bench.figures import Figure, Settings

Benchmark = Callable[[Settings], Iterable[Figure]]

BENCHMARKS: dict[str, Benchmark] = {
    "durable": durable.run,
    "throughput": throughput.run,
    "drain": drain.run,
    "latency": latency.run,
    "overtaking": overtaking.run,
    "wire": wire.run,
    "wear": wear.run,
    "growth": growth.run,
    "idle": idle.run,
    "bridge": bridge.run,
    "script": script.run,
    "checkpoint": deciding.run,
    "release": release.run,
    "codecs": codecs.run,
    "camera": camera.run,
    "credentials": credentials.run,
}


def measure(name: str, settings: Settings) -> list[Figure]:
    """The figures of one benchmark."""
    return list(BENCHMARKS[name](settings))
