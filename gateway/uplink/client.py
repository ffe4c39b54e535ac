"""paho's client as this program uses it: one connection, on a socket that was opened elsewhere."""

import socket
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.config import Protocol
from gateway.uplink.tls import Tls


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, when this end vanishes."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How to connect. `window` is the largest number of messages in flight,
    `payload_bytes` the largest payload, `retain` whether the broker retains."""

    host: str
    port: int
    client_id: str
    protocol: Protocol = Protocol.V5
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    keepalive_s: int = 30
    ack_timeout_s: float = 30.0
    opening_s: float = 15.0
    """For name, TCP, TLS and CONNACK together."""
    window: int = 20
    payload_bytes: int = 120 * 1024
    retain: bool = True
    will: Will | None = None
    session_expiry_s: int = 0
    """How long the broker keeps the subscriptions of an absent end; 0 makes a clean session."""


class LinkClient(mqtt.Client):
    """A client whose socket is given to it.

    paho has no public way to be given a socket, nor to ping more often than the broker wishes:
    `_create_socket` and `_keepalive` are the private parts of it that this program touches, and
    the tests on brokers would notice if they went away.
    """

    def __init__(self, options: LinkOptions) -> None:
        self._options = options
        self._given: socket.socket | None = None
        v5 = options.protocol is Protocol.V5
        super().__init__(
            CallbackAPIVersion.VERSION2,
            options.client_id,
            clean_session=None if v5 else not options.session_expiry_s,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,  # or it answers a refused version by connecting again
        )
        self.max_inflight_messages = 0  # paho's own limit is off: the publisher keeps the window

    def connect_over(self, sock: socket.socket) -> None:
        """Send CONNECT over `sock`, which is connected already."""
        self._given = sock
        options = self._options
        if options.username is not None:
            self.username_pw_set(options.username, options.password)
        if options.will is not None:
            self.will_set(options.will.topic, options.will.payload, qos=1, retain=True)
        if options.protocol is Protocol.V5:
            self.connect(
                options.host,
                options.port,
                options.keepalive_s,
                clean_start=not options.session_expiry_s,
                properties=packet_properties(
                    PacketTypes.CONNECT, SessionExpiryInterval=options.session_expiry_s
                ),
            )
        else:
            self.connect(options.host, options.port, options.keepalive_s)

    def keep_own_pace(self) -> None:
        """Ping as often as was asked for here, if the broker's CONNACK asks for less."""
        asked = self._options.keepalive_s
        self._keepalive = min(self._keepalive or asked, asked)

    def _create_socket(self) -> socket.socket:
        assert self._given is not None
        return self._given


def packet_properties(packet_type: int, **values: Any) -> Properties:
    """MQTT 5 properties for a packet of `packet_type`, named as in paho."""
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
