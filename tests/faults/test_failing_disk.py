"""A full disk, one that turns read-only, one that fails at a write or fsync: the gate works on."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.base import CodeScanned, DoorObserved, Position, Role
from gateway.config import JournalConfig
from gateway.events import Kind, Observation, Origin, Pseudonyms, Unjudged
from gateway.holding import Holding
from gateway.journal import Journal, Row
from gateway.notify import Watchdog
from gateway.recorder import Recorder
from tests.brokers import until
from tests.faults.account import Account
from tests.faults.disk import Disk, disk
from tests.faults.faultyfs import faulty_fs
from tests.faults.operations import Kind as Operation
from tests.journal.journals import CLOCK, opened
from tests.test_notify import Listener, pings, silence, watched

RECOVERED_S = 10.0
"""After the end of a fault."""


@dataclass
class Gate:
    """A journal with its recorder, and how many observations went in."""

    journal: Journal
    recorder: Recorder
    taken: int = 0

    async def observe(self, number: int) -> None:
        """So many codes and a door; must never wait for long."""
        async with asyncio.timeout(10):
            for _ in range(number - 1):
                self.taken += 1
                await self.take(CodeScanned(str(self.taken).encode(), "QR", "camera", 1.0))
            self.taken += 1
            await self.take(DoorObserved("gate-1", Role.GATE, Position.OPEN))

    async def take(self, reading: CodeScanned | DoorObserved) -> None:
        """Hand one reading over."""
        origin = Origin("device", "camera", "in-1")
        await self.recorder.take(Observation(origin, CLOCK.now(), reading))

    async def recovered(self) -> float:
        """Wait until everything taken is durable again, no longer than promised; how long."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(RECOVERED_S):
            await self.recorder.drained()
        return loop.time() - began

    def enter(self, account: Account, fault: str, found: "Found", recovery_s: float) -> None:
        """Note one fault: what memory had no room for and was declared is not lost."""
        entry = account.of(fault)
        entry.count += 1
        entry.recorded += len(found.rows)
        entry.lost += self.taken - found.observed - found.lost
        entry.recovered(recovery_s)

    async def account(self) -> "Found":
        """What has been recorded up to now."""
        rows: list[Row] = []
        while found := await self.journal.read(
            rows[-1].seq if rows else 0, max_rows=5000, max_bytes=1 << 24
        ):
            rows += found
        return Found(rows)


@dataclass
class Found:
    """The rows of a journal, none of them delivered."""

    rows: list[Row]

    def data(self, *kinds: Kind) -> list[dict[str, Any]]:
        """The data of all events of some kinds."""
        return [json.loads(row.body)["data"] for row in self.rows if row.kind in kinds]

    @property
    def observed(self) -> int:
        """Observations recorded."""
        return len(self.data(Kind.SCAN, Kind.DOOR))

    @property
    def lost(self) -> int:
        """Declared lost."""
        return sum(gap["count"] for gap in self.data(Kind.GAP))

    @property
    def alarms(self) -> list[str]:
        """How the alarm stood that the journal takes nothing."""
        return self.states("journal-failing")

    def states(self, name: str) -> list[str]:
        """How an alarm stood; what is of one trouble must say so."""
        alarms = [json.loads(row.body) for row in self.rows if row.kind is Kind.ALARM]
        ours = [each for each in alarms if each["data"]["alarm"] == name]
        troubles = [each["correlationid"] for each in ours]
        assert troubles[::2] == troubles[1::2]  # raised and cleared in turn
        assert len(set(troubles)) * 2 == len(troubles)
        return [each["data"]["state"] for each in ours]


@asynccontextmanager
async def gate(folder: Path, max_mb: int = 100) -> AsyncIterator[Gate]:
    config = JournalConfig(max_mb=max_mb)
    async with opened(folder / "journal.db", config=config) as journal:
        recorder = Recorder(journal, Unjudged(Pseudonyms(b"k" * 32)), CLOCK)
        recording = asyncio.create_task(recorder.run())
        try:
            yield Gate(journal, recorder)
        finally:
            recording.cancel()
            await asyncio.wait([recording])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path, tmp_path / "disk", megabytes=32) as made:
        yield made


