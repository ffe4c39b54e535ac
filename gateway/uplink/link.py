"""One MQTT connection, from CONNECT to its end; a new one is made for every attempt.

paho forgets three duties: Receive Maximum, Maximum Packet Size, and an acknowledgement that never
comes. They are done here. Both ends use this: the gateway and the centre.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from paho.mqtt.client import DisconnectFlags, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.config import Protocol
from gateway.errors import LinkError
from gateway.messages import Message, Take
from gateway.uplink.client import LinkClient, LinkOptions, packet_properties
from gateway.uplink.dial import dial
from gateway.uplink.inflight import InFlight
from gateway.uplink.pump import Pump
from gateway.uplink.tls import alert_of

PACKET_TOO_LARGE = 0x95
"""MQTT 5, 2.4; also the answer of `Link.publish` to what it does not even send."""

_UNAUTHORISED = frozenset({0x86, 0x87})
"""Bad user name or password, not authorised; paho translates 3.1.1's 4 and 5 to these."""

_TAKEN_OVER = 0x8E
"""DISCONNECT: another client has connected with this one's id; MQTT 5, 3.14.2.1."""

_SILENCE = 1.4
"""Times the keep-alive without a byte: after one a PINGREQ was sent. paho itself waits for 2."""

FAILURE = 0x80
"""Reason codes from here on are failures; MQTT 5, 2.4."""

_OVERHEAD = 192
"""Bytes of a PUBLISH besides its payload, at most: header 5, topic 2 + 64, id 2, properties."""

_LARGEST_PACKET = 268_435_455
"""What MQTT's four length bytes can say."""

_DISCONNECT_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be sent: messages in flight, bytes of one payload, whether retained; and after how
    many seconds without a message the broker is asked whether it is there."""

    window: int
    payload: int
    retain: bool
    keepalive_s: int


class Link:
    """One connection; thrown away when it ends, with everything that was in flight on it."""

    def __init__(self, options: LinkOptions) -> None:
        self._options = options
        self._client = LinkClient(options)
        self._pump = Pump(self._client, self._watch)
        self._in_flight = InFlight()
        loop = asyncio.get_running_loop()
        self._limits: asyncio.Future[Limits] = loop.create_future()
        self._end: asyncio.Future[LinkError] = loop.create_future()

    @property
    def limits(self) -> Limits:
        """What the broker allows, once the link is open."""
        return self._limits.result()

    @property
    def in_flight(self) -> int:
        """Messages that are not acknowledged yet."""
        return len(self._in_flight)

    async def open(self) -> None:
        """Connect, and wait until the broker has accepted.

        Raises:
            LinkError: it cannot be reached, or refuses.
        """
        options = self._options
        try:
            async with asyncio.timeout(options.opening_s):
                sock = await dial(options.host, options.port, options.tls)
                self._start(sock)
                answers: list[asyncio.Future[Any]] = [self._limits, self._end]
                await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise LinkError(f"{options.host} port {options.port}: no answer") from error
        if self._end.done():
            raise self._end.result()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        content_type: str | None = None,
        encoding: str | None = None,
        expires_s: int | None = None,
        correlation: bytes | None = None,
    ) -> asyncio.Future[int]:
        """Send with QoS 1; the result is the reason code of the PUBACK, 0 on MQTT 3.1.1.

        With `expires_s` it goes with QoS 0, the result is 0 at once, and no broker keeps it longer.
        The caller keeps within `limits.window`. MQTT 3.1.1 cannot carry the last four.

        Raises:
            LinkError: the link has ended; the future raises it when it ends later.
        """
        if self._end.done():
            raise self._end.result()
        if len(payload) > self.limits.payload:
            return self._in_flight.answered(PACKET_TOO_LARGE)
        typed = content_type is not None and self._options.protocol is Protocol.V5
        info = self._client.publish(
            topic,
            payload,
            qos=1 if expires_s is None else 0,
            retain=retain and self.limits.retain,
            properties=_content(content_type, encoding, expires_s, correlation) if typed else None,
        )
        return self._in_flight.add(info.mid) if expires_s is None else self._in_flight.answered(0)

    async def subscribe(self, topic_filter: str, on_message: Take) -> bool:
        """Ask for messages with QoS 1, which `on_message` will get; whether the broker agrees.

        Raises:
            LinkError: the link has ended.
        """
        self._client.on_message = lambda _c, _u, message: _hand_over(message, on_message)
        v5 = self._options.protocol is Protocol.V5
        wish: Any = (topic_filter, SubscribeOptions(qos=1)) if v5 else (topic_filter, 1)
        _, mid = self._client.subscribe([wish])
        if mid is None:
            raise self._end.result()
        return await self._in_flight.add(mid) < FAILURE

    async def until_lost(self) -> NoReturn:
        """Wait for the end of the link.

        Raises:
            LinkError: always.
        """
        raise await asyncio.shield(self._end)

    async def disconnect(self) -> None:
        """Say goodbye, so that the broker does not publish the will."""
        self._client.disconnect()
        await asyncio.wait([self._end], timeout=_DISCONNECT_S)

    def close(self, error: LinkError | None = None) -> None:
        """End it here and now, if it has not ended; what is in flight fails with `error`."""
        if self._end.done():
            return
        error = error or LinkError("closed")
        self._end.set_result(error)
        self._in_flight.fail(error)
        self._pump.stop()

    def _start(self, sock: socket.socket) -> None:
        client = self._client
        client.on_connect = self._connected
        client.on_disconnect = lambda _c, _u, flags, reason, _p: self.close(
            _farewell(flags, reason, self._options.client_id, alert_of(sock))
        )
        client.on_publish = lambda _c, _u, mid, code, _p: self._in_flight.settle(mid, code.value)
        client.on_subscribe = lambda _c, _u, mid, codes, _p: self._in_flight.settle(
            mid, max((code.value for code in codes), default=FAILURE)
        )
        self._pump.start()
        client.connect_over(sock)

    def _connected(
        self, _client: Any, _userdata: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            unauthorised = reason.value in _UNAUTHORISED
            self.close(LinkError(f"the broker refuses: {reason}", unauthorised=unauthorised))
        elif getattr(properties, "MaximumQoS", 1) < 1:
            self.close(LinkError("the broker acknowledges nothing (QoS 0 only)"))
        elif not self._limits.done():
            self._client.keep_own_pace()
            limits = _limits(properties, self._options, self._client.keepalive)
            self._limits.set_result(limits)

    def _watch(self) -> None:
        silent_s = self._pump.silent_s
        if silent_s > _SILENCE * self._client.keepalive:
            self.close(LinkError(f"the broker has been silent for {silent_s:.0f} s"))
        if self._in_flight.oldest_s() > self._options.ack_timeout_s:
            self.close(LinkError(f"no acknowledgement for {self._options.ack_timeout_s:g} s"))


@asynccontextmanager
async def open_link(options: LinkOptions) -> AsyncIterator[Link]:
    """An open link that is closed in any case at the end.

    Raises:
        LinkError: the broker cannot be reached, or refuses.
    """
    link = Link(options)
    try:
        await link.open()
        yield link
    finally:
        link.close()


async def run_on(link: Link, *work: Coroutine[Any, Any, None], until: asyncio.Event) -> None:
    """Run `work` side by side until `until` is set; then it is cancelled.

    Raises:
        LinkError: the link has ended before that.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in (link.until_lost(), *work)]
            await until.wait()
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failures:
        _, others = failures.split(LinkError)
        if others is not None:
            raise
        raise failures.exceptions[0] from None


