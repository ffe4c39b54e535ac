"""What comes down for other parts of the gateway, and what these answer."""

import asyncio
import logging
from collections import Counter
from functools import partial
from typing import NoReturn

from gateway.errors import LinkError
from gateway.messages import Down, Reply, Take
from gateway.uplink.link import FAILURE, Link
from gateway.uplink.post import Post

_log = logging.getLogger(__name__)

_COINCIDENCES = 1
"""Links that end just when something is subscribed to; so many in a row may be chance."""
_LOOK_S = 0.05
"""Between looks whether there is room for an answer."""


class Downlink:
    """Listens and answers on one link after the other.

    A broker of MQTT 3.1.1, and some of MQTT 5, end the connection over a subscription that they do
    not allow. Events must not suffer for it: then that one is left out.
    """

    def __init__(self, down: Down) -> None:
        self._down = down
        self._ended: Counter[str] = Counter()

    @property
    def topics(self) -> list[str]:
        """What will be subscribed to."""
        return [topic for topic in self._down.takers if self._ended[topic] <= _COINCIDENCES]

    async def listen(self, link: Link, take: Take) -> None:
        """Subscribe to all that somebody takes.

        Raises:
            LinkError: the link has ended.
        """
        for topic in self.topics:
            await self._listen(link, topic, take)

    async def answer(self, link: Link, post: Post) -> NoReturn:
        """Send the answers until cancelled.

        Raises:
            LinkError: the link has ended.
        """
        replies, loop = self._down.replies, asyncio.get_running_loop()
        while True:
            reply = await replies.next()
            if post.has_room_for_answer(loop.time()):
                _send(reply, link.limits.payload, post)
                replies.sent(reply)
            else:
                await asyncio.sleep(_LOOK_S)

    async def _listen(self, link: Link, topic: str, take: Take) -> None:
        try:
            agreed = await link.subscribe(topic, take)
        except LinkError:
            self._ended[topic] += 1
            if self._ended[topic] > _COINCIDENCES:
                _log.warning("links end over the subscription to %s, which is left out", topic)
            raise
        del self._ended[topic]
        if not agreed:
            _log.warning("the broker refuses the subscription to %s", topic)


def _send(reply: Reply, most_bytes: int, post: Post) -> None:
    payload = reply.payload if len(reply.payload) <= most_bytes else reply.brief
    answer = post.send_beside(reply.topic, payload, correlation=reply.correlation)
    answer.add_done_callback(partial(_note, reply.topic))


def _note(topic: str, answer: asyncio.Future[int]) -> None:
    if not answer.cancelled() and not answer.exception() and answer.result() >= FAILURE:
        _log.warning("the broker takes no answer on %s: reason 0x%02x", topic, answer.result())
