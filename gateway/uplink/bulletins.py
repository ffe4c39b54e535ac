"""What the gateway says about itself beside its events: how it is, and the state of each device.

None of it is recorded, nothing waits for it, and without a link it is not said: an alarm that waits
goes first, and the places of the window that are kept for alarms stay free.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from gateway.clock import Clock
from gateway.statements import DeviceReport, encode_report
from gateway.topics import Topics
from gateway.uplink.link import FAILURE, Link
from gateway.uplink.post import Post

_log = logging.getLogger(__name__)

_LOOK_S = 1.0
_HEALTH_EVERY_S = 60
_SUSPICIOUS_S = 2.0
"""A link that ends so soon after a bulletin may have ended over it."""
_COINCIDENCES = 1
"""So many in a row may be chance."""
_SILENT_S = 3600.0

DeviceReports = Callable[[], Mapping[str, DeviceReport]]
HealthReport = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the bulletins of one gateway come from; without `health` nobody is told of that."""

    source: str
    topics: Topics
    clock: Clock
    devices: DeviceReports
    health: HealthReport | None = None


class Standing:
    """Whether the broker bears with bulletins, and what it keeps of them; it outlives the links.

    A broker of MQTT 3.1.1 refuses a topic by ending the connection, and some of MQTT 5 do so, too.
    Events must not suffer for it: after two links in a row that ended just then, an hour's rest.
    """

    def __init__(self) -> None:
        self.kept: set[str] = set()
        """The devices whose state it may have: one can go while there is no link."""
        self._sent_at = -math.inf
        self._silent_until = -math.inf
        self._coincidences = 0

    def allows(self, now: float) -> bool:
        """Whether one may be sent."""
        return now >= self._silent_until

    def sent(self, now: float) -> None:
        """One has been sent."""
        self._sent_at = now

    def link_ended(self, now: float) -> bool:
        """Whether it may have ended over a bulletin."""
        if now - self._sent_at > _SUSPICIOUS_S:
            self._coincidences = 0
            return False
        self._coincidences += 1
        if self._coincidences > _COINCIDENCES:
            self._silent_until = now + _SILENT_S
            _log.warning(
                "links end over up/health or up/device, which are left out for an hour; the broker"
                " should let this gateway publish under its own up/#"
            )
        return True


class Bulletins:
    """On one link, whose session has this `number` in the life `epoch` of the journal."""

    def __init__(
        self, link: Link, post: Post, reports: Reports, standing: Standing, epoch: str, number: int
    ) -> None:
        self._link = link
        self._post = post
        self._reports = reports
        self._standing = standing
        self._life = f"{epoch}-{{}}-{number}-{{}}"
        self._count = 0
        self._told: dict[str, tuple[str, str | None]] = dict.fromkeys(standing.kept, ("", None))
        self._retains = link.limits.retain
        self._place = asyncio.Event()

    async def run(self) -> NoReturn:
        """Tell every device's state, and anew what changes, and every minute how the gateway is."""
        now = asyncio.get_running_loop().time
        health_due = now()
        while True:
            if self._retains:
                self._tell_devices(now())
            if now() >= health_due and self._may_go(now()):
                self._tell_health(now())
                health_due = now() + _HEALTH_EVERY_S
            self._place.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._place.wait()

    def _may_go(self, now: float) -> bool:
        return self._post.has_room_beside(now) and self._standing.allows(now)

    def _tell_health(self, now: float) -> None:
        if self._reports.health is None:
            return
        told = self._reports.health()
        payload = self._encoded("health", told, None)
        if len(payload) > self._link.limits.payload:  # each device has a topic of its own besides
            payload = self._encoded("health", {**told, "devices": {}}, None)
        self._post.send_beside(self._reports.topics.health, payload, expires_s=_HEALTH_EVERY_S)
        self._standing.sent(now)

    def _tell_devices(self, now: float) -> None:
        present = self._reports.devices()
        states = {name: (each.state, each.reason) for name, each in present.items()}
        for name in {**states, **self._told}:
            if states.get(name) != self._told.get(name):
                if not self._may_go(now):
                    return
                self._announce(name, present.get(name))
                self._standing.sent(now)
        self._told = {name: each for name, each in self._told.items() if name in states}

    def _announce(self, name: str, report: DeviceReport | None) -> None:
        """Retained in place of the former; nothing at all where the device is no more."""
        told = self._encoded("device-state", report, f"device/{name}") if report else b""
        answer = self._post.send_beside(self._reports.topics.device(name), told, retain=True)
        answer.add_done_callback(partial(self._answered, name, kept=report is not None))
        if report:
            self._standing.kept.add(name)
        self._told[name] = (report.state, report.reason) if report else ("", None)

    def _answered(self, name: str, answer: asyncio.Future[int], *, kept: bool) -> None:
        self._place.set()
        if answer.cancelled() or answer.exception():
            return
        if answer.result() < FAILURE:
            (self._standing.kept.add if kept else self._standing.kept.discard)(name)
            return
        if self._retains:
            _log.warning("the broker takes no up/device: reason 0x%02x", answer.result())
        self._retains = False  # on this link: it would refuse the others as well

    def _encoded(self, kind: str, data: object, subject: str | None) -> bytes:
        self._count += 1
        return encode_report(
            kind,
            data,
            name=self._life.format(kind, self._count),
            source=self._reports.source,
            subject=subject,
            stamp=self._reports.clock.now(),
        )
