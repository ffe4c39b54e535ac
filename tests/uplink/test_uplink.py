"""The whole uplink with the real journal, the real mosquitto and the reference centre."""

import asyncio
import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Confirm, Protocol
from gateway.errors import JournalError
from gateway.uplink.alarms import DENIED
from gateway.uplink.streams import Pacing
from tests.brokers import Mosquitto, mosquitto, until
from tests.fakebroker import Published, fake_broker
from tests.journal.journals import files_limited_to, filled, note, opened
from tests.uplink.gate import BASE, configured, listening, uplink_of

ALL = pytest.mark.parametrize(
    ("protocol", "confirm"), [(protocol, confirm) for protocol in Protocol for confirm in Confirm]
)
ANYBODY = ("allow_anonymous true",)


@ALL
async def test_everything_arrives_and_is_confirmed(
    tmp_path: Path, protocol: Protocol, confirm: Confirm
) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, protocol=protocol, confirm=confirm) as there,
    ):
        await filled(journal, 2000)
        config = configured(broker.port, protocol=protocol, confirm=confirm)
        async with uplink_of(journal, config) as uplink:
            await until(lambda: uplink.link.online)
            await journal.append([note(2001, alarm=True)])
            await until(lambda: journal.counts().waiting == 0)
        assert await there.received(2001) == dict.fromkeys(range(1, 2002), 1)
        assert there.centre.rejected == 0


@pytest.mark.parametrize("protocol", Protocol)
async def test_the_broker_may_come_later(tmp_path: Path, protocol: Protocol) -> None:
    broker = Mosquitto(tmp_path)
    async with opened(tmp_path / "journal.db") as journal:
        async with uplink_of(journal, configured(broker.port, protocol=protocol)) as uplink:
            await filled(journal, 3)
            await until(lambda: "refused" in (uplink.link.reason or "").lower())
            await broker.start()
            async with listening(broker.port, protocol=protocol) as there:
                await until(lambda: uplink.link.online)
                await journal.append([note(4)])
                await until(lambda: 4 in there.seqs)
                # Before the centre was there, 3.1.1 could not tell that nobody listened.
                await until(lambda: journal.counts().waiting == 0)
        await broker.kill()


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_broker_killed_in_mid_stream_costs_nothing(
    tmp_path: Path, protocol: Protocol
) -> None:
    """What it had acknowledged and not delivered goes again: the centre has not confirmed it."""
    confirm = Confirm.CENTRE
    config = partial(configured, protocol=protocol, confirm=confirm)
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port, protocol=protocol, confirm=confirm) as there,
        uplink_of(journal, config(broker.port), pacing=Pacing(resend_after_s=1.5)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        for number in range(1, 301):
            await journal.append([note(number)])
            if number == 150:
                await broker.kill()
            if number == 250:
                await broker.start()
        await until(lambda: journal.counts().waiting == 0)
    assert set(there.seqs) == set(range(1, 301))
    assert len({event.content["id"] for event in there.events}) == 300


async def test_an_outage_costs_nothing_where_the_broker_tells_that_nobody_listens(
    tmp_path: Path,
) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await filled(journal, 10)
        await until(lambda: len(there.seqs) == 10 and journal.counts().waiting == 0)
        await broker.kill()
        await until(lambda: not uplink.link.online)
        await journal.append([note(number) for number in range(11, 21)])
        assert journal.counts().waiting == 10
        await broker.start()
        await until(lambda: journal.counts().waiting == 0)
        assert await there.received(20) == dict.fromkeys(range(1, 21), 1)


async def test_a_refused_password_is_not_tried_again_soon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    setting = Mosquitto(tmp_path).set_password("410102011003007", "right")
    (tmp_path / "password").write_text("wrong\n")
    caplog.set_level(logging.DEBUG, "gateway.uplink")
    async with (
        mosquitto(tmp_path, "allow_anonymous false", setting) as broker,
        opened(tmp_path / "journal.db") as journal,
    ):
        for protocol in Protocol:
            config = configured(broker.port, protocol=protocol, password_file=tmp_path / "password")
            async with uplink_of(journal, config) as uplink:
                await until(lambda: "refuses" in (uplink.link.reason or ""))
    losses = [record for record in caplog.records if "no link" in record.getMessage()]
    assert [record.levelname for record in losses] == ["WARNING"] * 2  # one attempt each


async def test_the_right_password_opens(tmp_path: Path) -> None:
    setting = Mosquitto(tmp_path).set_password("410102011003007", "right")
    (tmp_path / "password").write_text("right\n")
    async with (
        mosquitto(tmp_path, "allow_anonymous false", setting) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port, password_file=tmp_path / "password")) as uplink,
    ):
        await until(lambda: uplink.link.online)


