"""Connects the rule book to a broker: listens, keeps what came, and only then answers."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from pydantic_core import to_json

from gateway.centre.rules import Centre, Event
from gateway.centre.unpacking import accepted_encodings
from gateway.errors import LinkError
from gateway.messages import Message
from gateway.topics import CENTRE_STATE, EVERY_GATEWAY
from gateway.uplink.client import LinkOptions, Will
from gateway.uplink.link import Link, open_link, run_on
from gateway.uplink.reconnect import LinkState, Reconnector, Waits

Keep = Callable[[], Awaitable[None]]


async def _in_memory() -> None:
    """For a centre that ends with its process."""


class Listener:
    """Feeds a `Centre` from a broker, and answers for it where it is asked to.

    `keep` makes durable all that `on_event` had been given when it is called: an answer names
    nothing else, for that is what confirmation means.
    """

    PAUSE_S = 0.05
    """Between two answers: a rush is kept and answered as a whole, a single event at once."""
    LOOK_S = 1.0
    """How often holes are looked for while nothing arrives."""

    def __init__(
        self,
        options: LinkOptions,
        centre: Centre,
        on_event: Callable[[Event], None],
        *,
        acknowledge: bool,
        keep: Keep | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._options = replace(options, will=Will(CENTRE_STATE, b'{"state":"lost"}'))
        self._centre = centre
        self._on_event = on_event
        self._acknowledge = acknowledge
        self._keep = keep or _in_memory
        self._news = asyncio.Event()
        self._reconnector = Reconnector(
            f"{options.host} port {options.port}", Waits(rng or random.Random())
        )

    @property
    def link(self) -> LinkState:
        """How the link is."""
        return self._reconnector.state

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set."""
        await self._reconnector.run(lambda: self._session(stop), stop)

    async def _session(self, stop: asyncio.Event) -> None:
        async with open_link(self._options) as link:
            if not await link.subscribe(EVERY_GATEWAY, self._receive):
                raise LinkError(f"the broker refuses the subscription to {EVERY_GATEWAY}")
            online = to_json({"state": "online", "accepts": accepted_encodings()})
            await link.publish(CENTRE_STATE, online, retain=True)
            self._reconnector.connected()
            try:
                await run_on(link, self._answer(link), until=stop)
            finally:
                await self._keep()  # no answer is due, but the broker will not send it again
            await link.publish(CENTRE_STATE, b'{"state":"offline"}', retain=True)
            await link.disconnect()

    def _receive(self, message: Message) -> None:
        for event in self._centre.accept(message.topic, message.payload):
            self._on_event(event)
        self._news.set()

    async def _answer(self, link: Link) -> None:
        while self._acknowledge:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.LOOK_S):
                    await self._news.wait()
            self._news.clear()
            acks = list(self._centre.acks(asyncio.get_running_loop().time()))
            await self._keep()  # nothing is received between these two lines
            for topic, document in acks:
                await link.publish(topic, document)
            await asyncio.sleep(self.PAUSE_S)
