"""Bad networks between gateway and broker: what is recorded arrives, whatever happens under way."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from gateway.centre import Centre, Event, Listener
from gateway.clock import Clock
from gateway.config import Config, Place, TlsConfig, UplinkConfig
from gateway.journal import Journal
from gateway.uplink import Uplink
from gateway.uplink.client import LinkOptions
from gateway.uplink.options import pacing_of
from tests.brokers import mosquitto, until
from tests.faults.account import Account
from tests.faults.mutants import Mutant, mutated
from tests.faults.proxy import Conditions, FaultProxy, fault_proxy
from tests.journal.journals import note, query
from tests.ports import free_port
from tests.receiving import attended

KEEPALIVE_S = 5
NOTICED_S = 1.5 * KEEPALIVE_S
ACK_TIMEOUT_S = 5.0
LATE_S = 5.0
"""What a loaded machine may add."""
RETRY_ASIDE_S = 2.0
PERIOD_S = 0.02
"""Between two events."""


class Centres:
    """The centre of all gates of a test: contents in the order of arrival, by source."""

    def __init__(self) -> None:
        self.arrived: dict[str, list[dict[str, Any]]] = {}

    def take(self, event: Event) -> None:
        self.arrived.setdefault(event.source, []).append(event.content)


@dataclass(frozen=True)
class Gate:
    """An uplink behind a bad network; `arrived` is what the centre has of it."""

    journal: Journal
    uplink: Uplink
    network: FaultProxy
    arrived: list[dict[str, Any]]
    path: Path

    def recorded(self) -> list[dict[str, Any]]:
        """All that is in the journal: what the gateway notes of its own accord, too."""
        return [json.loads(body) for (body,) in query(self.path, "SELECT body FROM event")]

    async def record(self, stop: asyncio.Event) -> None:
        """Record one event after the other until `stop` is set."""
        while not stop.is_set():
            await self.record_one()
            await asyncio.sleep(PERIOD_S)

    async def record_one(self) -> dict[str, Any]:
        [row] = await self.journal.append([note(self.journal.last_seq + 1)])
        return cast(dict[str, Any], json.loads(row.body))

    async def delivered(self) -> None:
        """Wait until nothing waits any more."""
        await until(lambda: self.journal.counts().waiting == 0, within_s=60)

    async def complete(self) -> bool:
        """Whether in the end all that was recorded has arrived, and as it was recorded."""
        wanted = self.recorded()
        try:
            await until(lambda: all(each in self.arrived for each in wanted), within_s=LATE_S)
        except TimeoutError:
            return False
        return all(each in wanted for each in self.arrived)


Trouble = Callable[[Gate], Awaitable[None]]


def under(conditions: Conditions) -> Trouble:
    """Some time of `conditions`."""

    async def trouble(gate: Gate) -> None:
        gate.network.conditions = conditions
        await asyncio.sleep(5)

    return trouble


def silence(conditions: Conditions) -> Trouble:
    """A black hole; it must be noticed."""

    async def trouble(gate: Gate) -> None:
        gate.network.conditions = conditions
        await until(lambda: not gate.uplink.link.online, within_s=NOTICED_S + LATE_S)

    return trouble


async def resets(gate: Gate, *, times: int = 4) -> None:
    """RSTs, each in the middle of work."""
    gate.network.conditions = Conditions(delay_s=0.05)
    for _ in range(times):
        before = len(gate.arrived)
        await until(lambda: len(gate.arrived) > before + 10)  # noqa: B023
        gate.network.reset()
        await until(lambda: not gate.uplink.link.online)
        await until(lambda: gate.uplink.link.online, within_s=60)


async def refusal(gate: Gate) -> None:
    """No connection, until it is noticed and a little longer."""
    gate.network.refuse()
    gate.network.reset()
    await until(lambda: "refused" in str(gate.uplink.link.reason))
    await asyncio.sleep(2)
    await gate.network.open()


FLIPS = under(Conditions(flip_share=0.05))
TROUBLES: dict[str, Trouble] = {
    "latency 200 ± 100 ms": under(Conditions(delay_s=0.05, jitter_s=0.1)),
    "8 kB/s": under(Conditions(bytes_per_s=8192, piece=512)),
    "black hole up": silence(Conditions(swallow_up=True)),
    "black hole down": silence(Conditions(swallow_down=True)),
    "reset": resets,
    "refused": refusal,
    "cut in mid packet": under(Conditions(cut_every=3000)),
    "one byte at a time": under(Conditions(bytes_per_s=20_000, piece=1)),
    "bit flips, TLS": FLIPS,
}


@dataclass(frozen=True)
class Network:
    """A broker with a plain and a TLS port, and what the centre gets from it."""

    port: int
    tls_port: int
    tls: TlsConfig
    centres: Centres

    @asynccontextmanager
    async def gate(self, directory: Path, number: int, *, tls: bool) -> AsyncIterator[Gate]:
        """A running gate with a proxy of its own."""
        place = Place(id=f"gate-{number}", district="d", street="s", community="c")
        clock = Clock()
        async with fault_proxy(self.tls_port if tls else self.port, seed=number) as network:
            uplink_config = UplinkConfig(
                host="127.0.0.1",
                port=network.port,
                keepalive_s=KEEPALIVE_S,
                ack_timeout_s=ACK_TIMEOUT_S,
                tls=self.tls if tls else None,
            )
            config = Config(gateway=place, uplink=uplink_config)
            path = directory / f"{number}.db"
            journal = await Journal.open(path, source=place.source, clock=clock)
            # On such a network an innocent event may be taken for one that breaks links.
            pacing = replace(pacing_of(uplink_config), retry_aside_s=RETRY_ASIDE_S)
            rng = random.Random(number)
            uplink = Uplink(config, journal, clock, dict, rng=rng, pacing=pacing)
            stop = asyncio.Event()
            arrived = self.centres.arrived.setdefault(place.source, [])
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(uplink.run(stop))
                    await until(lambda: uplink.link.online)
                    yield Gate(journal, uplink, network, arrived, path)
                    stop.set()
            finally:
                await journal.close()


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    authority, tls_port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "broker.pem"
    )
    settings = (
        "allow_anonymous true",
        f"listener {tls_port} 127.0.0.1",
        f"certfile {tmp_path / 'broker.pem'}",
        f"keyfile {tmp_path / 'broker.pem'}",
    )
    centres = Centres()
    async with mosquitto(tmp_path, *settings) as broker:
        options = LinkOptions("127.0.0.1", broker.port, "centre")
        listener = Listener(options, Centre(), centres.take, acknowledge=False)
        async with attended(listener):
            yield Network(broker.port, tls_port, TlsConfig(ca_file=tmp_path / "ca.pem"), centres)


async def endure(gate: Gate, trouble: Trouble) -> float:
    """Go through `trouble` while recording; how long it took afterwards until all was sent."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(gate.record(stop))
        await until(lambda: len(gate.arrived) > 10)
        await trouble(gate)
        gate.network.conditions = Conditions()
        healed = asyncio.get_running_loop().time()
        stop.set()
    await gate.record_one()
    await gate.delivered()
    return asyncio.get_running_loop().time() - healed


