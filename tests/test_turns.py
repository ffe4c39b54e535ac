"""The recorder and the sender come round: idle, busy, with a failing disk, with a silent broker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.events import Draft, Unjudged
from gateway.journal import Journal, Row
from gateway.recorder import Recorder
from gateway.turns import Turns
from tests.brokers import mosquitto, until
from tests.fakebroker import fake_broker
from tests.journal.journals import note, opened
from tests.ports import free_port
from tests.test_recorder import CLOCK, PSEUDONYMS, SOURCE, failing, recording, scan
from tests.uplink.gate import configured, uplink_of


async def comes_round(turns: Turns, times: int = 3) -> None:
    """Asked several times in a row, it answers, or is excused."""
    for _ in range(times):
        await _one_round(turns)


async def _one_round(turns: Turns) -> None:
    turn = asyncio.create_task(turns.next())
    try:
        await until(lambda: turn.done() or turns.excused)
    finally:
        turn.cancel()


async def test_an_idle_recorder_comes_round(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK)
        async with recording(recorder):
            await comes_round(recorder.turns)
            await recorder.take(scan(1))
            await recorder.drained()
        assert journal.last_seq == 1


async def test_a_recorder_whose_disk_fails_comes_round(tmp_path: Path) -> None:
    async with failing(tmp_path / "journal.db") as journal:
        journal.failures = 10**9
        recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK, retry_s=0.05)
        async with recording(recorder):
            await recorder.take(scan(1))
            await until(lambda: len(recorder.held) > 0)
            await comes_round(recorder.turns)
            journal.failures = 0
            await recorder.drained()


class HangingJournal(Journal):
    """A journal that at some time neither takes nor gives anything any more, nor says so."""

    hangs = False

    async def append(self, drafts: Sequence[Draft]) -> list[Row]:
        await self._forever()
        return await super().append(drafts)

    async def read(
        self, after: int, *, upto: int | None = None, max_rows: int, max_bytes: int
    ) -> list[Row]:
        await self._forever()
        return await super().read(after, upto=upto, max_rows=max_rows, max_bytes=max_bytes)

    async def _forever(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


@asynccontextmanager
async def hanging(path: Path) -> AsyncIterator[HangingJournal]:
    journal = await HangingJournal.open(path, source=SOURCE, clock=CLOCK)
    assert isinstance(journal, HangingJournal)
    try:
        yield journal
    finally:
        journal.hangs = False
        await journal.close()


async def does_not_come_round(turns: Turns) -> None:
    """Asked, it neither answers nor is excused; the round in which it hangs had begun."""
    answered = 0
    try:
        async with asyncio.timeout(1):
            while answered < 3:
                await turns.next()
                answered += 1
    except TimeoutError:
        pass
    assert answered <= 1
    assert not turns.excused


async def test_a_recorder_that_hangs_does_not(tmp_path: Path) -> None:
    async with hanging(tmp_path / "journal.db") as journal:
        recorder = Recorder(journal, Unjudged(PSEUDONYMS), CLOCK)
        async with recording(recorder):
            await comes_round(recorder.turns)
            journal.hangs = True
            await recorder.take(scan(1))
            await does_not_come_round(recorder.turns)


async def test_a_sender_that_hangs_does_not(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        hanging(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online and not uplink.turns.excused)
        await comes_round(uplink.turns)
        journal.hangs = True
        await Journal.append(journal, [note(1)])  # the sender wants to read it
        await does_not_come_round(uplink.turns)


async def test_a_sender_with_nothing_to_send_comes_round(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await until(lambda: not uplink.turns.excused)
        await comes_round(uplink.turns)


async def test_a_sender_without_a_broker_comes_round(tmp_path: Path) -> None:
    async with (
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(free_port())) as uplink,
    ):
        await until(lambda: uplink.link.reason != "not connected yet")
        await comes_round(uplink.turns)
        await until(lambda: uplink.turns.excused)  # in a pause, which is longer each time


async def test_a_broker_that_says_nothing_is_waited_for_no_longer_than_it_has_time(
    tmp_path: Path,
) -> None:
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        broker.welcomes = False
        async with uplink_of(journal, configured(broker.port)) as uplink:
            await until(lambda: uplink.turns.excused)
            await comes_round(uplink.turns)
