"""The same work by a mosquitto that bridges to the centre's: the strongest thing at hand elsewhere.

Its queue is unlimited here, and saved every second; or at every change, which alone keeps what it
has acknowledged through a crash.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic_ns

from tests.bench.counter import Arrivals, counting
from tests.bench.drain import drained
from tests.bench.figures import Figure, Settings, share
from tests.bench.mqtt import Client
from tests.bench.process import isolated
from tests.bench.readings import bodies
from tests.bench.throughput import BROKER, sustained
from tests.brokers import Mosquitto
from tests.ports import free_port
from tests.uplink.gate import BASE

_EACH_SECOND = ("autosave_interval 1",)
_EACH_CHANGE = ("autosave_interval 1", "autosave_on_changes true")
_TOPIC = f"{BASE}/up/event/scan"
_WINDOW = 1000
_PATIENCE_S = 5.0
"""With nothing arriving: what has not come by then is lost."""


class Bridge(Mosquitto):
    """The gate's own broker, which passes everything on to `upstream`."""

    def __init__(self, directory: Path, upstream: int, *saving: str) -> None:
        super().__init__(
            directory,
            *BROKER,
            "persistence true",
            f"persistence_location {directory}/",
            *saving,
            "connection centre",
            f"address 127.0.0.1:{upstream}",
            "restart_timeout 1",
            "cleansession false",
            "topic # out 1",
        )

    def send_signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT: hold it still while the other side gets ready."""
        assert self._process is not None
        self._process.send_signal(number)


def run(settings: Settings) -> Iterator[Figure]:
    """Ours, beside the bridge's."""
    events = settings.scaled(100_000, 10_000)
    ours = isolated(_sustained, settings.directory, events)
    for saving, some, how in (
        (_EACH_SECOND, events, "saved each second"),
        (_EACH_CHANGE, events // 50, "saved at each change"),
    ):
        rate, lost = asyncio.run(_passed_on(settings.directory, some, saving))
        yield _figure(f"{events:,} through, beside a bridge", ours, rate, lost, how)
    ours = isolated(drained, settings.directory, events).per_s
    rate, lost = asyncio.run(_drained(settings.directory, events))
    yield _figure(f"{events:,} after an outage", ours, rate, lost, "saved each second")


def _figure(name: str, ours: float, rate: float, lost: int, how: str) -> Figure:
    beside = f"mosquitto bridge, {how}" + (f", loses {lost:,}" if lost else "")
    return Figure(name, ours, "/s", rate, beside, [share(1)])


def _sustained(directory: Path, events: int) -> float:
    return asyncio.run(sustained(directory, events))


async def _passed_on(directory: Path, events: int, saving: tuple[str, ...]) -> tuple[float, int]:
    """Events per second, and how many never came."""
    upstream = Mosquitto(directory, *BROKER)
    await upstream.start()
    async with (
        _stopped_at_the_end(upstream),
        _bridge(directory, upstream.port, saving) as bridge,
        counting(directory, upstream.port, events) as arrivals,
    ):
        started = monotonic_ns()
        await asyncio.to_thread(_produce, bridge.port, bodies(events))
        return await _rate(arrivals, events, started)


async def _drained(directory: Path, events: int) -> tuple[float, int]:
    """As `_passed_on`, of what the bridge has taken while the centre was away."""
    upstream = Mosquitto(directory, *BROKER)
    async with _bridge(directory, upstream.port, _EACH_SECOND) as bridge:
        await asyncio.to_thread(_produce, bridge.port, bodies(events))
        bridge.send_signal(signal.SIGSTOP)
        await upstream.start()
        async with (
            _stopped_at_the_end(upstream),
            counting(directory, upstream.port, events) as arrivals,
        ):
            bridge.send_signal(signal.SIGCONT)
            await arrivals.until(1)
            return await _rate(arrivals, events, monotonic_ns())


async def _rate(arrivals: Arrivals, events: int, started: int) -> tuple[float, int]:
    come = -1
    while come < arrivals.events < events:
        come = arrivals.events
        await _until_news(arrivals, come)
    return arrivals.events / (arrivals.last_ns - started) * 1e9, events - arrivals.events


async def _until_news(arrivals: Arrivals, come: int) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + _PATIENCE_S
    while arrivals.events == come and loop.time() < due:
        await asyncio.sleep(0.02)


def _produce(port: int, events: list[bytes]) -> None:
    with Client(port, "producer") as client:
        client.flood(_TOPIC, events, window=_WINDOW)


@asynccontextmanager
async def _bridge(directory: Path, upstream: int, saving: tuple[str, ...]) -> AsyncIterator[Bridge]:
    place = directory / f"bridge-{free_port()}"
    place.mkdir()
    bridge = Bridge(place, upstream, *saving)
    await bridge.start()
    async with _stopped_at_the_end(bridge):
        yield bridge


@asynccontextmanager
async def _stopped_at_the_end(broker: Mosquitto) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await broker.kill()
