"""A gate without devices and without a disk: what is recorded goes to the lanes, theirs as well."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from msgspec import json, structs

from drivers.base import Lock, Position, Quality, Role, Surface
from gateway.checkpoint.lanes import Lanes, LanesState
from gateway.checkpoint.machine import Act, Outcome, Recorded, Say
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import BUILT_IN, Policy, of_document
from gateway.clock import Stamp, TimeQuality
from gateway.events import (
    AlarmData,
    Class,
    Data,
    Direction,
    DoorData,
    Draft,
    Kind,
    PassageData,
    ScanData,
    TemperatureData,
    Verdict,
)

ZONE = timezone(timedelta(hours=8))
IN = LaneSettings(direction=Direction.ENTRY, door="gate-1", strike=True)
OUT = LaneSettings(direction=Direction.EXIT, door="gate-1", strike=True)
LANES = {"in-1": IN, "out-1": OUT}
OPEN_LANES = {
    "in-1": LaneSettings(direction=Direction.ENTRY),
    "out-1": LaneSettings(direction=Direction.EXIT),
}
"""Without a door."""


def policy(**body: Any) -> Policy:
    """A policy, as a document says it."""
    return of_document(body, "test-1")


def at(clock: str, day: int = 18) -> datetime:
    """A moment in March 2026, local time."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock}:00").replace(tzinfo=ZONE)


