"""A gate and a centre with a broker in between: the parts that the uplink's tests are made of."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.centre import Centre, Event, Listener
from gateway.clock import Clock
from gateway.config import Config, Confirm, Place, Protocol, UplinkConfig
from gateway.journal import Journal
from gateway.messages import Down
from gateway.uplink import Uplink
from gateway.uplink.bulletins import DeviceReports, HealthReport
from gateway.uplink.client import LinkOptions
from gateway.uplink.streams import Pacing
from tests.brokers import until
from tests.receiving import attended

PLACE = Place(id="410102011003007", district="410102", street="011", community="003")
BASE = "cg1/410102/011/003/410102011003007"


def configured(port: int, **options: Any) -> Config:
    """A gate whose broker is on `port`; `options` are those of `[uplink]`."""
    return Config(gateway=PLACE, uplink=UplinkConfig(host="127.0.0.1", port=port, **options))


@asynccontextmanager
async def uplink_of(
    journal: Journal,
    config: Config,
    *,
    pacing: Pacing | None = None,
    clock: Clock | None = None,
    devices: DeviceReports = dict,
    health: HealthReport | None = None,
    down: Down | None = None,
) -> AsyncIterator[Uplink]:
    """A running uplink; stopped cleanly at the end, within its promised time."""
    uplink = Uplink(
        config,
        journal,
        clock or Clock(),
        devices,
        health=health,
        down=down,
        rng=random.Random(1),
        pacing=pacing,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(uplink.run(stop))
    try:
        yield uplink
    finally:
        stop.set()
        async with asyncio.timeout(5):
            await task


class Moody(Centre):
    """A centre that can be made to forget its duties."""

    deaf = False
    """Loses what comes."""
    lost = 0
    """Messages."""
    mute = False
    """Does not answer."""

    def accept(self, topic: str, payload: bytes) -> list[Event]:
        if not self.deaf:
            return super().accept(topic, payload)
        self.lost += 1
        return []

    def acks(self, now: float) -> Iterator[tuple[str, bytes]]:
        return iter(()) if self.mute else super().acks(now)


class Listening:
    """A centre on a broker, with everything it was given."""

    def __init__(self, port: int, *, protocol: Protocol, acknowledge: bool) -> None:
        self.centre = Moody(patience_s=0.5)
        self.events: list[Event] = []
        options = LinkOptions("127.0.0.1", port, "centre", protocol)
        self.listener = Listener(
            options,
            self.centre,
            self.events.append,
            acknowledge=acknowledge,
            rng=random.Random(2),
        )

    async def received(self, count: int) -> Counter[int]:
        """How often each event has come, once `count` different ones have."""
        await until(lambda: len(self.seqs) >= count)
        return self.seqs

    @property
    def seqs(self) -> Counter[int]:
        """How often each event has come."""
        return Counter(event.seq for event in self.events)


@asynccontextmanager
async def listening(
    port: int, *, protocol: Protocol = Protocol.V5, confirm: Confirm = Confirm.BROKER
) -> AsyncIterator[Listening]:
    """A centre that is connected when the block begins."""
    there = Listening(port, protocol=protocol, acknowledge=confirm is Confirm.CENTRE)
    async with attended(there.listener):
        yield there
