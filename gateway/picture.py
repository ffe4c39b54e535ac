"""Makes the picture of the running gateway out of what its parts know."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from typing import NoReturn

from gateway.box import Box, BoxFigures
from gateway.clock import Clock, Stamp, TimeQuality, rfc3339
from gateway.config import Config
from gateway.errors import JournalError
from gateway.health import (
    BoxHealth,
    ClockHealth,
    ConfigurationHealth,
    DeviceHealth,
    Health,
    JournalHealth,
    LastReading,
    LinkHealth,
    Moment,
    ProcessHealth,
    Versions,
)
from gateway.journal import Journal
from gateway.recorder import Recorder
from gateway.statements import DeviceReport
from gateway.supervisor import Supervisor
from gateway.topics import ROOT
from gateway.uplink import Uplink


class Picture:
    """Called, it gives the picture of this moment, from memory and a few files of the kernel."""

    BOX_S = 2.0
    """So long a look at the box counts, however often somebody asks."""
    LOOK_S = 5.0
    """Between two looks for the oldest event that waits."""

    def __init__(
        self,
        config: Callable[[], Config],
        refused: Callable[[], str | None],
        clock: Clock,
        journal: Journal,
        recorder: Recorder,
        uplink: Uplink,
        devices: Callable[[], Iterable[Supervisor]],
        box: Box,
    ) -> None:
        self._config = config
        self._refused = refused
        self._clock = clock
        self._journal = journal
        self._recorder = recorder
        self._uplink = uplink
        self._devices = devices
        self._box = box
        self._started = clock.now()
        self._figures = BoxFigures()
        self._looked_ns = 0
        self._oldest_ms: int | None = None

    def __call__(self) -> Health:
        now = self._clock.now()
        if not self._looked_ns or now.mono_ns - self._looked_ns > self.BOX_S * 1e9:
            self._figures, self._looked_ns = self._box.look(), now.mono_ns
        figures, config = asdict(self._figures), self._config()
        return Health(
            gateway=config.gateway.id,
            epoch=self._journal.epoch,
            clock=self._time(now),
            devices={each.origin.device: _device(each, now) for each in self._devices()},
            journal=self._recorded(now),
            link=self._link(now),
            box=BoxHealth.model_validate({name: figures[name] for name in BoxHealth.model_fields}),
            process=ProcessHealth(
                started=_at(self._started, now),
                memory_bytes=self._figures.process_memory_bytes,
                cpu_s=self._figures.process_cpu_s,
                descriptors=self._figures.process_descriptors,
            ),
            versions=Versions(software=version("checkpoint-gateway"), contract=ROOT),
            configuration=ConfigurationHealth(version=config.version, refused=self._refused()),
        )

    async def follow(self) -> NoReturn:
        """Keep an eye on the oldest event that waits, until cancelled."""
        while True:
            with suppress(JournalError):  # the writer meets the same disk and says so
                await self._find_oldest()
            await asyncio.sleep(self.LOOK_S)

    async def _find_oldest(self) -> None:
        """Of an event that was observed before the clock was right, nobody knows how old it is."""
        oldest_ms = None
        if self._journal.counts().waiting:
            for row in await self._journal.read(
                self._journal.delivery.upto, max_rows=1, max_bytes=1
            ):
                if json.loads(row.body)["clock"] != TimeQuality.UNSYNC:
                    oldest_ms = row.wall_ms
        self._oldest_ms = oldest_ms

    def _time(self, now: Stamp) -> ClockHealth:
        return ClockHealth(
            quality=now.quality,
            time=rfc3339(now.wall_ms),
            floor=rfc3339(self._clock.floor_ms) if self._clock.floor_ms else None,
            booted=_ago(now.mono_ns / 1e9, now),
        )

    def _recorded(self, now: Stamp) -> JournalHealth:
        counts, room = self._journal.counts(), self._journal.room
        return JournalHealth(
            recorded=counts.recorded,
            in_flight=self._uplink.in_flight,
            confirmed=counts.confirmed,
            waiting=counts.waiting,
            oldest_waiting=_since(self._oldest_ms, now) if counts.waiting else None,
            failing=counts.failing,
            held=len(self._recorder.held),
            lost=self._recorder.held.lost.total(),
            check=self._journal.condition.check,
            damaged=self._journal.condition.lost,
            carried=self._journal.carried.waiting,
            taken_bytes=room.taken,
            most_bytes=self._config().journal.max_mb * 1_000_000,
            left_bytes=room.left,
        )

    def _link(self, now: Stamp) -> LinkHealth:
        link, loop_s = self._uplink.link, asyncio.get_running_loop().time()
        confirmed_at = self._journal.confirmed_at
        return LinkHealth(
            online=link.online,
            reason=link.reason,
            since=_ago(loop_s - link.since, now) if link.since else _at(self._started, now),
            last_confirmed=None if confirmed_at is None else _ago(loop_s - confirmed_at, now),
            set_aside=self._uplink.set_aside,
            refused={f"0x{code:02x}": n for code, n in self._uplink.refused.items()},
            alarms=dict(self._uplink.alarms),
        )


def device_reports(devices: Iterable[Supervisor], now: Stamp) -> dict[str, DeviceReport]:
    """The state of each device that has been heard of, as the centre is told it."""
    return {
        each.origin.device: DeviceReport(
            device=each.origin.device,
            driver=each.origin.driver,
            lane=each.origin.lane,
            state=each.condition.state,
            reason=each.condition.reason,
            since=_at(each.since or now, now).time,
        )
        for each in devices
        if each.condition
    }


def _device(device: Supervisor, now: Stamp) -> DeviceHealth:
    condition, last = device.condition, device.last
    return DeviceHealth(
        driver=device.origin.driver,
        lane=device.origin.lane,
        state=condition.state if condition else None,
        reason=condition.reason if condition else None,
        since=_at(device.since, now) if device.since else None,
        last=LastReading(
            kind=last.kind,
            at=_at(last.stamp, now),
            door=last.door,
            position=last.position,
            ambient_celsius=last.ambient_celsius,
        )
        if last
        else None,
        counted=device.counted,
    )


def _at(stamp: Stamp, now: Stamp) -> Moment:
    """When `stamp`, which is of this boot, was: by today's clock, also if it was wrong then."""
    return _ago((now.mono_ns - stamp.mono_ns) / 1e9, now)


def _since(wall_ms: int | None, now: Stamp) -> Moment | None:
    if wall_ms is None or now.quality is TimeQuality.UNSYNC:
        return None
    return _ago((now.wall_ms - wall_ms) / 1e3, now)


def _ago(age_s: float, now: Stamp) -> Moment:
    age_s = max(0.0, age_s)
    return Moment(time=rfc3339(now.wall_ms - round(age_s * 1000)), age_s=round(age_s, 1))
