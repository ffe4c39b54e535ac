"""Brokers that break promises: nothing is lost, nothing waits for ever."""

import asyncio
import json
import logging
from functools import partial
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.config import Confirm, Protocol
from gateway.errors import JournalError
from gateway.journal import Journal, Row
from gateway.uplink import Uplink
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from gateway.uplink.streams import Pacing
from tests.brokers import mosquitto, until
from tests.fakebroker import FakeBroker, Published, fake_broker
from tests.journal.journals import SOURCE, filled, note, opened, query
from tests.uplink.gate import BASE, configured, listening, uplink_of

RECEIVE_MAXIMUM = b"\x21"  # MQTT 5, 3.2.2.3.3
MAXIMUM_QOS = b"\x24"
QUOTA_EXCEEDED = 0x97
TAKEN_OVER = 0x8E
PAYLOAD_FORMAT_INVALID = 0x99


def is_record(message: Published) -> bool:
    return "/up/event/" in message.topic or message.topic.endswith("/up/batch")


async def test_a_withheld_acknowledgement_ends_the_link_and_the_next_one_delivers(
    tmp_path: Path,
) -> None:
    def silent_at_first(message: Published) -> int | None:
        return None if message.connection == 1 and is_record(message) else 0

    async with (
        fake_broker(silent_at_first) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, ack_timeout_s=1)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await filled(journal, 3)
        await until(lambda: journal.counts().waiting == 0)
        assert broker.connections == 2


async def test_one_forgotten_message_is_found_among_many_acknowledged(tmp_path: Path) -> None:
    def forgets_the_first(message: Published) -> int | None:
        return None if message.connection == 1 and b'-1"' in message.payload else 0

    async with (
        fake_broker(forgets_the_first) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, ack_timeout_s=1)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        number = 0
        while broker.connections == 1:
            number += 1
            await journal.append([note(number)])
            await asyncio.sleep(0.02)
        await until(lambda: journal.counts().waiting == 0)


async def test_the_brokers_receive_maximum_is_obeyed(tmp_path: Path) -> None:
    async with (
        fake_broker(connack_properties=RECEIVE_MAXIMUM + b"\x00\x02") as broker,
        opened(tmp_path / "journal.db") as journal,
    ):
        await filled(journal, 50)
        async with uplink_of(journal, configured(broker.port)):
            await journal.append([note(51, alarm=True)])
            await until(lambda: journal.counts().waiting == 0)
        assert broker.most_unanswered <= 2


async def test_a_window_of_one_starves_neither_live_nor_backlog(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path, "allow_anonymous true", "max_inflight_messages 1") as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
    ):
        await filled(journal, 1000)
        async with uplink_of(journal, configured(broker.port)):
            await journal.append([note(1001)])
            await until(lambda: journal.counts().waiting == 0)
        assert await there.received(1001) == dict.fromkeys(range(1, 1002), 1)


async def test_a_quota_slows_down_and_loses_nothing(tmp_path: Path) -> None:
    refusals = iter([QUOTA_EXCEEDED] * 3)

    def strict(message: Published) -> int:
        return next(refusals, 0) if is_record(message) else 0

    async with (
        fake_broker(strict) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await journal.append([note(1)])
        await until(lambda: journal.counts().waiting == 0)
        assert uplink.refused[QUOTA_EXCEEDED] == 3
        assert broker.connections == 1


async def test_an_event_the_broker_dislikes_is_found_in_its_batch(tmp_path: Path) -> None:
    def dislikes_seven(message: Published) -> int:
        return PAYLOAD_FORMAT_INVALID if b"note-7-" in message.payload else 0

    async with fake_broker(dislikes_seven) as broker, opened(tmp_path / "journal.db") as journal:
        await filled(journal, 30)
        async with uplink_of(journal, configured(broker.port)) as uplink:
            await until(lambda: journal.counts().waiting == 1 and uplink.set_aside == 1)
            assert not journal.delivery.is_confirmed(7)
            broker.cut()
            await until(lambda: broker.connections == 2 and uplink.link.online)
            await journal.append([note(31)])
            await until(lambda: journal.counts().waiting == 1)


async def test_stopping_with_a_silent_broker_takes_less_than_five_seconds(tmp_path: Path) -> None:
    def silent(message: Published) -> int | None:
        return None if is_record(message) or b"offline" in message.payload else 0

    async with fake_broker(silent) as broker, opened(tmp_path / "journal.db") as journal:
        async with uplink_of(journal, configured(broker.port)) as uplink:  # asserts the time
            await until(lambda: uplink.link.online)
            await filled(journal, 3)
            await until(lambda: uplink.in_flight == 3)
        assert journal.counts().waiting == 3


async def test_a_broker_without_acknowledgements_is_refused(tmp_path: Path) -> None:
    async with (
        fake_broker(connack_properties=MAXIMUM_QOS + b"\x00") as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: "QoS 0" in (uplink.link.reason or ""))


async def test_noise_instead_of_mqtt_is_only_a_lost_link(tmp_path: Path) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(port)) as uplink,
    ):
        await until(lambda: uplink.link.reason == "the connection was lost")


