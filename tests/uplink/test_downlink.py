"""What comes down for others: listened to where the broker lets us, answered over any link."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.config import Protocol
from gateway.journal import Journal
from gateway.messages import Down, Message, Replies, Reply
from gateway.uplink import Uplink
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from tests.brokers import mosquitto, until
from tests.fakebroker import fake_broker
from tests.journal.journals import filled, note, opened
from tests.uplink.gate import BASE, configured, uplink_of

COMMAND, DOCUMENT = f"{BASE}/down/command", f"{BASE}/down/document/+"
REPLY = f"{BASE}/up/reply"


@asynccontextmanager
async def listening_gate(
    directory: Path, port: int, protocol: Protocol = Protocol.V5
) -> AsyncIterator[tuple[Journal, Down, list[Message], Uplink]]:
    heard: list[Message] = []
    down = Down({COMMAND: heard.append, DOCUMENT: heard.append})
    async with (
        opened(directory / "journal.db") as journal,
        uplink_of(journal, configured(port, protocol=protocol), down=down) as uplink,
    ):
        yield journal, down, heard, uplink


@pytest.mark.parametrize("protocol", Protocol)
async def test_messages_reach_whom_they_are_for(tmp_path: Path, protocol: Protocol) -> None:
    options = LinkOptions("127.0.0.1", 0, "centre", protocol)
    async with mosquitto(tmp_path) as broker:
        options = LinkOptions("127.0.0.1", broker.port, "centre", protocol)
        async with open_link(options) as centre:
            await centre.publish(f"{BASE}/down/document/rota", b"kept", retain=True)
            async with listening_gate(tmp_path, broker.port, protocol) as (_, _, heard, _):
                await until(lambda: heard)
                await centre.publish(COMMAND, b"order")
                await centre.publish(f"{BASE}/down/other", b"nobody asked")
                await until(lambda: len(heard) == 2)
                assert heard == [
                    Message(f"{BASE}/down/document/rota", b"kept", retained=True),
                    Message(COMMAND, b"order"),
                ]


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_refused_subscription_costs_nothing_else(
    tmp_path: Path, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    async with fake_broker() as broker:
        broker.subscribed = lambda wanted: 0x87 if "down/command" in wanted else 1
        async with listening_gate(tmp_path, broker.port, protocol) as (journal, _, _, _):
            await filled(journal, 3)
            await until(lambda: journal.counts().waiting == 0)
            await until(lambda: DOCUMENT in broker.filters)
            assert broker.connections == 1
    assert f"the broker refuses the subscription to {COMMAND}" in caplog.messages


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_subscription_over_which_links_end_is_left_out(
    tmp_path: Path, protocol: Protocol, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with fake_broker() as broker:
        broker.subscribed = lambda wanted: None if "down/command" in wanted else 1
        async with listening_gate(tmp_path, broker.port, protocol) as (journal, _, _, _):
            await filled(journal, 3)
            await until(lambda: DOCUMENT in broker.filters)
            await until(lambda: journal.counts().waiting == 0)
            assert broker.connections == 3
            assert broker.filters.count(COMMAND) == 2
    assert f"links end over the subscription to {COMMAND}, which is left out" in caplog.messages


async def test_answers_wait_for_a_link_and_are_short_where_they_must_be(tmp_path: Path) -> None:
    async with fake_broker() as broker:
        async with listening_gate(tmp_path, broker.port) as (_, down, _, uplink):
            await until(lambda: COMMAND in broker.filters)
            broker.cut()
            await until(lambda: not uplink.link.online)
            down.replies.put(Reply(REPLY, b"x" * 200_000, b"too large", b"c-1"))
            await down.replies.flushed()
            await until(lambda: any(each.topic == REPLY for each in broker.published))
        [answer] = [each for each in broker.published if each.topic == REPLY]
        assert (answer.payload, answer.qos, answer.retained) == (b"too large", 1, False)
        assert b"c-1" in answer.properties


async def test_answers_do_not_wait_behind_alarms_that_nobody_takes(tmp_path: Path) -> None:
    nobody = 0x10
    async with (
        fake_broker(lambda message: nobody if "/up/alarm/" in message.topic else 0) as broker,
        listening_gate(tmp_path, broker.port) as (journal, down, _, _),
    ):
        await journal.append([note(1, alarm=True)])
        await until(lambda: any("/up/alarm/" in each.topic for each in broker.published))
        down.replies.put(Reply(REPLY, b"answer", b""))
        await until(lambda: any(each.topic == REPLY for each in broker.published))


async def test_the_oldest_answer_gives_way() -> None:
    replies = Replies()
    for number in range(Replies.MOST + 3):
        replies.put(Reply(REPLY, b"%d" % number, b""))
    assert (await replies.next()).payload == b"3"
