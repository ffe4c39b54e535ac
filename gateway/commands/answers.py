"""Answers to orders: where they go, and what they say."""

import secrets
from typing import Any

from gateway.clock import Clock
from gateway.commands.order import Outcome
from gateway.config import Place
from gateway.messages import Message, Replies, Reply
from gateway.statements import encode_report
from gateway.topics import Topics

_LONGEST_CORRELATION = 256


class Answers:
    """Go where the order wants them, if that is in this gateway's own `up/reply`."""

    def __init__(self, place: Place, clock: Clock, replies: Replies) -> None:
        self.replies = replies
        self._source = place.source
        self._topics = Topics(place)
        self._clock = clock

    def give(self, message: Message, name: str, outcome: Outcome) -> None:
        """Answer the order `name` that came in `message`."""
        said: dict[str, Any] = {"id": name, "status": outcome.status, "text": outcome.text}
        correlation = message.correlation
        if correlation is not None and len(correlation) > _LONGEST_CORRELATION:
            correlation = None
        reply = Reply(
            self._topics.reply_to(message.reply_to),
            self._encoded({**said, "body": outcome.body} if outcome.body else said),
            self._encoded({**said, "text": f"{outcome.text}; the body is too large for a message"}),
            correlation,
        )
        self.replies.put(reply)

    def _encoded(self, said: dict[str, Any]) -> bytes:
        return encode_report(
            "reply",
            said,
            name=f"reply-{secrets.token_hex(8)}",
            source=self._source,
            subject=None,
            stamp=self._clock.now(),
        )
