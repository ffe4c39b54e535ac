"""The centre's end in a test: a listener while a block lasts, and all that it was given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.centre import Centre, Event, Listener
from gateway.uplink.client import LinkOptions
from tests.brokers import until


class CountingCentre(Centre):
    """The reference receiver; counts whole messages, too, for the window is one of messages."""

    def __init__(self) -> None:
        super().__init__()
        self.repeated_messages = 0
        """Messages in which something came that had come before."""

    def accept(self, topic: str, payload: bytes) -> list[Event]:
        """As the contract says."""
        events = super().accept(topic, payload)
        self.repeated_messages += any(each.duplicate for each in events)
        return events


class Received:
    """What the centre has taken as new, in the order of arrival, and how much came again."""

    def __init__(self, centre: CountingCentre | None = None) -> None:
        self.centre = centre or CountingCentre()
        self.contents: list[dict[str, Any]] = []
        self.duplicates = 0
        self.altered: list[str] = []
        """Ids that came with two different contents."""
        self._by_id: dict[str, dict[str, Any]] = {}

    def take(self, event: Event) -> None:
        """Enter one event."""
        if self._by_id.setdefault(event.content["id"], event.content) != event.content:
            self.altered.append(event.content["id"])
        if event.duplicate:
            self.duplicates += 1
        else:
            self.contents.append(event.content)

    async def more(self, count: int) -> None:
        """Wait until more than `count` new events have arrived."""
        goal = len(self.contents) + count
        await until(lambda: len(self.contents) > goal)

    def seqs(self, epoch: str) -> list[int]:
        """The numbers that have come of one life of a journal, in their own order."""
        ours = [each for each in self.contents if each["id"].startswith(f"{epoch}-")]
        return sorted(int(content["sequence"]) for content in ours)


@asynccontextmanager
async def attended(listener: Listener) -> AsyncIterator[None]:
    """`listener` is connected when the block begins, and stopped when it ends."""
    stop = asyncio.Event()
    task = asyncio.create_task(listener.run(stop))
    try:
        await until(lambda: listener.link.online)
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def listening(
    port: int,
    received: Received,
    *,
    acknowledge: bool = False,
    user: str | None = None,
    password: str | None = None,
) -> AsyncIterator[Received]:
    """A centre on the broker's `port`, for which the broker keeps what comes while it is away."""
    options = LinkOptions(
        "127.0.0.1", port, "centre", username=user, password=password, session_expiry_s=3600
    )
    listener = Listener(options, received.centre, received.take, acknowledge=acknowledge)
    async with attended(listener):
        yield received