async def test_everything_arrives_in_spite_of_all(
    tmp_path: Path, network: Network, account: Account
) -> None:
    async def one(number: int, name: str, trouble: Trouble) -> None:
        async with network.gate(tmp_path, number, tls="TLS" in name) as gate:
            recovery_s = await endure(gate, trouble)
            assert await gate.complete(), name
        enter(account, f"network: {name}", gate, recovery_s)

    async with asyncio.TaskGroup() as all_at_once:
        for number, (name, trouble) in enumerate(TROUBLES.items()):
            all_at_once.create_task(one(number, name, trouble))
        all_at_once.create_task(flips_without_tls(tmp_path, network, account))


async def flips_without_tls(directory: Path, network: Network, account: Account) -> None:
    """Survive it; for what arrives altered cannot be told from the truth.

    Plain MQTT has nothing but TCP's checksum, and a flipped PUBACK confirms another message.
    """
    async with network.gate(directory, len(TROUBLES), tls=False) as gate:
        recovery_s = await endure(gate, FLIPS)
        late = [await gate.record_one() for _ in range(20)]
        await gate.delivered()
        await until(lambda: all(each in gate.arrived for each in late))
    enter(account, "network: bit flips, no TLS", gate, recovery_s)


def enter(account: Account, fault: str, gate: Gate, recovery_s: float) -> None:
    entry, recorded = account.of(fault), gate.recorded()
    lost = sum(each not in gate.arrived for each in recorded)
    entry.count += 1
    entry.recorded += len(recorded)
    entry.lost += lost
    entry.duplicates = len(gate.arrived) + lost - len(recorded)
    entry.recovered(recovery_s)


async def test_it_finds_what_confirms_before_puback(
    tmp_path: Path, network: Network, account: Account
) -> None:
    with mutated(Mutant.CONFIRM_FIRST):
        async with network.gate(tmp_path, 1, tls=False) as gate:
            await endure(gate, partial(resets, times=1))
            assert not await gate.complete()
    account.of("network: reset").caught.append(Mutant.CONFIRM_FIRST)
