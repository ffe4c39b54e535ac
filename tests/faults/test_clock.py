"""A wall clock that is wrong, and is set while the gate works: nothing is lost, doubled, altered
or out of order, and no time that is wrong passes for right."""

import random
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.emulators.thermometer import Thermometer
from gateway.clock import TimeQuality
from gateway.health import Health
from tests.brokers import mosquitto, until
from tests.daemon import Daemon
from tests.faults.account import Account
from tests.faults.kept import ViolationError, kept
from tests.faults.mutants import Mutant, mutated
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.site import RADIO, daemon_of, killed_at_the_end
from tests.faults.timesource import YEAR_S, TimeSource
from tests.journal.ageing import DAY_S, Box, ageing
from tests.journal.journals import query
from tests.receiving import CountingCentre, Received, listening
from tests.uplink.identities import MUTUAL, Identities, day, ms

STEPPED = "clock: boot in 1970, -10 years, +400 days, random steps"
KILLED = "clock: kill -9 while it is wrong and when it has become right"
SECONDS = 2
"""Until a step has been seen: libfaketime looks once in a second."""
OLD = 60
"""More than go one by one when the link comes up."""
STEPS = (-10 * YEAR_S, 400 * DAY_S)
TOLERANCE_MS = 1500
"""More than the clock may be off before it is known to have been set, and a loaded machine."""


@dataclass
class Gate:
    """A box, its network and what has come of it."""

    daemon: Daemon
    source: TimeSource
    network: FaultProxy
    received: Received
    thermometer: Thermometer
    rate_hz: int
    recorded: int = 0

    async def records(self, count: int) -> None:
        """Wait for so many events more."""
        before = (await self.daemon.until(lambda _: True)).journal.recorded
        await self.until(lambda now: now.journal.recorded >= before + count)

    async def until(self, condition: Callable[[Health], bool]) -> None:
        """Wait for a state of the gateway."""
        await self.daemon.until(condition, within_s=60)

    async def settle(self) -> None:
        """Let everything arrive, and hold it against what has been recorded and was true.

        Raises:
            ViolationError: something is missing, doubled, altered, out of order, or called right
                when it is wrong.
        """
        self.thermometer.unplug()
        await self.until(lambda now: now.link.online and not now.journal.waiting)
        assert await self.daemon.stop() == 0
        path = self.daemon.state_dir / "journal.db"
        found = await kept(path)
        await until(lambda: len(self.received.contents) >= found.last_seq)
        if self.received.altered:
            raise ViolationError(f"not the same when they came again: {self.received.altered}")
        found.verify_delivered(self.received.contents)
        monotonic = dict(query(path, "SELECT seq, mono_ms FROM event ORDER BY seq"))
        # What was decided bears the moment at which it was due, and may come a little after that.
        observed = "SELECT mono_ms FROM event WHERE kind IN ('temperature', 'device') ORDER BY seq"
        if sorted(query(path, observed)) != query(path, observed):
            raise ViolationError("the numbers are not in the order in which things happened")
        for each in self.received.contents:
            verify_time(each, monotonic[int(each["sequence"])])
        self.recorded += found.last_seq

    def clocks(self, quality: TimeQuality) -> int:
        """How many events have come with a time of that quality."""
        return sum(each["clock"] == quality for each in self.received.contents)


def verify_time(event: dict[str, Any], mono_ms: int) -> None:
    """Hold the time of `event` against that at which it was observed.

    Raises:
        ViolationError: it is wrong, and not said to be.
    """
    if event["clock"] == TimeQuality.UNSYNC:
        return
    true_ms = round((time.time() - time.monotonic()) * 1000) + mono_ms
    observed, recorded = (
        datetime.fromisoformat(event[name]).timestamp() * 1000 for name in ("time", "recordedtime")
    )
    if abs(observed - true_ms) > TOLERANCE_MS or not observed <= recorded <= true_ms + 60_000:
        raise ViolationError(f"{event['id']} says {event['time']}, and that this is right")


