"""Three days without a network, in virtual time: all of it is kept, and then all of it arrives."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest

from drivers.base import CodeScanned
from gateway.centre import Centre
from gateway.clock import Clock
from gateway.config import Config, Place, UplinkConfig
from gateway.events import Observation, Origin, Pseudonyms, Unjudged
from gateway.journal import Journal, keeper
from gateway.recorder import Recorder
from gateway.uplink import Uplink
from gateway.uplink.network import Network
from tests.fakebroker import FakeBroker, Published, fake_broker
from tests.faults import virtualtime
from tests.faults.account import Account
from tests.faults.disk import memory_disk
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant, mutated
from tests.faults.proxy import Conditions, FaultProxy, fault_proxy

HOUR_S = 3600.0
PLACE = Place(id="gate-1", district="d", street="s", community="c")
EPOCH_S = 1_700_000_000
MOBILE = Conditions(delay_s=0.05, bytes_per_s=250_000, piece=8192)
"""A mobile network's 2 Mbit/s."""
Route = tuple[str, str, str]
WAY_OUT: Route = ("wwan0", "00000000", "0100000A")
ORIGIN = Origin("camera", "camera", "in-1")


@dataclass
class Arrivals:
    """What the centre has received, and when; times are the loop's."""

    centre: Centre = field(default_factory=Centre)
    broker: FakeBroker | None = None
    times: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Of each event by number: when it was recorded, and when it came for the first time."""

    def take(self, message: Published) -> int:
        """Enter one message; the reason code for it."""
        assert self.broker is not None
        self.broker.published.clear()  # 100 MB of them would be kept
        now = asyncio.get_running_loop().time()
        for event in self.centre.accept(message.topic, message.payload):
            if not event.duplicate:
                recorded = datetime.fromisoformat(event.content["time"]).timestamp()
                self.times[event.seq] = recorded - EPOCH_S, now
        return 0


@dataclass(frozen=True)
class Gate:
    """A gate in virtual time whose network comes and goes."""

    clock: Clock
    journal: Journal
    recorder: Recorder
    line: FaultProxy
    routes: set[Route]
    arrivals: Arrivals

    def lose_network(self) -> None:
        """The box's own network is gone, and what was under way with it."""
        self.routes.clear()
        self.line.refuse()
        self.line.reset()

    async def regain_network(self) -> None:
        """And there it is again."""
        await self.line.open()
        self.routes.add(WAY_OUT)

    async def people(self, *, together: int = 1) -> NoReturn:
        """One code a second, for ever; handed over so many together."""
        while True:
            now = self.clock.now()
            for number in range(together):
                reading = CodeScanned(b"code", "QR", "camera", 1.0)
                stamp = now.earlier(together - 1 - number)
                await self.recorder.take(Observation(ORIGIN, stamp, reading))
            await asyncio.sleep(together)

    async def recorded(self, hours: float, *, together: int) -> None:
        """Let people come for some hours."""
        coming = asyncio.create_task(self.people(together=together))
        await asyncio.sleep(hours * HOUR_S - 0.5)
        coming.cancel()
        await asyncio.wait([coming])
        await self.recorder.drained()

    async def caught_up(self) -> None:
        """Return when the backlog has gone and a few events have come after that."""
        async with asyncio.timeout(2 * HOUR_S):
            while self.journal.counts().waiting > 5:
                await asyncio.sleep(0.1)

    async def nothing_waiting(self) -> None:
        """Return when all is delivered."""
        async with asyncio.timeout(HOUR_S):
            while self.journal.counts().waiting:
                await asyncio.sleep(0.1)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where to write at no cost: it is the time of a disk that cannot be virtual."""
    with memory_disk(tmp_path / "memory") as path:
        yield path


@asynccontextmanager
async def gate(directory: Path, seed: int) -> AsyncIterator[Gate]:
    loop, arrivals = asyncio.get_running_loop(), Arrivals()
    clock = Clock(
        wall_ns=lambda: round((EPOCH_S + loop.time()) * 1e9),
        mono_ns=lambda: round(loop.time() * 1e9),
        synchronised=lambda: True,
        boot="virtual",
    )
    async with AsyncExitStack() as held:
        arrivals.broker = await held.enter_async_context(fake_broker(arrivals.take))
        line = await held.enter_async_context(fault_proxy(arrivals.broker.port, seed=seed))
        line.conditions = MOBILE
        routes = {WAY_OUT}
        network = Network(look=lambda: frozenset(routes))
        config = Config(gateway=PLACE, uplink=UplinkConfig(host="127.0.0.1", port=line.port))
        journal = await Journal.open(directory / "journal.db", source=PLACE.source, clock=clock)
        held.push_async_callback(journal.close)
        recorder = Recorder(journal, Unjudged(Pseudonyms(bytes(32))), clock)
        rng = random.Random(seed)
        uplink = Uplink(config, journal, clock, dict, rng=rng, network=network)
        stop = asyncio.Event()
        recording = asyncio.create_task(recorder.run())
        delivering = asyncio.create_task(uplink.run(stop))

        async def stopped() -> None:
            stop.set()
            recording.cancel()
            await asyncio.wait([recording])
            await delivering

        held.push_async_callback(stopped)
        yield Gate(clock, journal, recorder, line, routes, arrivals)


@dataclass(frozen=True)
class Result:
    """What an outage came to."""

    recorded: int
    duplicates: int
    first_after_s: float
    oldest_live_s: float
    drained_after_s: float


async def outage(directory: Path, hours: float, *, together: int, seed: int) -> Result:
    """A while with the network, `hours` without it, and the time after that.

    Raises:
        ViolationError: not all that was recorded has arrived.
    """
    loop = asyncio.get_running_loop()
    async with gate(directory, seed) as box:
        coming = asyncio.create_task(box.people())
        await asyncio.sleep(100.02)  # some events are under way
        box.lose_network()
        coming.cancel()
        await box.recorded(hours, together=together)
        await box.regain_network()
        back = loop.time()
        coming = asyncio.create_task(box.people())
        await box.caught_up()
        drained = loop.time()
        await asyncio.sleep(60)
        coming.cancel()
        await box.nothing_waiting()
        last = box.journal.last_seq
        table = box.arrivals.centre.table()[PLACE.source, box.journal.epoch]
        if table != [(1, last)]:
            raise ViolationError(f"of 1 to {last} there came {table}")
        times = box.arrivals.times.values()
        connected = min(came for _, came in times if came > back)
        return Result(
            recorded=last,
            duplicates=box.arrivals.centre.duplicates,
            first_after_s=connected - back,
            oldest_live_s=max(came - noted for noted, came in times if noted > connected),
            drained_after_s=drained - connected,
        )


@contextmanager
def rarely_kept() -> Iterator[None]:
    """The journal's bounds are looked at every minute, not every two seconds.

    In three days those are 130,000 looks, which take a minute of real time.
    """
    period_s = keeper.PERIOD_S
    keeper.PERIOD_S = 60.0
    try:
        yield
    finally:
        keeper.PERIOD_S = period_s


def enter(account: Account, result: Result) -> None:
    entry = account.of("outage, virtual time")
    entry.count += 1
    entry.recorded += result.recorded
    entry.duplicates = (entry.duplicates or 0) + result.duplicates
    entry.recovered(result.first_after_s)


def test_all_of_three_days_arrives_and_the_living_are_not_kept_waiting(
    directory: Path, account: Account
) -> None:
    with rarely_kept():
        result = virtualtime.run(outage(directory, 72, together=60, seed=1))
    assert result.recorded >= 259_200
    assert result.duplicates <= 20
    assert result.first_after_s <= 10
    assert result.oldest_live_s <= 5
    enter(account, result)


def test_it_finds_what_confirms_before_puback(directory: Path, account: Account) -> None:
    with mutated(Mutant.CONFIRM_FIRST), pytest.raises(ViolationError, match="there came"):
        virtualtime.run(outage(directory, 1, together=60, seed=1))
    account.of("outage, virtual time").caught.append(Mutant.CONFIRM_FIRST)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3))
def test_three_days_in_which_each_event_is_committed_alone(
    seed: int, directory: Path, account: Account
) -> None:
    enter(account, virtualtime.run(outage(directory, 72, together=1, seed=seed)))
