"""A centre that gives orders over a real broker, and takes the answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from paho.mqtt.packettypes import PacketTypes

from gateway.config import Protocol
from gateway.messages import Message
from gateway.uplink.client import LinkOptions, packet_properties
from gateway.uplink.link import Link, open_link
from tests.commands.desks import COMMAND, REPLY
from tests.signers import order


class Ordering:
    """One centre; `answers` are those that have come, oldest first."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.answers: asyncio.Queue[tuple[Message, dict[str, Any]]] = asyncio.Queue()

    def hear(self, message: Message) -> None:
        """Take an answer."""
        self.answers.put_nowait((message, json.loads(message.payload)["data"]))

    async def give(
        self,
        signed: Mapping[str, Any],
        *,
        retain: bool = False,
        **properties: Any,
    ) -> None:
        """Send an order; `properties` are those of MQTT 5, as paho calls them."""
        payload = json.dumps(signed).encode()
        if not properties:
            await self._link.publish(COMMAND, payload, retain=retain)
            return
        # The product never sends these, so its link cannot.
        made = packet_properties(PacketTypes.PUBLISH, **properties)
        self._link._client.publish(COMMAND, payload, qos=1, properties=made)

    async def answer(self, name: str) -> dict[str, Any]:
        """The next answer to the order `name`."""
        async with asyncio.timeout(20):
            while True:
                _, data = await self.answers.get()
                if data["id"] == name:
                    return data

    async def ordered(self, name: str, command: str, **members: Any) -> dict[str, Any]:
        """What comes of an order; where the gateway does not know the time, it is given again, as
        the answer says."""
        signed = order(name, command, **members)
        await self.give(signed)
        answer = await self.answer(name)
        if answer["status"] == 408 and "since" in answer.get("body", {}):
            signed = order(f"{name}-again", command, **members, since=answer["body"]["since"])
            await self.give(signed)
            answer = await self.answer(f"{name}-again")
        return answer | {"signed": signed}


@asynccontextmanager
async def ordering(port: int, protocol: Protocol = Protocol.V5) -> AsyncIterator[Ordering]:
    """A centre on the broker's `port`."""
    async with open_link(LinkOptions("127.0.0.1", port, "orders", protocol)) as link:
        there = Ordering(link)
        assert await link.subscribe(f"{REPLY}/#", there.hear)
        yield there
