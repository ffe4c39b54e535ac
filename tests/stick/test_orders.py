"""By stick and by network in whatever order: nothing is missing at the centre, nothing double."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.config import Confirm
from gateway.journal import Journal
from gateway.ranges import Range
from gateway.uplink.streams import Pacing
from tests.brokers import Mosquitto, mosquitto, until
from tests.journal.journals import filled, note, opened
from tests.stick.sticks import OnStick, bring_in, take_out
from tests.uplink.gate import Listening, configured, listening, uplink_of

COUNT = 1200
PACING = Pacing(answer_s=10.0)
"""However slow the machine, nothing is sent again only because the centre's answer took long."""


@dataclass(frozen=True)
class Scene:
    """A gate that has been alone for a while, and a centre; the network is still to come."""

    journal: Journal
    path: Path
    stick: Path
    broker: Mosquitto
    centre: Listening
    confirm: Confirm

    async def network(self) -> None:
        """The link comes up, and all is delivered."""
        config = configured(self.broker.port, confirm=self.confirm)
        async with uplink_of(self.journal, config, pacing=PACING):
            await until(lambda: not self.journal.counts().waiting, within_s=60)

    async def verify(self, *, repeats: int) -> None:
        """Everything has come, and so many events more than once."""
        last = self.journal.last_seq
        await until(lambda: len(self.centre.seqs) == last)
        for (_, epoch), have in self.centre.centre.table().items():
            assert epoch == self.journal.epoch
            assert have == [(1, last)]
        assert self.centre.centre.duplicates == repeats
        assert self.centre.centre.rejected == 0


@asynccontextmanager
async def scene(directory: Path, confirm: Confirm) -> AsyncIterator[Scene]:
    path = directory / "journal.db"
    async with (
        mosquitto(directory) as broker,
        listening(broker.port, confirm=confirm) as centre,
        opened(path) as journal,
    ):
        await filled(journal, COUNT)
        yield Scene(journal, path, directory, broker, centre, confirm)


@pytest.mark.parametrize(("confirm", "repeats"), [(Confirm.CENTRE, 0), (Confirm.BROKER, COUNT)])
async def test_first_the_stick_then_the_network(
    tmp_path: Path, confirm: Confirm, repeats: int
) -> None:
    """With the centre's word nothing is sent again; with the broker's all is, and dropped."""
    async with scene(tmp_path, confirm) as it:
        assert take_out(it.path, it.stick, sealed=True).events == COUNT
        await it.journal.append([note(COUNT + 1)])
        assert (await bring_in(it.broker.port, it.stick)).events == COUNT
        await it.centre.received(COUNT)
        assert it.journal.counts().waiting == COUNT + 1  # a mark is not a delivery
        await it.network()
        await it.verify(repeats=repeats)


@pytest.mark.parametrize("confirm", Confirm)
async def test_first_the_network_then_the_stick_and_that_twice(
    tmp_path: Path, confirm: Confirm
) -> None:
    async with scene(tmp_path, confirm) as it:
        take_out(it.path, it.stick)
        await it.network()
        await bring_in(it.broker.port, it.stick)
        again = await bring_in(it.broker.port, it.stick)
        assert (again.events, again.before) == (0, 1)
        await bring_in(it.broker.port, it.stick, again=True)
        await until(lambda: it.centre.centre.duplicates == 2 * COUNT)
        await it.verify(repeats=2 * COUNT)
        assert take_out(it.path, it.stick).events == 0


async def test_a_stick_that_is_lost_loses_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, Confirm.CENTRE) as it:
        take_out(it.path, it.stick)
        shutil.rmtree(it.stick / "checkpoint-gateway")
        await it.network()
        await it.verify(repeats=0)


async def test_two_sticks_each_with_everything_or_each_with_a_share(tmp_path: Path) -> None:
    async with scene(tmp_path, Confirm.CENTRE) as it:
        sticks = [tmp_path / name for name in ("one", "two", "three")]
        for stick in sticks:
            stick.mkdir()
        assert take_out(it.path, sticks[0]).events == COUNT
        await it.journal.append([note(COUNT + 1)])
        assert take_out(it.path, sticks[1]).events == COUNT + 1
        await it.journal.append([note(COUNT + 2)])
        assert take_out(it.path, sticks[2], skip=True).events == 1
        for stick in reversed(sticks):
            await bring_in(it.broker.port, stick)
        await until(lambda: it.centre.centre.duplicates == COUNT)
        await it.network()
        await it.verify(repeats=COUNT)


async def test_the_same_stick_again_takes_only_what_is_new(tmp_path: Path) -> None:
    async with scene(tmp_path, Confirm.CENTRE) as it:
        take_out(it.path, it.stick)
        await it.journal.append([note(COUNT + 1)])
        it.journal.confirm_range(3, 40)
        assert take_out(it.path, it.stick).events == 1
        seqs = [int(each["sequence"]) for each in OnStick.of(it.stick).contents]
        assert seqs == list(range(1, COUNT + 2))
        await bring_in(it.broker.port, it.stick)
        await it.network()
        await it.verify(repeats=0)


async def test_a_journal_that_was_replaced_in_between(tmp_path: Path) -> None:
    """What its successor has carried over goes by stick, too, and comes once."""
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, COUNT)
        former = journal.epoch
        journal.confirm_range(1, 200)
    take_out(path, tmp_path)
    raw = bytearray(path.read_bytes())
    raw[:100] = bytes(100)
    path.write_bytes(raw)
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, confirm=Confirm.CENTRE) as centre,
        opened(path) as journal,
    ):
        await until(lambda: journal.carried.waiting and not journal.condition.salvaging)
        await journal.append([note(1)])
        second = tmp_path / "second"
        second.mkdir()
        assert take_out(path, second).events == journal.carried.waiting + journal.last_seq
        assert take_out(path, tmp_path).events == 200 + journal.last_seq  # nobody knows of the 200
        await bring_in(broker.port, tmp_path)
        async with uplink_of(journal, configured(broker.port, confirm=Confirm.CENTRE)):
            await until(lambda: not journal.carried.waiting and not journal.counts().waiting)
        await bring_in(broker.port, second)
        expected = {former: [(1, COUNT)], journal.epoch: [(1, journal.last_seq)]}
        await until(lambda: tables(centre) == expected)


async def test_the_stick_of_an_older_life_still_counts(tmp_path: Path) -> None:
    """The journal is lost and the stick has the only copy."""
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, COUNT)
        former = journal.epoch
    take_out(path, tmp_path)
    for name in ("journal.db", "journal.db-witness"):
        path.with_name(name).unlink()
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, confirm=Confirm.CENTRE) as centre,
        opened(path) as journal,
    ):
        await filled(journal, 10)
        assert take_out(path, tmp_path).events == 10
        await bring_in(broker.port, tmp_path)
        async with uplink_of(journal, configured(broker.port, confirm=Confirm.CENTRE)):
            await until(lambda: not journal.counts().waiting)
        expected = {former: [(1, COUNT)], journal.epoch: [(1, journal.last_seq)]}
        await until(lambda: tables(centre) == expected)


def tables(centre: Listening) -> dict[str, list[Range]]:
    """What has come, by epoch."""
    return {epoch: have for (_, epoch), have in centre.centre.table().items()}
