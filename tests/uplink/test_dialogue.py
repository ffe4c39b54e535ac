"""Confirmation by the centre: no needless duplicates, and no loss that waits for ten minutes."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from gateway.config import Compress, Confirm
from gateway.errors import JournalError
from gateway.messages import Message
from gateway.topics import Topics
from gateway.turns import Turns
from gateway.uplink.alarms import Alarms
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import Link, open_link
from gateway.uplink.receiver import Receiver
from gateway.uplink.sender import Sender, Terms
from gateway.uplink.streams import Pacing
from gateway.uplink.tally import Tally
from tests.brokers import mosquitto, until
from tests.fakebroker import fake_broker
from tests.journal.journals import CLOCK, filled, note, opened
from tests.uplink.gate import BASE, PLACE, configured, listening, uplink_of

CENTRE = Confirm.CENTRE


async def test_a_reconnect_repeats_nothing_that_the_centre_has(tmp_path: Path) -> None:
    """The broker is killed with acknowledgements under way; the centre knows what it has."""
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, confirm=CENTRE) as there,
    ):
        there.centre.mute = True  # takes everything in, answers nothing
        patient = Pacing(answer_s=15)  # the centre may take its time to connect again, too
        config = configured(broker.port, confirm=CENTRE)
        async with uplink_of(journal, config, pacing=patient) as uplink:
            await until(lambda: uplink.link.online)
            await filled(journal, 40)
            await until(lambda: len(there.seqs) == 40 and uplink.in_flight == 0)
            assert journal.counts().confirmed == 0
            await broker.kill()
            await until(lambda: not uplink.link.online)
            there.centre.mute = False
            await broker.start()
            await until(lambda: uplink.link.online and there.listener.link.online)
            await until(lambda: journal.counts().waiting == 0)
            await journal.append([note(41)])
            await there.received(41)
        assert there.seqs == dict.fromkeys(range(1, 42), 1)


async def test_a_restarted_gateway_asks_before_it_repeats(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, confirm=CENTRE) as there,
    ):
        config = configured(broker.port, confirm=CENTRE)
        there.centre.mute = True
        async with opened(tmp_path / "journal.db") as journal, uplink_of(journal, config) as uplink:
            await until(lambda: uplink.link.online)
            await filled(journal, 100)
            await until(lambda: len(there.seqs) == 100 and uplink.in_flight == 0)
        there.centre.mute = False
        async with opened(tmp_path / "journal.db") as journal, uplink_of(journal, config):
            await until(lambda: journal.counts().waiting == 0)
        assert there.seqs == dict.fromkeys(range(1, 101), 1)


async def test_a_silent_centre_delays_what_was_sent_before_by_a_second_only(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,  # it never confirms
    ):
        await filled(journal, 5)
        async with uplink_of(journal, configured(broker.port, confirm=CENTRE)) as uplink:
            await until(lambda: uplink.link.online)
            await journal.append([note(6)])
            await there.received(6)
            assert there.events[0].seq == 6  # what cannot have been sent does not wait


async def test_what_a_broker_dropped_is_asked_for_and_comes(tmp_path: Path) -> None:
    """A denied subscription drops silently, and every publish is acknowledged."""
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, confirm=CENTRE) as there,
    ):
        pacing = Pacing(ask_after_s=0.5)
        config = configured(broker.port, confirm=CENTRE)
        async with uplink_of(journal, config, pacing=pacing) as uplink:
            await until(lambda: uplink.link.online)
            there.centre.deaf = True
            await filled(journal, 3)  # nothing comes after them that would show a hole
            await until(lambda: there.centre.lost >= 3 and uplink.in_flight == 0)
            there.centre.deaf = False
            await until(lambda: journal.counts().waiting == 0)
            assert set(there.seqs) == {1, 2, 3}


class Asking:
    """A centre made by hand: says what a test wants it to."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.batches: list[set[str]] = []
        self.singles = 0

    def hear(self, message: Message) -> None:
        self.singles += "/up/event/" in message.topic
        if message.topic.endswith("/up/batch"):
            self.batches.append({event["id"] for event in json.loads(message.payload)})

    async def say(self, **ack: object) -> None:
        await self._link.publish(f"{BASE}/down/ack", json.dumps(ack).encode())


async def test_missing_events_come_again_and_former_lives_are_no_concern(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        open_link(LinkOptions("127.0.0.1", broker.port, "by-hand")) as link,
    ):
        centre = Asking(link)
        assert await link.subscribe("cg1/#", centre.hear)
        config = configured(broker.port, confirm=CENTRE, compress="off")
        async with uplink_of(journal, config) as uplink:
            await until(lambda: uplink.link.online)
            await filled(journal, 9)
            await until(lambda: centre.singles == 9 and uplink.in_flight == 0)
            await centre.say(epoch=journal.epoch, upto=9)
            await until(lambda: journal.counts().waiting == 0)
            await centre.say(epoch="another2", upto=0, missing=[[1, 4]])
            await until(lambda: uplink.unusable == 1)
            await journal.append([note(10), note(11), note(12)])
            await until(lambda: centre.singles == 12 and uplink.in_flight == 0)
            await centre.say(epoch=journal.epoch, upto=9, missing=[[11, 12]])
            names = {f"{journal.epoch}-11", f"{journal.epoch}-12"}
            await until(lambda: centre.batches and centre.batches[-1] == names)


async def test_no_answer_is_needed_for_the_first_event_ever(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, confirm=CENTRE) as there,
        uplink_of(journal, configured(broker.port, confirm=CENTRE)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        began = asyncio.get_running_loop().time()
        await journal.append([note(1)])
        await there.received(1)
        assert asyncio.get_running_loop().time() - began < 0.9


async def test_the_word_on_a_life_that_has_just_ended_confirms_nothing_of_the_new_one(
    tmp_path: Path,
) -> None:
    """A sender notices a new life with its next turn, and after a failed read that may be late."""
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        await filled(journal, 500)
    with path.open("r+b") as file:
        file.seek(40 << 10)
        file.write(bytes(64 << 10))
    async with (
        fake_broker() as broker,
        opened(path) as journal,
        open_link(LinkOptions("127.0.0.1", broker.port, "gate")) as link,
    ):
        former, topics = journal.epoch, Topics(PLACE)
        terms = Terms(topics, CENTRE, Compress.OFF, Pacing())
        sender = Sender(link, journal, terms, Tally(), Alarms(journal, CLOCK), CLOCK, Turns())
        with suppress(JournalError):
            await journal.read(0, max_rows=500, max_bytes=1 << 20)
        await until(lambda: journal.epoch != former and former in journal.carried.epochs)
        await filled(journal, 9)
        receiver = Receiver(journal, topics.ack)
        said = json.dumps({"epoch": former, "upto": 9}).encode()
        receiver.receive(sender.dialogue, Message(topics.ack, said))
        assert receiver.refused == 0
        assert journal.counts().confirmed == 0
