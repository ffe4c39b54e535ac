"""Events saved from a damaged journal arrive under their old names, and are let go of then."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.config import Confirm
from gateway.events import event_id
from gateway.journal import Journal
from gateway.journal.aside import asides
from gateway.journal.salvage import Saved
from gateway.messages import Message
from gateway.uplink.client import LinkOptions
from gateway.uplink.former import Former
from gateway.uplink.link import Link, open_link
from gateway.uplink.streams import Pacing
from gateway.uplink.tally import Tally
from tests.brokers import mosquitto, until
from tests.fakebroker import Published, fake_broker
from tests.faults.mutants import Mutant, mutated
from tests.journal.journals import filled, note, opened
from tests.uplink.gate import BASE, configured, listening, uplink_of

QUOTA_EXCEEDED = 0x97
PAYLOAD_FORMAT_INVALID = 0x99


@dataclass(frozen=True)
class Wreck:
    """What was in the journal before it was damaged: its life, and its events by id."""

    path: Path
    epoch: str
    bodies: dict[str, bytes]

    @property
    def closed(self) -> bool:
        """Whether nothing of it waits any more."""
        [aside] = asides(self.path)
        return aside.report.exists()


async def wrecked(path: Path, count: int) -> Wreck:
    """A journal of `count` events whose first page is gone."""
    async with opened(path) as journal:
        rows = await journal.append([note(number, padding=200) for number in range(1, count + 1)])
        epoch = journal.epoch
    with path.open("r+b") as file:
        file.write(bytes(1024))
    return Wreck(path, epoch, {event_id(epoch, row.seq): row.body for row in rows})


@asynccontextmanager
async def taken_up(wreck: Wreck) -> AsyncIterator[Journal]:
    """Its successor, when all has been carried over."""
    async with opened(wreck.path) as journal:
        count = len(wreck.bodies)
        await until(lambda: journal.carried.waiting == count and not journal.condition.salvaging)
        yield journal


@pytest.mark.parametrize("confirm", list(Confirm))
async def test_they_arrive_once_and_unaltered_and_the_case_is_closed(
    tmp_path: Path, confirm: Confirm
) -> None:
    wreck = await wrecked(tmp_path / "journal.db", 1200)
    async with (
        mosquitto(tmp_path) as broker,
        taken_up(wreck) as journal,
        listening(broker.port, confirm=confirm) as there,
        uplink_of(journal, configured(broker.port, confirm=confirm)),
    ):
        await filled(journal, 3)
        await until(lambda: journal.carried.waiting == 0 and journal.counts().waiting == 0)
        await until(lambda: wreck.closed and len(there.events) == 1203)
        came = [event.content for event in there.events if event.epoch == wreck.epoch]
        assert sorted(each["id"] for each in came) == sorted(wreck.bodies)
        assert all(json.loads(wreck.bodies[each["id"]]) == each for each in came)
        lives = {epoch: ranges for (_, epoch), ranges in there.centre.table().items()}
        assert lives == {wreck.epoch: [(1, 1200)], journal.epoch: [(1, journal.last_seq)]}
    async with opened(wreck.path) as journal:
        assert journal.carried.waiting == 0


async def unacknowledged(directory: Path) -> set[str]:
    """What was let go of and the broker, silent at first, had not acknowledged."""
    wreck = await wrecked(directory / "journal.db", 40)
    acknowledged: set[str] = set()

    def silent_at_first(message: Published) -> int | None:
        if not message.topic.endswith("/up/batch"):
            return 0
        if message.connection == 1:
            return None
        acknowledged.update(event["id"] for event in json.loads(message.payload))
        return 0

    async with (
        taken_up(wreck) as journal,
        fake_broker(silent_at_first) as broker,
        uplink_of(journal, configured(broker.port, ack_timeout_s=1, compress="off")),
    ):
        await until(lambda: journal.carried.waiting == 0)
        return set(wreck.bodies) - acknowledged


async def test_what_the_broker_has_not_acknowledged_goes_again_on_the_next_link(
    tmp_path: Path,
) -> None:
    assert await unacknowledged(tmp_path) == set()


async def test_it_finds_what_confirms_before_puback(tmp_path: Path) -> None:
    with mutated(Mutant.CONFIRM_FIRST):
        assert await unacknowledged(tmp_path)


async def test_what_the_centre_has_not_confirmed_is_kept_and_goes_again(tmp_path: Path) -> None:
    wreck = await wrecked(tmp_path / "journal.db", 40)
    async with mosquitto(tmp_path) as broker, taken_up(wreck) as journal:
        config = configured(broker.port, confirm=Confirm.CENTRE)
        async with listening(broker.port, confirm=Confirm.CENTRE) as there:
            there.centre.deaf = True
            async with uplink_of(journal, config) as uplink:
                await until(
                    lambda: there.centre.lost > 1 and not uplink.in_flight
                )  # one is a birth
            assert journal.carried.waiting == 40
            there.centre.deaf = False
            async with uplink_of(journal, config):
                await until(lambda: journal.carried.waiting == 0)
            assert {each.content["id"] for each in there.events} == set(wreck.bodies)


@pytest.mark.parametrize("code", [QUOTA_EXCEEDED, PAYLOAD_FORMAT_INVALID])
async def test_a_refused_batch_of_them_goes_again_soon(tmp_path: Path, code: int) -> None:
    """Not only with the next link, or when everything is repeated in ten minutes."""
    wreck = await wrecked(tmp_path / "journal.db", 40)
    refusals = [code, code]

    def reluctant(message: Published) -> int:
        return refusals.pop() if refusals and message.topic.endswith("/up/batch") else 0

    async with (
        fake_broker(reluctant) as broker,
        taken_up(wreck) as journal,
        uplink_of(journal, configured(broker.port, compress="off")),
    ):
        await until(lambda: journal.carried.waiting == 0)
        assert broker.connections == 1
        sent = [each.payload for each in broker.published if each.topic.endswith("/up/batch")]
        assert {event["id"] for each in sent for event in json.loads(each)} == set(wreck.bodies)


class ByHand:
    """A centre that says what a test wants it to."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.batches: list[set[str]] = []

    def hear(self, message: Message) -> None:
        if message.topic.endswith("/up/batch"):
            self.batches.append({event["id"] for event in json.loads(message.payload)})

    async def say(self, **ack: object) -> None:
        await self._link.publish(f"{BASE}/down/ack", json.dumps(ack).encode())


