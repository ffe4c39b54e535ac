"""Puts rows into messages on one link and keeps account of those in flight."""

import asyncio
from collections.abc import Callable, Sequence

from gateway.config import Compress
from gateway.journal import Row
from gateway.topics import Topics
from gateway.uplink.allowance import Allowance
from gateway.uplink.link import Link
from gateway.uplink.packing import Order, Packed, Ratio, choose
from gateway.uplink.streams import Pacing, Stream, Streams
from gateway.uplink.tally import Parcel
from gateway.uplink.throughput import Throughput

_EVENT = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"


class Post:
    """Sends for one link; `answered` is called whenever an acknowledgement has come."""

    def __init__(
        self,
        link: Link,
        topics: Topics,
        streams: Streams,
        pacing: Pacing,
        compress: Compress,
        answered: Callable[[], None],
    ) -> None:
        self.accepts: Sequence[str] = ()
        """The encodings that the centre has said it reads."""
        self._link = link
        self._topics = topics
        self._streams = streams
        self._largest = min(pacing.batch_bytes, link.limits.payload)
        self._compress = compress
        self._answered = answered
        self._throughput = Throughput(pacing.batch_window * pacing.batch_bytes)
        self._allowance = Allowance(pacing.messages_per_s, pacing.bytes_per_s)
        self._ratio = Ratio()
        self._flying: dict[Parcel, asyncio.Future[int]] = {}

    @property
    def flying(self) -> list[Parcel]:
        """The messages in flight, oldest first."""
        return list(self._flying)

    def order(self, rows: int) -> Order:
        """What the next batch may be, with `rows` at most; of no bytes if none may go now."""
        room = self._throughput.room(self._largest)
        encoding = choose(self._compress, self.accepts)
        plain_bytes = self._ratio.plain_bytes(room) if encoding else room
        return Order(rows, plain_bytes, encoding, self._largest)

    def ready_at(self, now: float) -> float:
        """When the service's rates allow the next message."""
        return self._allowance.ready_at(now, urgent=bool(self._streams.alarms))

    def send_single(self, stream: Stream, row: Row) -> None:
        """Send `row` as a message of its own."""
        topic = self._topics.alarm if stream is Stream.ALARM else self._topics.event
        parcel = Parcel(
            stream, [row.seq], row.body, len(row.body), asyncio.get_running_loop().time(), row
        )
        self._send(parcel, topic(row.kind), row.body, _EVENT, None)

    def send_batch(self, packed: Packed) -> None:
        """Send what was packed as a batch."""
        size = len(packed.payload)
        if packed.encoding:
            self._ratio.note(packed.plain_bytes, size)
        self._throughput.sent(size)
        parcel = Parcel(
            Stream.BATCH, packed.numbers, packed.first, size, asyncio.get_running_loop().time()
        )
        self._send(parcel, self._topics.batch, packed.payload, _BATCH, packed.encoding)

    def has_room_beside(self, now: float) -> bool:
        """Whether something that is no event may go now."""
        return self._streams.room_beside() and self.ready_at(now) <= now

    def has_room_for_answer(self, now: float) -> bool:
        """Whether an answer may go now; it does not wait for events that nobody takes."""
        return self._streams.free() > 0 and self.ready_at(now) <= now

    def send_beside(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        expires_s: int | None = None,
        correlation: bytes | None = None,
    ) -> asyncio.Future[int]:
        """Send something that is no event; until it is answered it has a place of the window."""
        answer = self._link.publish(
            topic,
            payload,
            retain=retain,
            content_type=_EVENT,
            expires_s=expires_s,
            correlation=correlation,
        )
        self._allowance.spend(len(payload), asyncio.get_running_loop().time())
        if not answer.done():
            self._streams.beside += 1
            answer.add_done_callback(self._beside_answered)
        return answer

    def _beside_answered(self, _: asyncio.Future[int]) -> None:
        self._streams.beside -= 1
        self._answered()

    def collect(self, now: float) -> list[tuple[Parcel, int]]:
        """The messages that have been answered, with their reason codes.

        Raises:
            LinkError: the link has ended.
        """
        done = [(parcel, each.result()) for parcel, each in self._flying.items() if each.done()]
        for parcel, _ in done:
            del self._flying[parcel]
            self._streams.in_flight[Stream(parcel.stream)] -= 1
            if parcel.stream == Stream.BATCH:
                self._throughput.batch_answered(parcel.size, sent_at=parcel.sent_at, now=now)
            else:
                self._throughput.note_round_trip(now - parcel.sent_at)
        return done

    def _send(
        self, parcel: Parcel, topic: str, payload: bytes, content_type: str, encoding: str | None
    ) -> None:
        answer = self._link.publish(topic, payload, content_type=content_type, encoding=encoding)
        answer.add_done_callback(lambda _: self._answered())
        self._flying[parcel] = answer
        self._allowance.spend(parcel.size, parcel.sent_at)
        self._streams.sent(Stream(parcel.stream))