async def test_the_will_says_lost_when_the_socket_is_cut(tmp_path: Path) -> None:
    source = "/gateways/410102011003007"
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await until(lambda: source in there.centre.states)
        session = there.centre.states[source]["session"]
        # The same client id again: the broker throws the first one out, and says its will.
        async with open_link(LinkOptions("127.0.0.1", broker.port, "410102011003007")):
            await until(lambda: there.centre.states[source]["state"] == "lost")
            assert there.centre.states[source]["session"] == session


async def test_hostile_acknowledgements_change_nothing(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        uplink_of(journal, configured(broker.port, confirm=Confirm.CENTRE)) as uplink,
        open_link(LinkOptions("127.0.0.1", broker.port, "stranger", Protocol.V311)) as stranger,
    ):
        await until(lambda: uplink.link.online)
        await filled(journal, 3)
        await until(lambda: len(there.seqs) == 3)
        for payload in (b"", b"[" * 50_000, b'{"epoch":7}', b'{"epoch":"x","upto":1}'):
            await stranger.publish(f"{BASE}/down/ack", payload)
        await until(lambda: uplink.unusable == 4)
        assert journal.counts().confirmed == 0
        good = f'{{"epoch":"{journal.epoch}","upto":3}}'.encode()
        await stranger.publish(f"{BASE}/down/ack", good)
        await until(lambda: journal.counts().confirmed == 3)


async def test_a_name_that_is_taken_by_another_is_not_fought_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        broker.dismiss(TAKEN_OVER)
        await until(lambda: "somebody else has connected" in (uplink.link.reason or ""))
        await asyncio.sleep(1.5)  # nobody takes it back at once
        assert broker.connections == 1
    assert caplog.text.count("connected to") == 1


async def test_links_that_a_broker_ends_again_and_again_are_explained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Mosquitto says nothing to the one whose name was taken."""
    async with (
        fake_broker() as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        for number in range(1, 4):
            await until(partial(has_connected, broker, uplink, number))
            broker.cut()
        await until(lambda: "another device" in caplog.text)


def has_connected(broker: FakeBroker, uplink: Uplink, number: int) -> bool:
    return broker.connections == number and uplink.link.online


async def test_a_file_that_takes_nothing_stops_no_delivery(tmp_path: Path) -> None:
    """The number of the session is then counted on in memory."""
    path = tmp_path / "journal.db"
    async with fake_broker() as broker, opened(path) as journal:
        assert [await journal.next_session() for _ in range(3)] == [1, 2, 3]
        await journal.append([note(1)])
        query(
            path,
            "CREATE TRIGGER full BEFORE UPDATE ON journal"
            " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        )
        async with uplink_of(journal, configured(broker.port)) as uplink:
            await until(lambda: journal.counts().waiting == 0)
            broker.cut()
            await until(lambda: broker.connections == 2 and uplink.link.online)
        births = [
            json.loads(each.payload)["data"]["session"]
            for each in broker.published
            if b'"birth"' in each.payload
        ]
        assert births == [4, 5]


class Unreadable(Journal):
    """A journal whose rows cannot be read, for a while."""

    failures = 3

    async def read(
        self, after: int, *, upto: int | None = None, max_rows: int, max_bytes: int
    ) -> list[Row]:
        self.failures -= 1
        if self.failures >= 0:
            raise JournalError("the disk gives an error")
        return await super().read(after, upto=upto, max_rows=max_rows, max_bytes=max_bytes)


@pytest.mark.parametrize("live_age_s", [60, -1])
async def test_rows_that_cannot_be_read_are_sent_when_they_can(
    tmp_path: Path, live_age_s: float
) -> None:
    async with fake_broker() as broker:
        journal = await Unreadable.open(tmp_path / "journal.db", source=SOURCE, clock=Clock())
        try:
            await journal.append([note(n, alarm=n == 3) for n in range(1, 200)])
            pacing = Pacing(live_age_s=live_age_s)
            async with uplink_of(journal, configured(broker.port), pacing=pacing) as uplink:
                await until(lambda: journal.counts().waiting == 0)
                assert broker.connections == 1
                assert uplink.set_aside == 0
        finally:
            await journal.close()
