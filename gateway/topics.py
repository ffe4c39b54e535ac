"""Topic names: the one place that knows the tree `cg1/…`."""

import re
from collections.abc import Iterable

from gateway.config import LONGEST_TOPIC, Place
from gateway.events import Kind

ROOT = "cg1"
"""The digit is the contract's major version."""

CENTRE_STATE = f"{ROOT}/_centre/state"
"""Retained: whether the centre is there."""

EVERY_GATEWAY = f"{ROOT}/+/+/+/+/up/#"
"""Filter of a centre that listens to all gateways."""

_REPLY_LEVEL = re.compile(r"[A-Za-z0-9_-]{1,32}")
_UP_LEVEL = 5
_GATEWAY_LEVEL = 4


class Topics:
    """The topics of one gateway."""

    def __init__(self, place: Place) -> None:
        self._base = f"{ROOT}/{place.district}/{place.street}/{place.community}/{place.id}"
        self.batch = f"{self._base}/up/batch"
        self.state = f"{self._base}/up/state"
        self.health = f"{self._base}/up/health"
        self.probe = f"{self._base}/up/probe"
        self.foreign = f"{ROOT}/{place.district}/{place.street}/{place.community}/_probe/up/probe"
        """Of a gateway that cannot exist: an id may not begin with `_`."""
        self.reply = f"{self._base}/up/reply"
        self.ack = f"{self._base}/down/ack"
        self.command = f"{self._base}/down/command"
        self.documents = f"{self._base}/down/document/+"
        self.notices = f"{self._base.rpartition('/')[0]}/_all/down/notice"

    def event(self, kind: Kind) -> str:
        """Where live records of `kind` go."""
        return f"{self._base}/up/event/{kind}"

    def alarm(self, kind: Kind) -> str:
        """Where alarms go; `kind` is that of the record that raised it."""
        return f"{self._base}/up/alarm/{kind}"

    def device(self, name: str) -> str:
        """Where the last known state of a device is retained."""
        return f"{self._base}/up/device/{name}"

    def reply_to(self, wanted: str | None) -> str:
        """Where an answer goes that is `wanted` there: whoever runs the broker may ask for any
        topic, and is followed to `up/reply/NAME` of this gateway only."""
        base, _, name = (wanted or "").rpartition("/")
        if base == self.reply and _REPLY_LEVEL.fullmatch(name):
            return f"{base}/{name}"
        return self.reply

    def too_long(self, devices: Iterable[str]) -> list[str]:
        """Those of this gateway's topics that some services would refuse for their length."""
        topics = [
            self.batch,
            self.state,
            self.health,
            self.reply,
            self.probe,
            self.ack,
            self.command,
        ]
        topics += [topic(kind) for kind in Kind for topic in (self.event, self.alarm)]
        topics += [self.device(name) for name in devices]
        return [each for each in (*topics, self.notices) if len(each) > LONGEST_TOPIC]


def ack_for(up_topic: str) -> str:
    """The topic on which the sender of something on `up_topic` is acknowledged."""
    return "/".join(up_topic.split("/")[:_UP_LEVEL]) + "/down/ack"


def gateway_of(up_topic: str) -> str | None:
    """The id of the gateway that may write to `up_topic`; None if it is no such topic."""
    levels = up_topic.split("/")
    if len(levels) < _UP_LEVEL + 2 or levels[0] != ROOT or levels[_UP_LEVEL] != "up":
        return None
    return levels[_GATEWAY_LEVEL]


def is_report(up_topic: str) -> bool:
    """Whether what is said there is no event: how a gateway, or one of its devices, is, or an
    answer."""
    return up_topic.split("/")[_UP_LEVEL + 1 : _UP_LEVEL + 2] in (
        ["health"],
        ["device"],
        ["reply"],
    )
