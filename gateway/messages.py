"""What comes down to this gateway and what it answers, between the uplink and whoever it is for."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """As it came from the broker; what only MQTT 5 can tell is None on 3.1.1."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool = False
    """The broker had kept it: nobody knows for how long."""
    reply_to: str | None = None
    """Where whoever sent it wants an answer."""
    correlation: bytes | None = None
    """What that answer has to repeat."""
    expires_s: int | None = None
    """How much of its time was left, by the broker's word."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `brief` goes in place of a `payload` that the broker would not take."""

    topic: str
    payload: bytes
    brief: bytes
    correlation: bytes | None = None


class Replies:
    """Answers that wait for a link, for one that ends, or for a place in flight."""

    MOST = 32
    """More than these nobody waits for any more: the oldest goes."""

    def __init__(self) -> None:
        self._waiting: deque[Reply] = deque(maxlen=self.MOST)
        self._news = asyncio.Event()
        self._gone = asyncio.Event()

    def put(self, reply: Reply) -> None:
        """Have `reply` sent."""
        self._waiting.append(reply)
        self._news.set()

    async def next(self) -> Reply:
        """Wait for an answer to send; it stays the next one until it is `sent`."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting[0]

    def sent(self, reply: Reply) -> None:
        """`reply` is on its way."""
        if reply in self._waiting:
            self._waiting.remove(reply)
        self._gone.set()

    async def flushed(self) -> None:
        """Wait until all of them are on their way."""
        while self._waiting:
            self._gone.clear()
            await self._gone.wait()


Versions = Callable[[], Mapping[str, str]]
"""What the gateway works by besides its configuration: the version in force, by name."""

Take = Callable[[Message], None]
"""Takes a message; neither waits nor raises."""


@dataclass(frozen=True, slots=True)
class Down:
    """What of the way down is not the uplink's own business."""

    takers: dict[str, Take] = field(default_factory=dict)
    """Who takes what comes on which topic; `+` stands for any one level."""
    replies: Replies = field(default_factory=Replies)
    versions: Versions = dict
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """To be set when the gateway has something new to say of itself in another birth."""
    born: Callable[[str, int], None] = lambda _epoch, _session: None
    """Called when the birth of a session is about to be said: whoever names it has heard that."""