@asynccontextmanager
async def gate(
    directory: Path, *, mutant: Mutant | None = None, rate_hz: int = 40
) -> AsyncIterator[Gate]:
    """Nothing runs yet but the devices; the network lets nobody in."""
    async with (
        mosquitto(directory) as broker,
        listening(broker.port, Received(CountingCentre())) as received,
        fault_proxy(broker.port, seed=1) as network,
        Thermometer(directory / "thermometer", rate_hz=rate_hz) as thermometer,
    ):
        network.conditions = RADIO
        source = TimeSource(directory)
        daemon = daemon_of(directory, network.port, mutant, source)
        daemon.state_dir.mkdir()
        knows(daemon, round((time.time() - DAY_S) * 1000))
        async with killed_at_the_end(daemon):
            yield Gate(daemon, source, network, received, thermometer, rate_hz)


def knows(daemon: Daemon, wall_ms: int) -> None:
    """It has been that late before."""
    (daemon.state_dir / "time-floor").write_text(f"{wall_ms}\n")


async def boot_without_a_clock(box: Gate) -> None:
    """In 1970, without a network; then with one; then the time comes, too."""
    box.network.refuse()
    box.source.starts_in(1970)
    await box.daemon.start()
    await box.until(lambda now: now.journal.recorded >= OLD)
    await box.network.open()
    await box.until(lambda now: now.link.online)
    await box.records(20)
    box.source.synchronises()
    await until(lambda: box.clocks(TimeQuality.CORRECTED) > 0, within_s=60)


async def set_by_hand(box: Gate, steps: Iterable[int]) -> None:
    """Again and again, until the time source looks after it again."""
    for seconds in steps:
        box.source.is_set_off_by(seconds)
        await box.records(SECONDS * box.rate_hz)
    await box.until(lambda now: now.clock.quality is TimeQuality.UNSYNC)
    box.source.synchronises()
    await box.until(lambda now: now.clock.quality is TimeQuality.SYNC)
    await box.records(20)
    await box.settle()


async def wrong_clock(directory: Path, steps: int, account: Account) -> None:
    """A boot in 1970, the two long steps, and `steps` random ones."""
    rng = random.Random(steps)
    offsets = [*STEPS, *(rng.randrange(-YEAR_S, YEAR_S) for _ in range(steps))]
    async with gate(directory) as box:
        await boot_without_a_clock(box)
        path = box.daemon.state_dir / "journal.db"
        sessions = query(path, "SELECT sessions FROM journal")
        await set_by_hand(box, offsets)
        assert query(path, "SELECT sessions FROM journal") == sessions, "the link never noticed"
        assert query(path, "SELECT min(seq) FROM event") == [(1,)], "nothing was old"
        assert box.clocks(TimeQuality.CORRECTED) >= OLD / 2
        assert box.clocks(TimeQuality.UNSYNC) >= 10 * len(offsets)
        assert box.clocks(TimeQuality.SYNC) >= 20
        entry = account.of(STEPPED)
        entry.count += 1 + len(offsets)
        entry.recorded += box.recorded
        entry.duplicates = (entry.duplicates or 0) + box.received.duplicates


async def kills(directory: Path, times: int, mutant: Mutant | None, account: Account) -> None:
    """kill -9 with a wrong clock and a right one by turns, with messages in flight."""
    rng = random.Random(times)
    async with gate(directory, mutant=mutant) as box:
        for _ in range(times):
            box.source.starts_in(1970)
            await box.daemon.start()
            await box.until(lambda now: now.link.online)
            await box.records(rng.randrange(20, 60))
            await box.daemon.kill()
            box.source.synchronises()
            await box.daemon.start()
            await box.until(lambda now: now.journal.recorded > 0)
            if rng.random() < 0.5:
                await box.daemon.kill()
                await box.daemon.start()
            await box.until(lambda now: now.clock.quality is TimeQuality.SYNC and now.link.online)
            await box.records(20)
            await box.daemon.kill()
        await box.daemon.start()
        await box.settle()
        entry = account.of(KILLED)
        entry.count += 2 * times
        entry.recorded += box.recorded
        entry.duplicates = (entry.duplicates or 0) + box.received.duplicates


async def test_every_time_is_true_or_said_not_to_be(tmp_path: Path, account: Account) -> None:
    await wrong_clock(tmp_path, 4, account)