class Gate:
    """Time goes on only when it is told to; the monotonic clock counts from the boot."""

    def __init__(
        self,
        of: Policy = BUILT_IN,
        lanes: Mapping[str, LaneSettings] = LANES,
        *,
        start: datetime | None = None,
        quality: TimeQuality = TimeQuality.SYNC,
        epoch: str = "epoch",
    ) -> None:
        self.machine = Lanes(of, lanes, ZONE, None)
        self.journal: list[Recorded] = []
        self.outcomes: list[Outcome] = []
        self.quality = quality
        self.epoch = epoch
        self.boot = "boot-1"
        self._policy, self._lanes = of, lanes
        self._mono_s = 1000.0
        self.save()
        self._ahead_s = (start or at("10:00")).timestamp() - self._mono_s

    @property
    def now(self) -> Stamp:
        wall_ms = round((self._mono_s + self._ahead_s) * 1000)
        return Stamp(wall_ms, self.quality, self.boot, round(self._mono_s * 1e9))

    def scan(
        self,
        token: str,
        class_: Class = Class.RESIDENT,
        lane: str = "in-1",
        verdict: Verdict = Verdict.VALID,
        **facts: Any,
    ) -> list[PassageData]:
        """Somebody shows a code; the passages that are decided at once."""
        data = ScanData(
            device=f"camera-{lane}",
            lane=lane,
            medium="qr",
            symbology="QRCode",
            class_=class_,
            verdict=verdict,
            token=token,
            decode_ms=None,
            **facts,
        )
        return self.record(Kind.SCAN, f"lane/{lane}", data)

    def answer(self, verdict: Verdict, cause: str) -> list[PassageData]:
        """Whoever was asked about the code of the scan `cause` has answered."""
        [scan] = [each for each in self.journal if each.id == cause]
        assert isinstance(scan.data, ScanData)
        said = structs.replace(scan.data, verdict=verdict)
        return self.record(Kind.SCAN, scan.subject, said, cause)

    def measure(
        self,
        celsius: float = 36.5,
        lane: str = "in-1",
        device: str = "thermometer",
        quality: Quality = Quality.OK,
    ) -> list[PassageData]:
        """Somebody is measured."""
        data = TemperatureData(
            device=device,
            lane=lane,
            celsius=celsius,
            raw_celsius=celsius,
            kind=Surface.SURFACE,
            quality=quality,
            samples=1,
        )
        return self.record(Kind.TEMPERATURE, f"lane/{lane}", data)

    def door(self, position: Position, door: str = "gate-1") -> list[PassageData]:
        """A door has moved."""
        data = DoorData(
            device="board", door=door, role=Role.GATE, position=position, lock=Lock.UNKNOWN
        )
        return self.record(Kind.DOOR, f"door/{door}", data)

    def enter(self, token: str, **facts: Any) -> list[PassageData]:
        """Show a code, and be measured."""
        return [*self.scan(token, **facts), *self.measure(lane=facts.get("lane", "in-1"))]

    def step_through(self) -> None:
        """The door opens and shuts."""
        self.door(Position.OPEN)
        self.wait(1)
        self.door(Position.CLOSED)

    def wait(self, seconds: float) -> list[PassageData]:
        """Time goes on; the passages that end by themselves."""
        self._mono_s += seconds
        return self._keep(self.machine.advance(self.now))

    def wait_until(self, moment: datetime) -> list[PassageData]:
        return self.wait(moment.timestamp() - self.now.wall_ms / 1000)

    def restart(self, of: Policy | None = None) -> None:
        """The process ends, and begins again with what it has saved."""
        self._policy = of or self._policy
        saved = json.decode(json.encode(self.machine.state), type=LanesState)
        self.machine = Lanes(self._policy, self._lanes, ZONE, saved)

    def save(self) -> None:
        """Keep what the lanes remember; whatever follows is replayed after a crash."""
        self._saved = json.encode(self.machine.state), len(self.journal)

    def crash(self, *, before_recording: bool = False) -> None:
        """The process dies and begins again with what was saved; what was recorded since comes once
        more. `before_recording`: what it decided last is not recorded yet."""
        saved, upto = self._saved
        if before_recording:
            while len(self.journal) > upto and isinstance(self.journal[-1].data, PassageData):
                self.journal.pop()
        self.machine = Lanes(self._policy, self._lanes, ZONE, json.decode(saved, type=LanesState))
        pending: dict[tuple[object, ...], Draft] = {}
        for event in self.journal[upto:]:
            found = [*self.machine.advance(event.at), *self.machine.take(event)]
            pending.update((identity(each), each) for each in found if isinstance(each, Draft))
            pending.pop(identity(event), None)
        self._keep(pending.values())
        self.wait(0)

    def reboot(self) -> None:
        """Power was gone for a minute; the monotonic clock counts anew."""
        self.restart()
        self.boot = "boot-2"
        self._ahead_s += self._mono_s + 50
        self._mono_s = 10.0

    def record(
        self, kind: Kind, subject: str, data: Data, correlation: str | None = None
    ) -> list[PassageData]:
        """Something is durable now; the passages that follow from it."""
        event = self._recorded(kind, subject, self.now, data, correlation)
        return self._keep(self.machine.take(event))

    def _recorded(
        self, kind: Kind, subject: str, stamp: Stamp, data: Data, correlation: str | None
    ) -> Recorded:
        seq = len(self.journal) + 1
        event = Recorded(seq, f"{self.epoch}-{seq}", kind, subject, stamp, data, correlation)
        self.journal.append(event)
        return event

    def _keep(self, outcomes: Iterable[Outcome]) -> list[PassageData]:
        found = list(outcomes)
        self.outcomes += found
        drafts = [each for each in found if isinstance(each, Draft)]
        for each in drafts:
            own = self._recorded(each.kind, each.subject, each.stamp, each.data, each.correlation)
            assert self.machine.take(own) == []
        return [each.data for each in drafts if isinstance(each.data, PassageData)]

    @property
    def passages(self) -> list[PassageData]:
        return [each.data for each in self.journal if isinstance(each.data, PassageData)]

    @property
    def releases(self) -> list[Act]:
        return [each for each in self.outcomes if isinstance(each, Act)]

    @property
    def said(self) -> list[str]:
        return [each.prompt for each in self.outcomes if isinstance(each, Say)]

    @property
    def alarms(self) -> list[AlarmData]:
        return [each.data for each in self.journal if isinstance(each.data, AlarmData)]


def identity(event: Recorded | Draft) -> tuple[object, ...]:
    """Which event it is, whenever it is decided."""
    taken = event.data.taken if isinstance(event.data, PassageData) else None
    return event.kind, event.subject, event.correlation, taken is None


def told(passage: PassageData) -> str:
    """A passage in a word."""
    return passage.reason or passage.decision if passage.decision == "denied" else "granted"
