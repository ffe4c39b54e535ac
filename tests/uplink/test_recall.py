"""A centre that has lost its database gets what is still kept, confirmed or not."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.config import Confirm, Protocol
from gateway.journal import Journal
from gateway.uplink import Uplink
from gateway.uplink.streams import Pacing
from tests.brokers import Mosquitto, mosquitto, until
from tests.faults.mutants import Mutant, mutated
from tests.journal.journals import SOURCE, note, opened, query
from tests.uplink.gate import Listening, configured, listening, uplink_of

BOTH = pytest.mark.parametrize("confirm", list(Confirm))
KEPT = 1200
LARGE = 5


async def delivered(path: Path, broker: Mosquitto, confirm: Confirm, *, padding: int = 0) -> None:
    """A journal of `KEPT` events, all confirmed and still there; `LARGE` has the `padding`."""
    async with opened(path) as journal, listening(broker.port, confirm=confirm) as former:
        sizes = {LARGE: padding}
        await journal.append(
            [note(number, padding=sizes.get(number, 0)) for number in range(1, KEPT + 1)]
        )
        async with uplink_of(journal, configured(broker.port, confirm=confirm)):
            await until(lambda: journal.counts().waiting == 0)
            await former.received(KEPT)


@asynccontextmanager
async def with_a_fresh_centre(
    path: Path,
    broker: Mosquitto,
    confirm: Confirm,
    *,
    protocol: Protocol = Protocol.V5,
    pacing: Pacing | None = None,
) -> AsyncIterator[tuple[Journal, Uplink, Listening]]:
    """The gate on a new link, and a centre that remembers nothing."""
    config = configured(broker.port, confirm=confirm, protocol=protocol, compress="off")
    async with (
        opened(path) as journal,
        listening(broker.port, confirm=Confirm.CENTRE) as there,
        uplink_of(journal, config, pacing=pacing) as uplink,
    ):
        yield journal, uplink, there


@BOTH
async def test_a_centre_without_its_database_gets_all_that_is_kept(
    tmp_path: Path, confirm: Confirm
) -> None:
    path = tmp_path / "journal.db"
    async with mosquitto(tmp_path) as broker:
        await delivered(path, broker, confirm)
        async with with_a_fresh_centre(path, broker, confirm) as (journal, uplink, there):
            assert journal.counts().waiting == 0
            await there.received(KEPT)
            await until(lambda: uplink.in_flight == 0)
            assert journal.counts().recorded == journal.counts().confirmed == KEPT


async def test_a_gate_that_resends_only_what_is_unconfirmed_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with mosquitto(tmp_path) as broker:
        await delivered(path, broker, Confirm.CENTRE)
        with mutated(Mutant.FORGETFUL):
            async with with_a_fresh_centre(path, broker, Confirm.CENTRE) as (_, uplink, there):
                await until(lambda: uplink.link.online)
                with pytest.raises(TimeoutError):
                    await until(lambda: there.seqs, within_s=2)


@BOTH
async def test_what_is_not_kept_any_more_is_declared_once(tmp_path: Path, confirm: Confirm) -> None:
    """Retention has taken the oldest, and some telemetry between others."""
    path = tmp_path / "journal.db"
    lost = [(1, 100), (300, 300), (303, 303), (1199, 1199)]
    async with mosquitto(tmp_path) as broker:
        await delivered(path, broker, confirm)
        for span in lost:
            query(path, "DELETE FROM event WHERE seq BETWEEN ? AND ?", *span)
        async with with_a_fresh_centre(path, broker, confirm) as (journal, _, there):
            await until(lambda: list(there.centre.given_up().values()) == [lost])
            await until(lambda: there.centre.holes(SOURCE, journal.epoch) == [])
            kept = {seq for (seq,) in query(path, "SELECT seq FROM event")}
            assert set(there.seqs) == kept
    gaps = query(path, "SELECT body FROM event WHERE kind = 'gap' ORDER BY seq")
    told = [json.loads(body)["data"] for (body,) in gaps]
    assert [(each["from"], each["to"], each["count"]) for each in told] == [
        (1, 100, 100),
        (300, 1199, 3),
    ]


@pytest.mark.parametrize("protocol", Protocol)
async def test_what_the_broker_does_not_take_a_second_time_is_set_aside(
    tmp_path: Path, protocol: Protocol
) -> None:
    """On 3.1.1 it ends the link each time: asked for for ever, it must not end them all."""
    path = tmp_path / "journal.db"
    async with mosquitto(tmp_path) as broker:
        await delivered(path, broker, Confirm.CENTRE, padding=100_000)
    narrow = ("allow_anonymous true", "max_packet_size 90000")
    async with (
        mosquitto(tmp_path, *narrow) as broker,
        with_a_fresh_centre(
            path, broker, Confirm.CENTRE, protocol=protocol, pacing=Pacing(batch_bytes=50_000)
        ) as (journal, uplink, there),
    ):
        await until(lambda: uplink.set_aside == 1)
        await until(lambda: {*range(1, KEPT + 1)} - set(there.seqs) == {LARGE})
        assert journal.delivery.is_confirmed(LARGE)
