"""A long life in a short time: the real daemon under a rush of events, its links often reset.

What it holds of the system is taken from the kernel when it is warm, and again at the end.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from statistics import median_low

from drivers.emulators.thermometer import Thermometer
from tests.bench.counter import Arrivals, counting
from tests.bench.process import Process
from tests.bench.throughput import BROKER
from tests.brokers import mosquitto, until
from tests.daemon import GATE, Daemon
from tests.faults.hurry import TELL, TOLD
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.proxy import Conditions, FaultProxy, fault_proxy
from tests.faults.site import ROOT, killed_at_the_end

CONFIG = (
    GATE
    + """\
[journal]
max_mb = 64

[uplink]
host = "127.0.0.1"
port = {port}

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
baud = 9600
measuring = {{ report = "every", every_s = 0 }}
"""
)
"""The journal is so small that what has been delivered is purged all the time."""


_MORE = 500_000
"""Events that may come before all resets are over, where the machine has much else to do."""
_STALLS = 4
_STALL_S = 0.25


@dataclass(frozen=True)
class Size:
    """How long a soak is; a fifth of it is for warming up."""

    events: int
    flaps: int
    _: KW_ONLY
    together: int
    """Events that come at once, a hundred times a second."""


class Rush(Thermometer):
    """Sends every reading `together` times; each is an event."""

    def __init__(self, link: Path, *, rate_hz: float, together: int = 1) -> None:
        super().__init__(link, rate_hz=rate_hz)
        self._together = together

    def send(self, frame: bytes) -> None:
        super().send(frame * self._together)


@dataclass(frozen=True)
class Held:
    """What a process has of the system: descriptors by kind, and threads."""

    descriptors: Counter[str]
    threads: int

    @classmethod
    async def at_rest(cls, pid: int) -> "Held":
        """What it holds when nothing is under way: the least of a few looks."""
        looks = []
        for _ in range(20):
            looks.append(cls(Counter(_descriptors(pid)), Process(pid).threads))
            await asyncio.sleep(0.02)
        return min(looks, key=lambda each: (each.descriptors.total(), each.threads))


@dataclass
class Soak:
    """A running one, and what was seen: events recorded, and bytes of memory at that time."""

    daemon: Daemon
    network: FaultProxy
    arrivals: Arrivals
    samples: list[tuple[int, int]] = field(default_factory=list)
    recorded: int = 0
    recovery_s: float = 0.0
    before: Held | None = None

    async def run(self, size: Size) -> None:
        """The worst first, then events and flaps, evenly spread."""
        step = size.events // size.flaps
        await self.outage(size.events // 50)
        await self.stall()
        for flap in range(1, size.flaps + 1):
            await self.daemon.until(lambda now: now.journal.recorded >= flap * step)  # noqa: B023
            await self.flap()
            if flap == size.flaps // 5:
                self.before = await Held.at_rest(self.daemon.pid)
            if flap >= size.flaps // 5:
                self.samples.append((flap * step, await self.in_use()))

    async def in_use(self) -> int:
        """Bytes, by the allocator's own books: what is resident depends on what once was, too."""
        told = self.daemon.log.count(TOLD)
        os.kill(self.daemon.pid, TELL)
        await until(lambda: self.daemon.log.count(TOLD) > told)
        return int(self.daemon.log.rpartition(TOLD)[2].split()[0])

    async def outage(self, events: int) -> None:
        """Let a backlog grow and go: afterwards memory has been as large as it has to be."""
        await self.daemon.until(lambda now: now.link.online)
        self.network.refuse()
        self.network.reset()
        await self.daemon.until(lambda now: now.journal.waiting > events)
        await self.network.open()
        await self.daemon.until(lambda now: now.journal.confirmed > events, within_s=60)

    async def stall(self) -> None:
        """Hold up now the daemon, now what it sends: all that can wait in memory does."""
        for _ in range(_STALLS):
            os.kill(self.daemon.pid, signal.SIGSTOP)
            await asyncio.sleep(_STALL_S)
            os.kill(self.daemon.pid, signal.SIGCONT)
            self.network.conditions = Conditions(delay_s=_STALL_S)
            await asyncio.sleep(_STALL_S)
            self.network.conditions = Conditions()

    async def flap(self) -> None:
        """Lose the link, and wait for the next one."""
        loop, connections = asyncio.get_running_loop(), self.network.connections
        lost = loop.time()
        self.network.reset()
        await until(lambda: self.network.connections > connections, within_s=60)
        await self.daemon.until(lambda now: now.link.online, within_s=60)
        self.recovery_s = max(self.recovery_s, loop.time() - lost)

    async def finish(self) -> None:
        """Let all that was recorded arrive.

        Raises:
            ViolationError: it does not.
        """
        now = await self.daemon.until(
            lambda now: now.link.online and not now.journal.waiting, within_s=60
        )
        self.recorded = now.journal.recorded
        try:
            await self.arrivals.until(self.recorded, within_s=20)
        except TimeoutError:
            missing = self.recorded - self.arrivals.events
            raise ViolationError(f"{missing} events never arrived") from None

    async def verify_nothing_left(self) -> None:
        """Hold what the daemon holds now against what it held when it was warm.

        Raises:
            ViolationError: it is more.
        """
        assert self.before is not None
        after = await Held.at_rest(self.daemon.pid)
        if more := after.descriptors - self.before.descriptors:
            raise ViolationError(f"left over: {dict(more)}")
        if after.threads > self.before.threads:
            raise ViolationError(f"{after.threads - self.before.threads} threads are left over")

    def grown(self) -> int:
        """Bytes from the first fifth of the samples to the last, by their middles."""
        part = max(1, len(self.samples) // 5)
        memory = [size for _, size in self.samples]
        return median_low(memory[-part:]) - median_low(memory[:part])

    def slope(self) -> float:
        """Bytes per event in the second half of the samples: what is bounded takes up to a million
        events to fill. Of each half of those the least counts, for there is always something under
        way."""
        warm = self.samples[len(self.samples) // 2 :]
        half = len(warm) // 2
        least, later = (min(size for _, size in some) for some in (warm[:half], warm[half:]))
        return (later - least) / (warm[half][0] - warm[0][0])


@asynccontextmanager
async def soaking(directory: Path, size: Size, mutant: Mutant | None = None) -> AsyncIterator[Soak]:
    """A soak from its beginning to the last event's arrival."""
    async with (
        mosquitto(directory, *BROKER) as broker,
        counting(directory, broker.port, 2 * size.events + _MORE) as arrivals,
        fault_proxy(broker.port) as network,
        Rush(directory / "thermometer", rate_hz=100, together=size.together) as thermometer,
    ):
        daemon = Daemon(
            directory,
            CONFIG.format(port=network.port),
            environment={"PYTHONPATH": str(ROOT), "PYTHONMALLOC": "malloc"},
            program=("tests.faults.hurry", *filter(None, [mutant])),
        )
        async with killed_at_the_end(daemon):
            await daemon.start()
            soak = Soak(daemon, network, arrivals)
            await soak.run(size)
            thermometer.unplug()
            await soak.finish()
            yield soak
            assert await daemon.stop() == 0


def _descriptors(pid: int) -> list[str]:
    """The kind of each open file: its path, or what it is; terminals by no number of theirs."""
    kinds = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            kinds.append(os.readlink(entry).partition(":")[0].rstrip("0123456789"))
        except FileNotFoundError:  # closed meanwhile
            continue
    return kinds