async def test_the_centre_asks_for_some_of_a_former_life_again(tmp_path: Path) -> None:
    wreck = await wrecked(tmp_path / "journal.db", 40)
    async with (
        mosquitto(tmp_path) as broker,
        taken_up(wreck) as journal,
        open_link(LinkOptions("127.0.0.1", broker.port, "by-hand")) as link,
    ):
        centre = ByHand(link)
        assert await link.subscribe("cg1/#", centre.hear)
        config = configured(broker.port, confirm=Confirm.CENTRE, compress="off")
        async with uplink_of(journal, config) as uplink:
            await until(lambda: set().union(*centre.batches) == set(wreck.bodies))
            await until(lambda: uplink.in_flight == 0)
            centre.batches.clear()
            await centre.say(epoch=wreck.epoch, upto=10, missing=[[11, 12], [30, 30]])
            wanted = {event_id(wreck.epoch, seq) for seq in (11, 12, 30)}
            await until(lambda: set().union(*centre.batches) == wanted)
            await until(lambda: journal.carried.waiting == 30)
            # What is confirmed comes no more, whoever asks for it.
            await centre.say(epoch=wreck.epoch, upto=12, missing=[[1, 13]])
            await until(lambda: len(centre.batches) == 3)
            assert centre.batches[-1] == {event_id(wreck.epoch, 13)}
            await centre.say(epoch=wreck.epoch, upto=40)
            await until(lambda: journal.carried.waiting == 0 and wreck.closed)


async def test_what_is_carried_over_while_the_link_rests_goes_at_once(tmp_path: Path) -> None:
    soon_at_rest = Pacing(trial_after_s=0.1, answer_s=0.1)
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        uplink_of(journal, configured(broker.port), pacing=soon_at_rest) as uplink,
    ):
        await until(lambda: uplink.link.online)
        for seq in (1, 2):  # the second one after all had been sent
            await asyncio.sleep(0.5)  # until the sender has no time to wake up at
            await journal.carried.add([Saved("former27", seq, wreck_body(seq))])
            await until(lambda: len(there.events) == seq, within_s=5)  # noqa: B023
            await until(lambda: journal.carried.waiting == 0)


async def test_what_the_centre_does_not_confirm_goes_again_though_nothing_else_happens(
    tmp_path: Path,
) -> None:
    impatient = Pacing(trial_after_s=0.1, answer_s=0.1, resend_after_s=1)
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,  # it never confirms
    ):
        await journal.carried.add([Saved("former27", 1, wreck_body(1))])
        config = configured(broker.port, confirm=Confirm.CENTRE)
        async with uplink_of(journal, config, pacing=impatient):
            await until(lambda: len(there.events) >= 3)


async def test_what_is_said_while_something_is_settled_is_settled_too(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.carried.add([Saved("former27", seq, wreck_body(seq)) for seq in (1, 2, 3)])
        former = Former(journal, Tally(), repeat_after_s=600)
        former.confirmed("former27", [(1, 1)])
        settling = asyncio.create_task(former.settle())
        await asyncio.sleep(0)
        former.confirmed("former27", [(2, 3)])
        await settling
        assert journal.carried.waiting == 0


def wreck_body(seq: int) -> bytes:
    """An event of a former life."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id("former27", seq),
            "source": "/gateways/410102011003007",
            "type": "checkpoint.device.v1",
            "sequence": f"{seq:012d}",
            "data": {},
        }
    ).encode()