async def test_a_full_disk_is_worked_on_and_left_again(small_disk: Disk, account: Account) -> None:
    folder = small_disk.mountpoint
    ballast = folder / "journal.db-ballast"
    async with gate(folder) as it:
        await it.observe(500)
        await until(ballast.exists)
        small_disk.fill()
        for _ in range(30):  # far more than fits
            await it.observe(1000)
        await until(lambda: not ballast.exists())
        await it.recovered()
        small_disk.clear()
        await until(ballast.exists, within_s=RECOVERED_S)
        await it.observe(10)
        recovery_s = await it.recovered()
        assert it.journal.counts().failing is None
        while len((await it.account()).data(Kind.ALARM)) % 2:  # it is cleared in its own time
            await asyncio.sleep(0.05)
        found = await it.account()
        assert found.observed + found.lost == it.taken
        assert found.lost > 0
        assert found.states("disk-full") == ["raised", "cleared"]
        assert found.alarms in ([], ["raised", "cleared"])
        it.enter(account, "disk full", found, recovery_s)
    async with gate(folder) as it:
        assert (await it.account()).rows == found.rows


async def test_a_disk_that_turns_read_only(small_disk: Disk, account: Account) -> None:
    async with gate(small_disk.mountpoint) as it:
        await it.observe(50)
        await it.recovered()
        small_disk.make_read_only()
        await it.observe(5)
        await until(lambda: it.journal.counts().failing, within_s=5)
        for _ in range(3):
            await it.observe(1000)
        await until(lambda: it.recorder.held.lost.total() == 3005 + 1 - Holding.ROOM)
        assert (await it.account()).observed == 50  # what is there can still be read, and sent
        small_disk.detach()
        await until(lambda: not small_disk.held)
        small_disk.repair()
        recovery_s = await it.recovered()
        found = await it.account()
        assert found.alarms == ["raised", "cleared"]
        assert found.lost == 3005 + 1 - Holding.ROOM
        assert found.observed + found.lost == it.taken
        assert [row.seq for row in found.rows] == list(range(1, len(found.rows) + 1))
        assert len(found.data(Kind.DOOR)) == 5  # doors stay, codes go
    it.enter(account, "disk read-only", found, recovery_s)


@contextmanager
def frozen(mountpoint: Path) -> Iterator[None]:
    """Whoever writes there waits in the kernel, as for a disk that does not answer."""
    subprocess.run(["fsfreeze", "--freeze", mountpoint], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", mountpoint], check=True)


@pytest.mark.parametrize("known", [True, False])
async def test_a_disk_that_does_not_answer_is_no_hang(
    tmp_path: Path, small_disk: Disk, *, known: bool
) -> None:
    """As long as the watchdog knows of it: to start again would not make it answer."""
    listener = Listener(str(tmp_path / "notify"))
    async with gate(small_disk.mountpoint) as it, AsyncExitStack() as stack:
        stack.callback(listener.close)
        disk_s = it.journal.calls.longest_s if known else lambda: 0.0
        await stack.enter_async_context(watched(listener, it.recorder.turns, disk_s=disk_s))
        await pings(listener, 2)
        with frozen(small_disk.mountpoint):
            await it.observe(10)
            await until(lambda: it.journal.calls.longest_s() > Watchdog.SLOW_DISK_S)
            if known:
                await pings(listener, 5)
            else:
                await silence(listener)
        await it.recovered()
        await pings(listener, 2)


@pytest.mark.parametrize("operation", [Operation.WRITE, Operation.FSYNC])
@pytest.mark.parametrize("times", [1, 10_000])
async def test_a_disk_that_fails_now_and_then(
    tmp_path: Path, operation: Operation, times: int, account: Account
) -> None:
    async with faulty_fs(tmp_path) as faulty:
        async with gate(faulty.path) as it:
            await it.observe(50)
            await it.recovered()
            faulty.fail(operation, times=times)
            await it.observe(20)
            if times > 1:
                await until(lambda: it.recorder.held, within_s=5)
            await it.observe(20)
            faulty.heal()
            recovery_s = await it.recovered()
            found = await it.account()
            assert (found.observed, found.lost) == (it.taken, 0)
            assert found.alarms == ([] if times == 1 else ["raised", "cleared"])
            assert [row.seq for row in found.rows] == list(range(1, len(found.rows) + 1))
            it.enter(account, f"{operation} fails", found, recovery_s)
        async with gate(faulty.path) as it:
            assert (await it.account()).rows == found.rows
