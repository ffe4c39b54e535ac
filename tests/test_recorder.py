"""The recorder keeps order, commits together what waits together, and drops nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.base import CodeScanned
from gateway.clock import Clock
from gateway.errors import JournalError
from gateway.events import Draft, Kind, Observation, Origin, Pseudonyms, ScanData, Unjudged, draft
from gateway.holding import Holding
from gateway.journal import Journal, Row
from gateway.recorder import Recorder

SOURCE = "/gateways/410102011003007"
CLOCK = Clock()
PSEUDONYMS = Pseudonyms(b"k" * 32)


def scan(number: int) -> Observation:
    reading = CodeScanned(str(number).encode(), "QR", "camera", 1.0)
    return Observation(Origin("cam", "camera", "in-1"), CLOCK.now(), reading)


def tokens(rows: list[Row]) -> list[str]:
    return [json.loads(row.body)["data"]["token"] for row in rows]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(path, source=SOURCE, clock=CLOCK)
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def recording(recorder: Recorder) -> AsyncIterator[None]:
    task = asyncio.create_task(recorder.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_observations_become_durable_events_in_their_order(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK)
        async with recording(recorder):
            for number in range(600):
                await recorder.take(scan(number))
            await recorder.drained()
            assert journal.last_seq == 600
    async with opened(tmp_path / "journal.db") as journal:
        rows = await journal.read(0, max_rows=1000, max_bytes=10**7)
    assert [row.seq for row in rows] == list(range(1, 601))
    assert tokens(rows) == [PSEUDONYMS.token(str(number).encode()) for number in range(600)]


class FailingJournal(Journal):
    """A journal whose first `failures` appends are refused, as by a full disk."""

    failures = 0

    async def append(self, drafts: Sequence[Draft]) -> list[Row]:
        if self.failures:
            self.failures -= 1
            raise JournalError("the disk is full")
        return await super().append(drafts)


@asynccontextmanager
async def failing(path: Path) -> AsyncIterator[FailingJournal]:
    journal = await FailingJournal.open(path, source=SOURCE, clock=CLOCK)
    assert isinstance(journal, FailingJournal)
    try:
        yield journal
    finally:
        await journal.close()


async def test_a_short_fault_loses_nothing_and_is_told(tmp_path: Path) -> None:
    async with failing(tmp_path / "journal.db") as journal:
        journal.failures = 3
        recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK, retry_s=0.05)
        async with recording(recorder):
            for number in range(10):
                await recorder.take(scan(number))
            async with asyncio.timeout(20):
                await recorder.drained()
        raised, *scans, cleared = await journal.read(0, max_rows=100, max_bytes=10**6)
    assert tokens(scans) == tokens_of(range(10))
    events = [json.loads(row.body) for row in (raised, cleared)]
    assert len({each["correlationid"] for each in events}) == 1
    alarms = [each["data"] for each in events]
    assert [each["state"] for each in alarms] == ["raised", "cleared"]
    assert alarms[0] == {
        "alarm": "journal-failing", "state": "raised", "reason": "the disk is full"
    }  # fmt: skip


async def test_a_long_fault_holds_nobody_up_and_is_counted(tmp_path: Path) -> None:
    number = Holding.ROOM + 500
    async with failing(tmp_path / "journal.db") as journal:
        journal.failures = 10**9
        recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK, retry_s=0.05)
        async with recording(recorder), asyncio.timeout(60):
            for each in range(number):
                await recorder.take(scan(each))
            while recorder.held.lost.total() < 501:  # the alarm takes up a place
                await asyncio.sleep(0.01)
            assert len(recorder.held) == Holding.ROOM
            journal.failures = 0
            await recorder.drained()
        raised, *scans, gap, cleared = await journal.read(0, max_rows=9999, max_bytes=10**8)
    assert tokens(scans) == tokens_of(range(501, number))
    assert [row.kind for row in (raised, gap, cleared)] == [Kind.ALARM, Kind.GAP, Kind.ALARM]
    assert json.loads(gap.body)["data"] == {"count": 501, "why": "unrecorded"}


def tokens_of(numbers: range) -> list[str]:
    events = [draft(scan(number), Unjudged(PSEUDONYMS)) for number in numbers]
    return [event.data.token for event in events if isinstance(event.data, ScanData)]
