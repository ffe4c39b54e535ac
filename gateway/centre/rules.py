"""The rule book, pure: what is new, what came twice, what is missing, what to answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import to_json

from gateway.centre.book import LARGEST_SEQ, Book, declared_by
from gateway.centre.unpacking import decode
from gateway.events import event_id
from gateway.ranges import Range
from gateway.topics import ack_for, gateway_of, is_report

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
    declared: Mapping[Life, Iterable[Range]] = field(default_factory=dict)
    """What was declared lost; some of it may have come all the same."""


class Centre:
    """The rules of the contract's receiving side, for any number of gateways; in memory."""

    def __init__(self, known: Known = Known({}, {}), *, patience_s: float = 30.0) -> None:
        self.gateways = dict(known.gateways)
        """By source; an entry is replaced, never changed."""
        self.duplicates = 0
        self.rejected = 0
        """Messages and events that break the contract."""
        self._patience_s = patience_s
        self._books = {
            life: Book(known.table.get(life, ()), known.declared.get(life, ()))
            for life in {**known.table, **known.declared}
        }

    @property
    def states(self) -> dict[str, Mapping[str, Any]]:
        """Last state message's data, by source."""
        found = {source: each.state for source, each in self.gateways.items()}
        return {source: state for source, state in found.items() if state is not None}

    def accept(self, topic: str, payload: bytes) -> list[Event]:
        """The records in a message, whether one, a batch, or none; never raises."""
        if is_report(topic):
            return []
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
        """Sequence numbers below the highest received that are still awaited."""
        book = self._books.get((source, epoch))
        return book.holes if book else []

    def given_up(self) -> dict[Life, list[Range]]:
        """All that was declared lost and has not come, by source and epoch."""
        return {life: book.lost for life, book in self._books.items() if book.lost}

    def table(self) -> dict[Life, list[Range]]:
        """All that has come, by source and epoch."""
        return {life: list(book.have) for life, book in self._books.items() if book.have}

    def acks(self, now: float) -> Iterator[tuple[str, bytes]]:
        """Topic and document for every gateway that waits for an answer; `now` in seconds."""
        for (source, epoch), book in self._books.items():
            for answer in book.answers(now, self._patience_s):
                yield self.gateways[source].ack_topic, to_json({"epoch": epoch, **answer})

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
        self._meet(envelope.source, ack_topic)
        new = self._book(envelope.source, epoch).enter(seq)
        self.duplicates += not new
        if declared := declared_by(content):
            self._book(envelope.source, declared[0]).give_up(declared[1])
        return Event(envelope.source, epoch, seq, not new, content)

    def _note_state(self, source: str, document: Any, ack_topic: str) -> None:
        data = document.get("data") if isinstance(document, dict) else None
        if not isinstance(data, dict):
            self.rejected += 1
            return
        self.gateways[source] = Gateway(ack_topic, data)
        if data.get("state") != "birth":
            return
        # A birth is also a question: what has come of this life, and of former ones?
        epoch, last = data.get("epoch"), data.get("last_seq")
        if isinstance(epoch, str) and isinstance(last, int) and 0 <= last <= LARGEST_SEQ:
            self._book(source, epoch).announced = last
            self._book(source, epoch).ask()
        self._answer_all(source)

    def _meet(self, source: str, ack_topic: str) -> None:
        """It may have been moved to another place."""
        known = self.gateways.get(source)
        if known is None or known.ack_topic != ack_topic:
            self.gateways[source] = Gateway(ack_topic, known.state if known else None)

    def _answer_all(self, source: str) -> None:
        for (owner, _), book in self._books.items():
            if owner == source and book.have:
                book.ask()

    def _book(self, source: str, epoch: str) -> Book:
        return self._books.setdefault((source, epoch), Book())
