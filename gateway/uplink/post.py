"""Puts rows into messages on one link and keeps account of those in flight."""

import asyncio
from collections.abc import Callable, Sequence

from gateway.config import Compress
from gateway.journal import Row
from gateway.topics import Topics
from gateway.uplink.allowance import Allowance
from gateway.uplink.link import Link
from gateway.uplink.packing import Ratio, choose, pack
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

    @property
    def batch_room(self) -> int:
        """How many bytes of rows the next batch may have; 0 if none may go at present."""
        room = self._throughput.room(self._largest)
        return self._ratio.plain_bytes(room) if self._encoding else room

    @property
    def _encoding(self) -> str | None:
        return choose(self._compress, self.accepts)

    def ready_at(self, now: float) -> float:
        """When the service's rates allow the next message."""
        return self._allowance.ready_at(now, urgent=bool(self._streams.alarms))

    def send_single(self, stream: Stream, row: Row) -> None:
        """Send `row` as a message of its own."""
        topic = self._topics.alarm if stream is Stream.ALARM else self._topics.event
        self._send(stream, [row], topic(row.kind), row.body, _EVENT, None)

    def send_batch(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Send `rows` together; returns those for which there was no room after all."""
        payload, encoding = pack(rows, self._encoding)
        left: list[Row] = []
        while len(payload) > self._largest and len(rows) > 1:
            half = len(rows) // 2
            rows, left = rows[:half], [*rows[half:], *left]
            payload, encoding = pack(rows, self._encoding)
        if encoding:
            self._ratio.note(sum(len(row.body) for row in rows), len(payload))
        self._throughput.sent(len(payload))
        self._send(Stream.BATCH, rows, self._topics.batch, payload, _BATCH, encoding)
        return left

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
        self,
        stream: Stream,
        rows: Sequence[Row],
        topic: str,
        payload: bytes,
        content_type: str,
        encoding: str | None,
    ) -> None:
        now = asyncio.get_running_loop().time()
        answer = self._link.publish(topic, payload, content_type=content_type, encoding=encoding)
        answer.add_done_callback(lambda _: self._answered())
        self._flying[Parcel(stream, rows, len(payload), now)] = answer
        self._allowance.spend(len(payload), now)
        self._streams.sent(stream)
