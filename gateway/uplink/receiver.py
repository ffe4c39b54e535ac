"""What comes down from the centre, checked before anybody acts on it; nothing in here raises."""

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from paho.mqtt.client import topic_matches_sub
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.journal import Journal
from gateway.messages import Message, Take
from gateway.ranges import Range
from gateway.topics import CENTRE_STATE

_log = logging.getLogger(__name__)

_LARGEST_ACK = 64 * 1024
_LARGEST_SEQ = 2**53
"""Beyond it JSON readers disagree about integers."""
_Seq = Annotated[int, Field(ge=0, le=_LARGEST_SEQ)]
_Ranges = Annotated[list[tuple[_Seq, _Seq]], Field(max_length=1000)]


class Ack(BaseModel):
    """`down/ack`: what the centre has committed, and what it asks for again.

    Everything up to `upto`, and the ranges `have` beyond it, are safe; `missing` is wanted.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    epoch: str
    upto: _Seq = 0
    have: _Ranges = []
    missing: _Ranges = []

    @property
    def safe(self) -> list[Range]:
        """What the centre has committed."""
        return [(1, self.upto), *self.have] if self.upto else list(self.have)

    def fault(self, journal: Journal) -> str | None:
        """Why this cannot be about `journal`; None if it can."""
        last = journal.last_seq
        if self.epoch in journal.carried.epochs:
            last = _LARGEST_SEQ
        elif self.epoch != journal.epoch:
            return "it is about another epoch"
        if any(not 1 <= first <= end <= last for first, end in [*self.safe, *self.missing]):
            return "it names events that do not exist"
        return None


class CentreState(BaseModel):
    """`cg1/_centre/state`: whether the centre is there, and what it can read."""

    model_config = ConfigDict(frozen=True, strict=True)

    state: str
    accepts: Annotated[list[str], Field(max_length=20)] = []
    """Encodings of batches."""


class Confirming(Protocol):
    """Who acts on what the centre says: the sender of the link it came by."""

    def acknowledged(self, ack: Ack) -> None:
        """Some events are safe, others are wanted again."""

    def accepted(self, encodings: Sequence[str]) -> None:
        """The centre reads batches that are encoded so."""


class Receiver:
    """Takes messages from the link to whom they are for; counts what it cannot use."""

    def __init__(
        self, journal: Journal, ack_topic: str, takers: Mapping[str, Take] | None = None
    ) -> None:
        self._journal = journal
        self._ack_topic = ack_topic
        self._takers = takers or {}
        self.refused = 0

    def receive(self, sender: Confirming, message: Message) -> None:
        """Act on one message for the link that `sender` serves, or hand it on."""
        topic, payload = message.topic, message.payload
        if topic not in (self._ack_topic, CENTRE_STATE):
            self._hand_on(message)
            return
        if len(payload) > _LARGEST_ACK:
            self._refuse(topic, "it is too large")
            return
        try:
            if topic == CENTRE_STATE:
                sender.accepted(CentreState.model_validate_json(payload).accepts)
                return
            ack = Ack.model_validate_json(payload)
        except ValidationError as error:
            self._refuse(topic, error.errors(include_input=False, include_url=False)[0]["msg"])
            return
        fault = ack.fault(self._journal)
        if fault is not None:
            self._refuse(topic, fault)
            return
        sender.acknowledged(ack)

    def _hand_on(self, message: Message) -> None:
        for wanted, take in self._takers.items():
            if topic_matches_sub(wanted, message.topic):
                take(message)
                return
        self._refuse(message.topic, "nobody asked for this topic")

    def _refuse(self, topic: str, why: str) -> None:
        # Once as a warning: whoever sends nonsense a thousand times must not fill the disk.
        level = logging.DEBUG if self.refused else logging.WARNING
        self.refused += 1
        _log.log(level, "a message on %s is not used: %s", topic, why)
