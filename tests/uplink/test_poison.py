"""One event that no broker survives: the others pass, it is set aside, nothing is lost."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Confirm, Protocol
from gateway.errors import JournalError
from gateway.journal import Batch
from gateway.ranges import Range
from gateway.uplink.alarms import SET_ASIDE
from gateway.uplink.streams import Pacing
from gateway.uplink.trials import Trials
from tests.brokers import mosquitto, until
from tests.fakebroker import Published, fake_broker
from tests.journal.journals import filled, note, opened
from tests.uplink.gate import configured, listening, uplink_of

T = TypeVar("T")

POISON = b"note-7-"
MORE_THAN_A_BATCH = 1 << 20
"""Bytes: only what is to be tried alone is read without regard to how many go together."""
BOTH = pytest.mark.parametrize("protocol", Protocol)


def is_poison(message: Published) -> bool:
    return POISON in message.payload


@BOTH
async def test_an_event_that_ends_the_link_is_set_aside_and_the_others_flow(
    tmp_path: Path, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        broker.drops = is_poison
        config = configured(broker.port, protocol=protocol)
        async with uplink_of(journal, config) as uplink:
            await until(lambda: uplink.link.online)
            await journal.append([note(7)])
            await until(lambda: broker.connections >= 2, within_s=10)
            await journal.append([note(8), note(9, alarm=True)])
            await until(lambda: journal.counts().confirmed >= 2, within_s=10)
            await until(lambda: uplink.set_aside == 1, within_s=10)
            assert broker.connections <= 4  # three links lost over it, and the one that lasts
            assert SET_ASIDE in uplink.alarms
            await until(lambda: journal.counts().waiting == 1)
        assert not journal.delivery.is_confirmed(1)
        assert f"{journal.epoch}-1: links are lost over it" in caplog.text


@BOTH
async def test_it_is_found_in_the_midst_of_a_backlog(tmp_path: Path, protocol: Protocol) -> None:
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        broker.drops = is_poison
        await filled(journal, 200)
        config = configured(broker.port, protocol=protocol, compress="off")
        async with uplink_of(journal, config, pacing=Pacing(live_age_s=-1)) as uplink:
            await until(lambda: journal.counts().confirmed > 190, within_s=30)
            await until(lambda: uplink.set_aside == 1, within_s=60)
            await until(lambda: journal.counts().waiting == 1)
        assert not journal.delivery.is_confirmed(7)


@pytest.mark.parametrize("why", ["the disk fails", "the link ends"])
async def test_a_trial_that_comes_to_nothing_is_made_again(tmp_path: Path, why: str) -> None:
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        gather, trials = journal.gather, 0

        async def gather_badly_at_first(
            spans: Sequence[Range], *, max_bytes: int, make: Callable[[Batch], T]
        ) -> T | None:
            nonlocal trials
            trials += max_bytes > MORE_THAN_A_BATCH
            if trials == 1 and max_bytes > MORE_THAN_A_BATCH:
                if why == "the disk fails":
                    raise JournalError("It cannot be read there.")
                broker.cut()
                await asyncio.Event().wait()
            return await gather(spans, max_bytes=max_bytes, make=make)

        journal.gather = gather_badly_at_first
        broker.drops = is_poison
        await filled(journal, 20)
        config = configured(broker.port, compress="off")
        async with uplink_of(journal, config, pacing=Pacing(live_age_s=-1)) as uplink:
            await until(lambda: uplink.set_aside == 1, within_s=60)
            await until(lambda: journal.counts().waiting == 1)
        assert trials > 1


async def test_a_real_broker_that_cuts_the_link_for_its_size(tmp_path: Path) -> None:
    """Mosquitto on 3.1.1 can refuse a message above its limit in no other way."""
    async with (
        mosquitto(tmp_path, "allow_anonymous true", "max_packet_size 3000") as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
    ):
        await journal.append([note(n, padding=4000 if n == 5 else 0) for n in range(1, 9)])
        config = configured(broker.port, protocol=Protocol.V311, compress="off")
        async with uplink_of(journal, config) as uplink:
            await until(lambda: set(there.seqs) >= {1, 2, 3, 4, 6, 7, 8}, within_s=10)
            await until(lambda: uplink.set_aside == 1 and journal.counts().waiting == 1)
        assert not journal.delivery.is_confirmed(5)


async def test_it_gets_another_chance_later(tmp_path: Path) -> None:
    """A broker can be repaired, and a bad network can look like poison."""
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        broker.drops = is_poison
        config = configured(broker.port)
        async with uplink_of(journal, config, pacing=Pacing(retry_aside_s=0.5)) as uplink:
            await journal.append([note(7)])
            await until(lambda: uplink.set_aside == 1)
            broker.drops = lambda _: False
            await journal.append([note(8)])
            await until(lambda: journal.counts().waiting == 0)
            assert uplink.set_aside == 0


async def test_an_innocent_in_flight_when_links_are_lost_is_delivered(tmp_path: Path) -> None:
    async with (
        fake_broker(lambda message: None if POISON in message.payload else 0) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await journal.append([note(7)])
        for _ in range(2):
            await until(lambda: uplink.in_flight == 1)
            broker.cut()
            await until(lambda: uplink.in_flight == 0)
        broker.answer = lambda _: 0
        await until(lambda: uplink.in_flight == 0 or broker.connections > 3)
        broker.cut()
        await until(lambda: journal.counts().waiting == 0)
        assert uplink.set_aside == 0


async def test_links_lost_over_it_do_not_make_the_others_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with fake_broker() as broker, opened(tmp_path / "journal.db") as journal:
        broker.drops = is_poison
        await filled(journal, 500)
        pacing = Pacing(live_age_s=-1, trial_after_s=0.2)
        config = configured(broker.port, compress="off", confirm=Confirm.BROKER)
        async with uplink_of(journal, config, pacing=pacing) as uplink:
            number = 1000
            while not uplink.set_aside:
                number += 1
                [row] = await journal.append([note(number)])
                await until(partial(journal.delivery.is_confirmed, row.seq), within_s=10)
        assert broker.connections < 20


numbers = st.sets(st.integers(1, 200), min_size=1, max_size=60).map(sorted)


@given(numbers, st.data())
def test_trials_find_the_one_at_fault(batch: list[int], data: st.DataObject) -> None:
    bad = data.draw(st.sampled_from(batch))
    trials, found, delivered, losses = Trials(), None, set[int](), 0
    message = batch
    while found is None:
        losses += 1
        assert losses < 12
        if losses > 2:
            assert trials.waiting
            message = list(trials.next())
            while bad not in message:
                trials.passed(message)
                delivered.update(message)
                message = list(trials.next())
        found = trials.lost([message])
    assert found == bad
    while trials.waiting:
        message = list(trials.next())
        trials.passed(message)
        delivered.update(message)
    assert delivered == set(batch) - {bad}
    assert not any(number in trials.held for number in batch)


@given(st.lists(numbers, max_size=5))
def test_a_lost_link_makes_careful_until_enough_has_passed(in_flight: list[list[int]]) -> None:
    trials = Trials()
    assert trials.lost(in_flight) is None
    assert trials.careful == bool(in_flight)
    for _ in range(64):
        trials.passed([999])
    assert not trials.careful
