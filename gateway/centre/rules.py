"""The rule book, pure: what is new, what came twice, what is missing, what to answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import to_json

from gateway.centre.unpacking import decode
from gateway.events import event_id
from gateway.ranges import Range, Ranges
from gateway.topics import ack_for, gateway_of

_LARGEST_SEQ = 2**53
_MOST_RANGES = 200
"""In one acknowledgement; what does not fit comes with the next one."""

Life = tuple[str, str]
"""Source and epoch: one journal."""


class _Envelope(BaseModel):
    """The attributes of a record that the rules are about; others may be there."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: str
    source: str
    sequence: Annotated[str, StringConstraints(pattern=r"^[0-9]{12,16}$")]


@dataclass(frozen=True, slots=True)
class Event:
    """A record as it arrived; `content` is the whole CloudEvent."""

    source: str
    epoch: str
    seq: int
    duplicate: bool
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a gateway has said of itself."""

    ack_topic: str
    state: Mapping[str, Any] | None = None
    """Data of its last state message."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a centre knew before: the gateways by source, and all that had come."""

    gateways: Mapping[str, Gateway]
    table: Mapping[Life, Iterable[Range]]


class _Book:
    """What has come of one journal's life."""

    def __init__(self, have: Iterable[Range] = ()) -> None:
        self.have = Ranges.of(have)
        self.announced = 0
        """The number that the gateway said was its last."""
        self.unanswered = False
        self._standing: dict[int, float] = {}

    def overdue(self, now: float, patience_s: float) -> list[Range]:
        """The holes that nobody has been filling for `patience_s`.

        A backlog arrives in ascending order, so the lower end of a hole moves while it is filled.
        """
        holes = list(self.have.gaps(0, max(self.have.last, self.announced)))
        self._standing = {first: self._standing.get(first, now) for first, _ in holes}
        due = [hole for hole in holes if now - self._standing[hole[0]] >= patience_s]
        self._standing |= {first: now for first, _ in due}  # asked; again after as long a time
        return due[:_MOST_RANGES]


class Centre:
    """The rules of the contract's receiving side, for any number of gateways; in memory."""

    def __init__(self, known: Known = Known({}, {}), *, patience_s: float = 30.0) -> None:
        self.gateways = dict(known.gateways)
        """By source; an entry is replaced, never changed."""
        self.duplicates = 0
        self.rejected = 0
        """Messages and events that break the contract."""
        self._patience_s = patience_s
        self._books = {life: _Book(have) for life, have in known.table.items()}

    @property
    def states(self) -> dict[str, Mapping[str, Any]]:
        """Last state message's data, by source."""
        found = {source: each.state for source, each in self.gateways.items()}
        return {source: state for source, state in found.items() if state is not None}

    def accept(self, topic: str, payload: bytes) -> list[Event]:
        """The records in a message, whether one, a batch, or none; never raises."""
        gateway = gateway_of(topic)
        document = decode(payload)
        if gateway is None or document is None:
            self.rejected += 1
            return []
        if topic.endswith("/up/state"):
            self._note_state(f"/gateways/{gateway}", document, ack_for(topic))
            return []
        if topic.endswith("/up/probe"):
            self._answer_all(f"/gateways/{gateway}")
            return []
        contents = document if isinstance(document, list) else [document]
        ack_topic = ack_for(topic)
        events = [self._enter(content, gateway, ack_topic) for content in contents]
        return [event for event in events if event is not None]

    def holes(self, source: str, epoch: str) -> list[Range]:
        """Sequence numbers below the highest received that have not come."""
        book = self._books.get((source, epoch))
        return list(book.have.gaps(0, book.have.last)) if book else []

    def table(self) -> dict[Life, list[Range]]:
        """All that has come, by source and epoch."""
        return {key: list(book.have) for key, book in self._books.items()}

    def acks(self, now: float) -> Iterator[tuple[str, bytes]]:
        """Topic and document for every gateway that waits for an answer; `now` in seconds."""
        for (source, epoch), book in self._books.items():
            missing = book.overdue(now, self._patience_s)
            if book.unanswered or missing:
                book.unanswered = False
                beyond = [each for each in book.have if each[0] > 1][:_MOST_RANGES]
                ack = {"epoch": epoch, "upto": book.have.upto, "have": beyond, "missing": missing}
                yield self.gateways[source].ack_topic, to_json(ack)

    def _enter(self, content: Any, gateway: str, ack_topic: str) -> Event | None:
        try:
            envelope = _Envelope.model_validate(content)
        except ValidationError:
            self.rejected += 1
            return None
        epoch, seq = envelope.id.rpartition("-")[0], int(envelope.sequence)
        # The broker vouches for the topic, so nobody speaks in another gateway's name.
        honest = envelope.source == f"/gateways/{gateway}"
        if not (honest and epoch and seq and envelope.id == event_id(epoch, seq)):
            self.rejected += 1
            return None
        book = self._books.setdefault((envelope.source, epoch), _Book())
        self._meet(envelope.source, ack_topic)
        duplicate = seq in book.have
        self.duplicates += duplicate
        book.have.add(seq, seq)
        book.unanswered = True  # a duplicate may mean that the last answer got lost
        return Event(envelope.source, epoch, seq, duplicate, content)

    def _note_state(self, source: str, document: Any, ack_topic: str) -> None:
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, dict):
            self.rejected += 1
            return
        self.gateways[source] = Gateway(ack_topic, data)
        if data.get("state") == "birth":
            self._answer_birth(source, data)

    def _meet(self, source: str, ack_topic: str) -> None:
        """It may have been moved to another place."""
        known = self.gateways.get(source)
        if known is None or known.ack_topic != ack_topic:
            self.gateways[source] = Gateway(ack_topic, known.state if known else None)

    def _answer_birth(self, source: str, data: dict[str, Any]) -> None:
        """A birth is also a question: what has come of this life, and of former ones?"""
        epoch, last = data.get("epoch"), data.get("last_seq")
        if isinstance(epoch, str) and isinstance(last, int) and 0 <= last <= _LARGEST_SEQ:
            book = self._books.setdefault((source, epoch), _Book())
            book.announced = last
        self._answer_all(source)

    def _answer_all(self, source: str) -> None:
        for (owner, _), book in self._books.items():
            book.unanswered |= owner == source
