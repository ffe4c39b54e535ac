"""What kinds of brokers allow, as their makers document it; behind `[uplink] profile`."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.config import Profile, Protocol, UplinkConfig

_BOTH = (Protocol.V5, Protocol.V311)
_OLD = (Protocol.V311,)


@dataclass(frozen=True, slots=True)
class Service:
    """The limits of one kind of broker; what its CONNACK says counts besides."""

    protocols: tuple[Protocol, ...] = _BOTH
    message_bytes: int = 120 * 1024
    """Of one payload as it is sent, so after compression."""
    window: int = 20
    """Messages in flight."""
    topic_chars: int = 65_535
    topic_slashes: int = 65_535
    messages_per_s: float = math.inf
    bytes_per_s: float = math.inf
    will: bool = True
    retain: bool = True
    keepalive_s: tuple[int, int] = (5, 300)
    """The shortest and the longest that is accepted."""


SERVICES: Mapping[Profile, Service] = {
    Profile.GENERIC: Service(),
    # docs.aws.amazon.com/general/latest/gr/iot-core.html: message 128 KB, topic 256 bytes, 7
    # slashes, 100 publishes a second and 512 KB/s for one connection, keep-alive 30 to 1200 s.
    Profile.AWS: Service(
        topic_chars=256,
        topic_slashes=7,
        messages_per_s=100,
        bytes_per_s=512 * 1024,
        keepalive_s=(30, 300),
    ),
    # alibabacloud.com/help/en/apsaramq-for-mqtt (limits; MQTT 5.0 overview): topic 64 characters,
    # payload 64 KB, 20 messages a second from one client advised, no will, nothing retained.
    Profile.ALIYUN: Service(
        message_bytes=60 * 1024, topic_chars=64, messages_per_s=20, will=False, retain=False
    ),
    # cloud.tencent.com/document/product/634 (limits): message 16 KB with its head, topic 255
    # bytes, 30 messages a second from one device; nothing is said to be retained, and no MQTT 5.
    Profile.TENCENT: Service(
        protocols=_OLD,
        message_bytes=14 * 1024,
        topic_chars=255,
        messages_per_s=30,
        retain=False,
    ),
    # support.huaweicloud.com/devg-iothub/iot_02_2200.html: message 1 MB, topic 128 bytes, 50
    # messages and 1 MB a second from one connection, keep-alive 30 to 1200 s, no will, no retain.
    Profile.HUAWEI: Service(
        topic_chars=128,
        messages_per_s=50,
        bytes_per_s=1 << 20,
        will=False,
        retain=False,
        keepalive_s=(30, 300),
    ),
    # open.iot.10086.cn/doc (MQTT): 3.1.1, no will, nothing retained. It states neither a size nor
    # a rate for one device: those of the narrowest of its neighbours.
    Profile.ONENET: Service(
        protocols=_OLD,
        message_bytes=14 * 1024,
        topic_chars=128,
        messages_per_s=20,
        will=False,
        retain=False,
    ),
    # rabbitmq.com/docs/mqtt: 3.1.1, and 5 from version 3.13 on, which the CONNACK shows.
    Profile.RABBITMQ: Service(),
    # docs.nats.io (MQTT): 3.1.1 only; max_payload is 1 MB unless it was changed.
    Profile.NATS: Service(protocols=_OLD),
}


def contradictions(uplink: UplinkConfig) -> Iterator[tuple[str, str]]:
    """Options that the profile's service cannot have: name, and what is wrong with it."""
    service = SERVICES[uplink.profile]
    if uplink.protocol not in service.protocols:
        wanted = " or ".join(f'"{each}"' for each in service.protocols)
        text = f'found "{uplink.protocol}"; the profile "{uplink.profile}" speaks {wanted} only'
        yield "protocol", text
    least, most = service.keepalive_s
    if not least <= uplink.keepalive_s <= most:
        yield (
            "keepalive_s",
            f'found {uplink.keepalive_s}; the profile "{uplink.profile}" takes {least} to {most}',
        )


def allowed(uplink: UplinkConfig) -> Service:
    """The profile's limits with the options that were set instead."""
    service = SERVICES[uplink.profile]
    return replace(
        service,
        message_bytes=uplink.message_bytes or service.message_bytes,
        window=uplink.window or service.window,
        messages_per_s=uplink.messages_per_s or service.messages_per_s,
        will=service.will if uplink.will is None else uplink.will,
        retain=service.retain if uplink.retain is None else uplink.retain,
    )
