"""A gate to be mistreated: the real daemon on a disk of its own, its devices, network and centre.

The oracle is what was observed before the fault: what the gateway had reported as recorded, and
what the centre had received. Neither may be taken back.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drivers.emulators.thermometer import Thermometer
from gateway.centre import Event
from tests.brokers import mosquitto, until
from tests.daemon import GATE, Daemon
from tests.faults.account import Entry
from tests.faults.disk import Disk, FileSystem, disk
from tests.faults.kept import ViolationError, kept
from tests.faults.mutants import Mutant
from tests.faults.proxy import Conditions, fault_proxy
from tests.faults.timesource import TimeSource
from tests.receiving import CountingCentre, Received, listening

ROOT = Path(__file__).parents[2]
SAMPLES_HZ = 400
"""Every sample is an event: enough that each fault meets a commit in progress."""
WINDOW = 20
"""Messages in flight at most."""

_CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
keepalive_s = 5

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
baud = 9600
measuring = {{ report = "every", every_s = 0 }}
"""
)
RADIO = Conditions(delay_s=0.02, jitter_s=0.01)
"""What was sent in the last 20 ms has not arrived when the sender dies."""
_NOT_COPIED = shutil.ignore_patterns("*.sock", "lost+found")
_STILL_S = 2.0
"""When nothing has come for so long after the gateway had nothing left to send, nothing will."""


class NoDeduplication(CountingCentre):
    """A centre that takes everything for new."""

    def accept(self, topic: str, payload: bytes) -> list[Event]:
        """As the contract says, but for duplicates."""
        return [replace(each, duplicate=False) for each in super().accept(topic, payload)]


@dataclass(frozen=True)
class Observed:
    """What had been said before the fault."""

    epoch: str
    recorded: int
    received: Sequence[dict[str, Any]]


class Site:
    """One gate; made by `site`."""

    def __init__(
        self,
        daemon: Daemon,
        disk: Disk,
        thermometer: Thermometer,
        received: Received,
        rng: random.Random,
    ) -> None:
        self.daemon = daemon
        self.received = received
        self.recorded = 0
        """What the journal held after the last fault."""
        self.recovery_s = 0.0
        """The longest time from the start of the process to the first new event."""
        self._disk = disk
        self._thermometer = thermometer
        self._rng = rng

    async def endure(self, fault: "Fault", times: int) -> None:
        """Bring `fault` about `times` times in the middle of work, and look after each.

        Raises:
            ViolationError: something that had been said was not so.
        """
        for _ in range(times):
            observed = await self.work()
            await fault(self)
            await self.verify(observed)

    def enter(self, entry: Entry, times: int) -> None:
        """Note in `entry` what `times` faults have come to."""
        entry.count += times
        entry.recorded += self.recorded
        entry.duplicates = (entry.duplicates or 0) + self.received.duplicates
        entry.recovered(self.recovery_s)

    async def work(self) -> Observed:
        """Start the gateway and let it record a few events; what has been said up to now."""
        loop = asyncio.get_running_loop()
        started, before = loop.time(), self.recorded
        await self.daemon.start()
        await self.daemon.until(lambda picture: picture.journal.recorded > before)
        self.recovery_s = max(self.recovery_s, loop.time() - started)
        goal = before + self._rng.randrange(2, SAMPLES_HZ // 4)
        picture = await self.daemon.until(lambda picture: picture.journal.recorded >= goal)
        return Observed(picture.epoch, picture.journal.recorded, list(self.received.contents))

    async def cut_power(self) -> None:
        """Cut the power, and let it come back."""
        self._disk.cut_power()
        await self.daemon.kill()
        self._disk.unmount()
        # The loop device goes a little later, and two on one image may be of different opinions.
        await until(lambda: not self._disk.held)
        self._disk.mount()

    async def kill(self) -> None:
        """kill -9; the machine and its disk go on."""
        await self.daemon.kill()

    async def verify(self, observed: Observed) -> None:
        """Hold a copy of what is on the disk against what was observed.

        Raises:
            ViolationError: something that had been said is not so.
        """
        copy = self.daemon.directory / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.daemon.state_dir, copy, ignore=_NOT_COPIED)
        found = await kept(copy / "journal.db")
        found.verify(observed.epoch, observed.recorded, observed.received)
        self.recorded = found.last_seq

    async def settle(self) -> None:
        """Let all that is recorded arrive, and hold it against what has.

        Raises:
            ViolationError: not everything arrived, or more than that.
        """
        self._thermometer.unplug()
        await self.daemon.start()
        await self.daemon.until(
            lambda now: now.link.online and now.journal.waiting == 0 and now.journal.recorded > 0,
            within_s=60,
        )
        assert await self.daemon.stop() == 0
        found = await kept(self.daemon.state_dir / "journal.db")
        await self._quiet(found.last_seq)
        found.verify_delivered(self.received.contents)
        if self.received.altered:
            raise ViolationError(f"not the same when they came again: {self.received.altered}")
        self.recorded = found.last_seq

    async def _quiet(self, expected: int) -> None:
        """Wait until `expected` events have come, or for a while none."""
        loop = asyncio.get_running_loop()
        count, since = len(self.received.contents), loop.time()
        while count < expected and loop.time() - since < _STILL_S:
            await asyncio.sleep(0.01)
            if len(self.received.contents) != count:
                count, since = len(self.received.contents), loop.time()


Fault = Callable[[Site], Awaitable[None]]


@asynccontextmanager
async def site(
    directory: Path,
    port: int,
    received: Received,
    *,
    mutant: Mutant | None = None,
    rng: random.Random,
    kind: FileSystem = FileSystem.EXT4,
) -> AsyncIterator[Site]:
    """A gate whose broker is on `port`; nothing runs yet but its devices."""
    daemon = daemon_of(directory, port, mutant)
    async with Thermometer(directory / "thermometer", rate_hz=SAMPLES_HZ) as thermometer:
        megabytes = {FileSystem.EXT4: 64, FileSystem.XFS: 300}[kind]
        with disk(directory, daemon.state_dir, megabytes=megabytes, kind=kind) as its_disk:
            async with killed_at_the_end(daemon):
                yield Site(daemon, its_disk, thermometer, received, rng)


def daemon_of(
    directory: Path, port: int, mutant: Mutant | None = None, source: TimeSource | None = None
) -> Daemon:
    """One that is not running yet, or a mutant of it; with a `source` that is where its time is
    from."""
    program: Sequence[str] = ("tests.faults.mutants", mutant) if mutant else ("gateway",)
    if source:
        program = source.program(mutant)
    return Daemon(
        directory,
        _CONFIG.format(port=port),
        environment={"PYTHONPATH": str(ROOT), **(source.environment if source else {})},
        program=program,
    )


@asynccontextmanager
async def killed_at_the_end(daemon: Daemon) -> AsyncIterator[None]:
    """So that nobody has a file of the disk open when it is unmounted."""
    try:
        yield
    finally:
        await daemon.__aexit__()


@asynccontextmanager
async def gate_with_link(
    directory: Path,
    seed: int,
    *,
    mutant: Mutant | None = None,
    centre: CountingCentre | None = None,
) -> AsyncIterator[Site]:
    """A gate with a broker and a centre behind a network that takes its time."""
    rng = random.Random(seed)
    async with (
        mosquitto(directory) as broker,
        listening(broker.port, Received(centre)) as received,
        fault_proxy(broker.port, seed=seed) as network,
        site(directory, network.port, received, mutant=mutant, rng=rng) as gate,
    ):
        network.conditions = RADIO
        yield gate