def _farewell(
    flags: DisconnectFlags, reason: ReasonCode, name: str, alert: str | None
) -> LinkError:
    if alert is not None:
        # Of TLS 1.3 the refusal comes after the handshake. It is as final as a wrong password.
        return LinkError(f"the broker refuses our certificate: {alert}", unauthorised=True)
    if not flags.is_disconnect_packet_from_server:
        return LinkError("the connection was lost")
    if reason.value == _TAKEN_OVER:
        advice = "the broker can prevent it by taking the user name for the client id"
        return LinkError(f'somebody else has connected as "{name}"; {advice}', rival=True)
    return LinkError(f"the broker ended it: {reason}")


def _hand_over(message: MQTTMessage, on_message: Take) -> None:
    try:
        topic = message.topic
    except UnicodeDecodeError:  # paho decodes here; a sound broker lets no such topic through
        return
    told = message.properties
    on_message(
        Message(
            topic,
            bytes(message.payload),
            bool(message.retain),
            getattr(told, "ResponseTopic", None),
            getattr(told, "CorrelationData", None),
            getattr(told, "MessageExpiryInterval", None),
        )
    )


def _limits(properties: Properties, options: LinkOptions, keepalive_s: int) -> Limits:
    largest = getattr(properties, "MaximumPacketSize", _LARGEST_PACKET)
    return Limits(
        window=min(options.window, getattr(properties, "ReceiveMaximum", options.window)),
        payload=min(options.payload_bytes, max(0, largest - _OVERHEAD)),
        retain=options.retain and bool(getattr(properties, "RetainAvailable", 1)),
        keepalive_s=keepalive_s,
    )


@lru_cache(maxsize=32)
def _content(
    content_type: str, encoding: str | None, expires_s: int | None, correlation: bytes | None
) -> Properties:
    values: dict[str, Any] = {"ContentType": content_type}
    if encoding:
        values["UserProperty"] = ("encoding", encoding)
    if expires_s is not None:
        values["MessageExpiryInterval"] = expires_s
    if correlation is not None:
        values["CorrelationData"] = correlation
    return packet_properties(PacketTypes.PUBLISH, **values)