@pytest.mark.parametrize(
    ("mutant", "rate_hz", "steps", "found"),
    [
        (Mutant.WALL_ORDER, 200, 6, "not in the order in which things happened"),
        (Mutant.UNFLAGGED, 40, 1, "and that this is right"),
    ],
)
async def test_it_finds(
    tmp_path: Path, mutant: Mutant, rate_hz: int, steps: int, found: str, account: Account
) -> None:
    async with gate(tmp_path, mutant=mutant, rate_hz=rate_hz) as box:
        box.source.synchronises()
        await box.daemon.start()
        await box.until(lambda now: now.journal.recorded > 0)
        with pytest.raises(ViolationError, match=found):
            await set_by_hand(box, (-year * YEAR_S for year in range(1, steps + 1)))
    account.of(STEPPED).caught.append(mutant)


async def test_what_was_sent_keeps_its_time(tmp_path: Path, account: Account) -> None:
    await kills(tmp_path, 2, None, account)


async def test_it_finds_what_corrects_events_that_were_sent(
    tmp_path: Path, account: Account
) -> None:
    with pytest.raises(ViolationError, match="not the same when they came again"):
        await kills(tmp_path, 1, Mutant.UNSEALED, account)
    account.of(KILLED).caught.append(Mutant.UNSEALED)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_every_time_is_true_or_said_not_to_be_for_long(
    tmp_path: Path, account: Account
) -> None:
    await wrong_clock(tmp_path, 300, account)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_what_was_sent_keeps_its_time_for_long(tmp_path: Path, account: Account) -> None:
    await kills(tmp_path, 40, None, account)


async def forward_and_back(box: Box) -> None:
    """The clock is set far ahead by its own source, and back.

    Raises:
        ViolationError: something is gone that was promised to be kept.
    """
    for seconds in STEPS:
        box.passes(60)
        box.wall_s += seconds
        if await box.kept() != 11:
            raise ViolationError("deleted before its time")
        box.wall_s -= seconds


async def test_nothing_is_deleted_before_its_time(tmp_path: Path, account: Account) -> None:
    async with ageing(tmp_path / "journal.db") as box:
        await forward_and_back(box)
        box.passes(14 * DAY_S)
        assert await box.kept() == 1
    entry = account.of("clock: delivered events grow old while it is set")
    entry.count += len(STEPS)
    entry.recorded += 11
    with mutated(Mutant.WALL_AGE):
        async with ageing(tmp_path / "other.db") as box:
            with pytest.raises(ViolationError):
                await forward_and_back(box)
    entry.caught.append(Mutant.WALL_AGE)


TLS = """
[uplink.tls]
ca_file = "{ca}"
cert_file = "{cert}"
key_file = "{key}"
"""


@asynccontextmanager
async def secured(
    directory: Path, year: int, mutant: Mutant | None = None
) -> AsyncIterator[Daemon]:
    """A gateway that starts in `year`, and a broker with certificates of 2025 to 2035."""
    identities, source = Identities(directory), TimeSource(directory)
    config = identities.client()
    async with identities.broker(*MUTUAL, before=day(2025), after=day(2035)) as broker:
        daemon = daemon_of(directory, broker.port, mutant, source)
        with (directory / "gateway.toml").open("a") as file:
            file.write(TLS.format(ca=config.ca_file, cert=config.cert_file, key=config.key_file))
        daemon.state_dir.mkdir()
        knows(daemon, ms(2026))
        source.starts_in(year)
        async with daemon:
            yield daemon


@pytest.mark.parametrize("year", [1970, 2020, 2040])
async def test_tls_connects_at_the_first_try(tmp_path: Path, year: int, account: Account) -> None:
    async with secured(tmp_path, year) as daemon:
        picture = await daemon.until(lambda picture: picture.link.online)
        assert picture.clock.quality is TimeQuality.UNSYNC
        await daemon.stop()
    assert f"the clock says {year}-" in daemon.log
    assert "no link" not in daemon.log
    account.of("clock: start in 1970, 2020, 2040, TLS").count += 1


async def test_it_finds_what_forgets_the_floor(tmp_path: Path, account: Account) -> None:
    async with secured(tmp_path, 1970, Mutant.FLOORLESS) as daemon:
        picture = await daemon.until(lambda picture: "clock" in (picture.link.reason or ""))
        assert not picture.link.online
    account.of("clock: start in 1970, 2020, 2040, TLS").caught.append(Mutant.FLOORLESS)
