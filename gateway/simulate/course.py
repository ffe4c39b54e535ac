"""The course of a simulated day: power, network and people, and what has come of it."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from drivers.base import DeviceState
from gateway.centre import Centre, Event, Listener
from gateway.clock import Clock
from gateway.config import Config, Protocol
from gateway.demo.account import Account, Summary
from gateway.demo.broker import DemoBroker
from gateway.demo.process import DaemonProcess
from gateway.events import PassageData, ReportData
from gateway.health import Health
from gateway.holders.holder import Holder, Sort
from gateway.holders.wallet import Wallet
from gateway.journal import Journal
from gateway.simulate.audit import Audit, audit
from gateway.simulate.daemon import Boot
from gateway.simulate.day import Day, Outage, PowerCut
from gateway.simulate.pace import Pace
from gateway.simulate.scenes import Shown
from gateway.simulate.site import READER, Site
from gateway.uplink.client import LinkOptions

_AFTER_S: Final = 30.0
_START_S: Final = 25.0
"""Real seconds for the gateway to have all its devices."""
_DRAIN_S: Final = 120.0
"""Real seconds for what is still on its way."""
_LOOK_S: Final = 0.1
_STEP_S: Final = 1.0
_SETTLE_S: Final = 2.0
"""Real seconds for whatever does not tell when it is done."""


class Result(Struct, frozen=True, kw_only=True):
    """What a simulation can swear to."""

    people: int
    """Who came."""
    audit: Audit
    summary: Summary
    reports: list[ReportData]
    unreleased: int
    slip_s: float
    simulated_s: float
    real_s: float

    @property
    def is_clean(self) -> bool:
        """Everything was decided as it has to be, and has arrived."""
        return self.audit.is_clean and not self.summary.missing and not self.unreleased

    @property
    def speed(self) -> float:
        """At which it really ran, with the pauses for starting."""
        return self.simulated_s / self.real_s


class Course:
    """One day, or a part of it, through the whole gateway."""

    def __init__(
        self,
        day: Day,
        config: Config,
        config_file: Path,
        directory: Path,
        wallet: Wallet,
        pace: Pace,
        speed: float,
        midnight: datetime,
    ) -> None:
        self.account = Account()
        self.health: Health | None = None
        self.stop = asyncio.Event()
        """Ends it early; whoever is at a lane is let finish."""
        self._day = day
        self._config = config
        self._pace = pace
        self._speed = speed
        self._midnight_ms = round(midnight.timestamp() * 1000)
        self._state = directory / config.gateway.state_dir
        self._site = Site(day.profile, directory, wallet)
        self._broker = DemoBroker(directory, config.uplink.host, config.uplink.port)
        self._daemon_of = _daemons(config_file, directory, self._state)
        self._daemon: DaemonProcess | None = None
        self._boots = 0
        self._outage_s = 0.0
        self._passages: list[PassageData] = []
        self._reports: list[ReportData] = []

    async def run(self, until_s: float) -> Result:
        """Play until `until_s`, or until `stop` is set."""
        began, began_s = time.monotonic(), self._pace.now()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._broker.stop)
            await self._broker.start()
            await stack.enter_async_context(self._site)
            self._listen(stack)
            stack.push_async_callback(self._end_daemon)
            await self._switch_on(None)
            await self._play(until_s)
            played_s, real_s = self._pace.now() - began_s, time.monotonic() - began
            await self._drain()
            await self._end_daemon()
            await self._pace.really(_SETTLE_S)
        epoch, recorded = await self._recorded()
        performed = replace(self._day, scenes=self._site.performed)
        return Result(
            people=len(self._site.performed),
            audit=audit(performed, self._passages, exact=False),
            summary=self.account.settle(
                epoch=epoch, recorded=recorded, seconds=real_s, outage_s=self._outage_s
            ),
            reports=self._reports,
            unreleased=self._site.unreleased,
            slip_s=round(self._site.slip_s, 2),
            simulated_s=played_s,
            real_s=real_s,
        )

    async def _play(self, until_s: float) -> None:
        lanes = [*self._day.profile.lanes_in, *self._day.profile.lanes_out]
        beside = [asyncio.create_task(self._cut_power(each)) for each in self._day.power_cuts]
        beside += [asyncio.create_task(self._cut_network(each)) for each in self._day.outages]
        beside.append(asyncio.create_task(self._watch()))
        async with asyncio.TaskGroup() as playing:
            for lane in lanes:
                scenes = [each for each in self._day.scenes if each[1].lane == lane]
                playing.create_task(self._site.play(scenes, self.stop), name=lane)
            for each in beside[:-1]:
                playing.create_task(_ended(each, self.stop))
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until_s - self._pace.now())):
                await self.stop.wait()
        await asyncio.sleep(_AFTER_S)
        beside[-1].cancel()
        await asyncio.wait([beside[-1]])

    async def _cut_power(self, cut: PowerCut) -> None:
        await asyncio.sleep(cut.at_s - self._pace.now())
        assert self._daemon is not None
        await self._daemon.kill()
        self._daemon = None
        await asyncio.sleep(cut.over_s - self._pace.now())
        await self._switch_on(cut)

    async def _cut_network(self, outage: Outage) -> None:
        await asyncio.sleep(outage.at_s - self._pace.now())
        began = time.monotonic()
        await self._broker.stop()
        try:
            await asyncio.sleep(outage.lasts_s)
        finally:
            await self._broker.start()
            self._outage_s += time.monotonic() - began

    async def _switch_on(self, cut: PowerCut | None) -> None:
        """Start the gateway. It takes its real time for that, so everything goes at its pace."""
        anchor = self._pace.change(1.0)
        boot = Boot(
            anchor=anchor,
            midnight_ms=self._midnight_ms,
            boot=f"boot-{self._boots}",
            since_s=anchor.at_s,
            sure_s=cut.sure_s if cut else 0.0,
            wrong_s=cut.wrong_s if cut else 0.0,
        )
        self._boots += 1
        self._daemon = self._daemon_of(boot)
        await self._daemon.start()
        given_up = time.monotonic() + _START_S
        while time.monotonic() < given_up and not _is_well(self.health):
            self.health = await self._daemon.health()
            await self._pace.really(_LOOK_S)
        await self._pace.really(_SETTLE_S)  # readers are not heard of before their first code
        self.health = None
        self._daemon.tell(msgspec.json.encode(self._pace.change(self._speed)) + b"\n")

    async def _watch(self) -> None:
        while True:
            if self._daemon is not None and self._pace.speed != 1.0:
                self.health = await self._daemon.health() or self.health
                if self.health is not None:
                    self.account.waiting(self.health.journal.waiting)
            await self._pace.really(_STEP_S)

    async def _drain(self) -> None:
        assert self._daemon is not None
        given_up = time.monotonic() + _DRAIN_S
        while time.monotonic() < given_up:
            health = await self._daemon.health()
            if health is not None and health.journal.waiting == 0:
                return
            await self._pace.really(_LOOK_S)

    async def _end_daemon(self) -> None:
        if self._daemon is not None:
            await self._daemon.stop()

    def _listen(self, stack: AsyncExitStack) -> None:
        uplink = self._config.uplink
        options = LinkOptions(uplink.host, uplink.port, "centre", protocol=Protocol.V5)
        centre = Centre(patience_s=3.0 * self._speed)
        listener = Listener(options, centre, self._arrived, acknowledge=True)
        task = asyncio.create_task(listener.run(asyncio.Event()), name="centre")
        stack.push_async_callback(_cancelled, task)

    def _arrived(self, event: Event) -> None:
        arrival = self.account.arrive(event.content, datetime.now(UTC))
        if arrival is None:
            return
        if arrival.kind == "passage":
            self._passages.append(msgspec.convert(event.content["data"], PassageData))
        elif arrival.kind == "report":
            self._reports.append(msgspec.convert(event.content["data"], ReportData))

    async def _recorded(self) -> tuple[str, int]:
        path, source = self._state / self._config.journal.file, self._config.gateway.source
        journal = await Journal.open(path, source=source, clock=Clock())
        try:
            return journal.epoch, journal.last_seq
        finally:
            await journal.close()


def _daemons(config_file: Path, directory: Path, state: Path) -> Callable[[Boot], DaemonProcess]:
    def daemon(boot: Boot) -> DaemonProcess:
        told = msgspec.json.encode(boot).decode()
        return DaemonProcess(("gateway.simulate.daemon", told, str(config_file)), directory, state)

    return daemon


def trust_of(day: Day, wallet: Wallet) -> str:
    """The document `passes` for the gate of this day."""
    shown = {deed.holder for _, deed in day.deeds if isinstance(deed, Shown)}
    revoked: list[Holder] = sorted(each for each in shown if each.sort is Sort.REVOKED)
    return json.dumps(wallet.trust(revoked))


def _is_well(health: Health | None) -> bool:
    """All that tells so by itself."""
    return health is not None and all(
        each.state is DeviceState.ONLINE or name.startswith(READER)
        for name, each in health.devices.items()
    )


async def _ended(task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    """Return when it is done, or will not be because all of it is to `stop`."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
    for each in (stopping, task):
        each.cancel()
    await asyncio.wait([task, stopping])
    if not task.cancelled():
        task.result()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