async def test_a_denied_topic_keeps_the_event_and_lets_the_others_pass(tmp_path: Path) -> None:
    """Neither live records nor alarms may be published here: they go with the backlog, and so
    does the alarm that tells of it."""
    acl = tmp_path / "acl"
    acl.write_text(
        "topic readwrite cg1/#\n\nuser 410102011003007\n"
        f"topic write {BASE}/up/state\ntopic write {BASE}/up/batch\n"
    )
    async with (
        mosquitto(tmp_path, "allow_anonymous true", f"acl_file {acl}") as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await filled(journal, 50)
        await there.received(51)
        await until(lambda: journal.counts().waiting == 0)
        assert there.seqs == dict.fromkeys(range(1, 52), 1)
        told = next(each.content for each in there.events if each.seq == 51)
        assert (told["type"], told["data"]["alarm"]) == ("checkpoint.alarm.v1", DENIED)
        assert told["data"]["state"] == "raised"
        assert "live" in uplink.alarms[DENIED]


async def test_a_right_that_is_granted_again_clears_the_alarm(tmp_path: Path) -> None:
    allowed = False

    def refuses_at_first(message: Published) -> int:
        return 0 if allowed or "/up/event/" not in message.topic else 0x87

    async with (
        fake_broker(refuses_at_first) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await journal.append([note(1)])
        await until(lambda: journal.counts().waiting == 0 and uplink.alarms)
        allowed = True
        broker.cut()  # a right is asked for again on a new link at the latest
        await until(lambda: broker.connections == 2 and uplink.link.online)
        await journal.append([note(2)])
        await until(lambda: not uplink.alarms)

        def alarms() -> list[dict[str, Any]]:
            return [json.loads(each.payload) for each in broker.published if "alarm" in each.topic]

        await until(lambda: len(alarms()) == 2)
        raised, cleared = alarms()
        assert [each["data"]["state"] for each in (raised, cleared)] == ["raised", "cleared"]
        assert raised["correlationid"] == cleared["correlationid"]


async def test_nobody_listening_is_no_delivery(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        uplink_of(journal, configured(broker.port)) as uplink,
    ):
        await until(lambda: uplink.link.online)
        await filled(journal, 5)
        await until(lambda: uplink.refused[0x10] >= 2)
        assert journal.counts().confirmed == 0
        async with listening(broker.port) as there:
            assert set(await there.received(5)) == set(range(1, 6))
            await until(lambda: journal.counts().waiting == 0)


async def test_an_oversized_event_is_set_aside_and_the_others_pass(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        mosquitto(tmp_path, *ANYBODY, "max_packet_size 2000") as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
    ):
        await journal.append([note(n, padding=3000 if n == 20 else 0) for n in range(1, 40)])
        async with uplink_of(journal, configured(broker.port, compress="off")) as uplink:
            await until(lambda: journal.last_seq == 40 and journal.counts().waiting == 1)
            assert uplink.set_aside == 1
        assert set(await there.received(39)) == set(range(1, 41)) - {20}  # 40 is the alarm
        assert f"{journal.epoch}-20" in caplog.text


async def test_the_journal_grows_while_the_backlog_drains(tmp_path: Path) -> None:
    """Fresh records and alarms overtake thousands that wait."""
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
    ):
        await filled(journal, 20_000)
        slow = Pacing(batch_rows=10, live_age_s=-1)
        async with uplink_of(journal, configured(broker.port), pacing=slow) as uplink:
            await until(lambda: uplink.link.online and there.events)
            await journal.append([note(20_001), note(20_002, alarm=True)])
            await until(lambda: 20_001 in there.seqs and 20_002 in there.seqs)
            assert journal.counts().waiting > 1000
            await until(lambda: journal.counts().waiting == 0)
        assert await there.received(20_002) == dict.fromkeys(range(1, 20_003), 1)


async def test_a_clean_stop_says_offline(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
        listening(broker.port) as there,
    ):
        source = "/gateways/410102011003007"
        async with uplink_of(journal, configured(broker.port)) as uplink:
            await until(lambda: uplink.link.online)
            await until(lambda: source in there.centre.states)
            birth = there.centre.states[source]
            assert birth["state"] == "birth"
            assert birth["epoch"] == journal.epoch
        await until(lambda: there.centre.states[source]["state"] == "offline")
        assert there.centre.states[source]["session"] == birth["session"]
        assert not uplink.link.online


async def test_a_clean_stop_says_offline_even_while_the_journal_cannot_be_read(
    tmp_path: Path,
) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    async with opened(place / "journal.db") as journal:
        await filled(journal, 3)
    async with mosquitto(tmp_path) as broker, opened(place / "journal.db") as journal:
        place.rename(tmp_path / "gone")
        with files_limited_to(1024), pytest.raises(JournalError):
            await journal.append([note(4)])
        async with listening(broker.port) as there:

            def states() -> list[str]:
                return [each["state"] for each in there.centre.states.values()]

            async with uplink_of(journal, configured(broker.port)):
                await until(lambda: states() == ["birth"])
            await until(lambda: states() == ["offline"])
        assert journal.counts().waiting == 3


async def test_stopping_an_uplink_that_never_connected_is_immediate(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        broker = Mosquitto(tmp_path)
        async with asyncio.timeout(2), uplink_of(journal, configured(broker.port)) as uplink:
            await until(lambda: "refused" in (uplink.link.reason or "").lower())
