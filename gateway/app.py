"""The composition root: builds the parts, starts consumers before producers, stops in reverse."""

import asyncio
import logging
import os
import random
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from drivers.base import DeviceState, Role
from gateway import control, log
from gateway.box import Box
from gateway.clock import Clock
from gateway.commands import Hands
from gateway.conduct import Conduct, Note
from gateway.conduct.assessor import Assessor, Grounds
from gateway.conduct.rulebook import UNDERSTAND
from gateway.config import Config
from gateway.documents import Force
from gateway.downward import downward
from gateway.errors import GatewayError
from gateway.fleet import Changes, Fleet
from gateway.journal import Journal
from gateway.loglevel import LogLevel
from gateway.notify import ServiceManager, Watchdog
from gateway.picture import Picture, device_reports
from gateway.pseudonyms import Keyring
from gateway.recorder import Recorder
from gateway.reload import Reloader
from gateway.timefloor import TimeFloor
from gateway.uplink import Uplink
from gateway.watch.page import serving_page

_log = logging.getLogger(__name__)

# A service manager that has said stop waits five seconds.
_DEVICES_S = 1.0
"""How long stopping waits for devices to be let go."""
_DRAIN_S = 2.0
"""How long for readings already taken; then they stay unrecorded."""
_STOP_S = 3.0
"""How long for all of it, with what the uplink has to finish; the rest is for the journal."""


def run_forever(config: Config, file: Path) -> int:
    """Run the gateway by `config`, which is in `file`, until SIGTERM or SIGINT; the exit code.

    Raises:
        GatewayError: the gateway cannot start, in one sentence.
    """
    asyncio.run(_until_signal(config, file))
    return 0


async def _until_signal(config: Config, file: Path) -> None:
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if not os.isatty(0):  # else it tells that the terminal is gone
        loop.add_signal_handler(signal.SIGHUP, reload.set)
    await run(config, file, stop, reload)


async def run(
    config: Config,
    file: Path,
    stop: asyncio.Event,
    reload: asyncio.Event,
    clock: Clock | None = None,
) -> None:
    """Run the gateway until `stop` is set; set `reload` to have it read `file` again. The `clock`
    is the box's own, unless somebody plays a day.

    Raises:
        GatewayError: the gateway cannot start, in one sentence.
    """
    place = config.gateway
    _make_directory(place.state_dir)
    floor = TimeFloor(place.state_dir / "time-floor")
    clock = clock or Clock()
    clock.floor_ms = floor.load()
    keyring = Keyring.open(place.state_dir / "pseudonym.key")
    assessor = Assessor(keyring, clock, Grounds())
    path = place.state_dir / config.journal.file
    journal = await Journal.open(path, source=place.source, clock=clock, config=config.journal)
    beside = [
        asyncio.create_task(floor.keep(clock), name="time-floor"),
        asyncio.create_task(log.tell_repeats(), name="log"),
    ]
    try:
        recorder = Recorder(journal, assessor, clock)
        conduct = partial(Conduct.of, config, keyring, assessor, journal, clock)
        await Gateway(config, clock, journal, recorder, conduct, file, reload).run(stop)
    finally:
        for each in beside:
            each.cancel()
        await asyncio.wait(beside)
        await journal.close()


class Gateway:
    """One running gateway."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        journal: Journal,
        recorder: Recorder,
        conduct: Callable[[Fleet, Note, Force], Conduct],
        file: Path,
        reload: asyncio.Event,
    ) -> None:
        self._config = config
        self._clock = clock
        self._journal = journal
        self._recorder = recorder
        self._fleet = Fleet(recorder.take, clock, random.Random())
        self._stop = asyncio.Event()
        self._log_level = LogLevel()
        self._force = Force(UNDERSTAND)
        self._downward = downward(
            config, clock, self._hands(), self._force, record=journal.append, note=recorder.note
        )
        self._conduct = conduct(self._fleet, recorder.note, self._force)
        self._uplink = Uplink(
            config,
            journal,
            clock,
            lambda: device_reports(self._fleet.supervisors, clock.now()),
            health=self._health,
            down=self._downward.down,
        )
        self._reloader = Reloader(
            *(file, config, self._apply, self._conduct.refreshed),
            *(recorder.note, clock, reload),
        )
        self._picture = Picture(
            lambda: self._config,
            lambda: self._reloader.refused,
            clock,
            journal,
            recorder,
            self._uplink,
            lambda: self._fleet.supervisors,
            Box(config.gateway.state_dir),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run every part until `stop` is set or one of the outer parts fails."""
        _log.info(
            "%s started by configuration %s: epoch %s, %d events recorded, %d waiting",
            self._config.gateway.id,
            self._config.version,
            self._journal.epoch,
            self._journal.counts().recorded,
            self._journal.counts().waiting,
        )
        await self._fleet.change(self._fleet.plan(self._config))
        self._stop = stop
        uplink_stop = asyncio.Event()
        manager = ServiceManager.of()
        async with (
            control.serve(control.socket_path(self._config.gateway.state_dir), self._requests()),
            serving_page(self._config.page, self._picture),
            asyncio.TaskGroup() as parts,
        ):
            living = parts.create_task(_end_with_any(self._journal.tasks), name="journal")
            recording = parts.create_task(self._recorder.run(), name="recorder")
            deciding = parts.create_task(self._conduct.run(), name="decisions")
            sending = parts.create_task(self._uplink.run(uplink_stop), name="uplink")
            beside = [
                parts.create_task(self._picture.follow(), name="picture"),
                parts.create_task(self._watchdog(manager).run(), name="watchdog"),
            ]
            devices = parts.create_task(self._fleet.run(), name="devices")
            reloading = parts.create_task(self._reloader.run(), name="reload")
            ordered = parts.create_task(self._downward.run(), name="orders")
            await stop.wait()
            end = asyncio.get_running_loop().time() + _STOP_S
            _log.info("stopping")
            manager.tell("STOPPING=1", "STATUS=stopping")
            # In this order: an order reloads, a reload starts devices.
            for each in (ordered, reloading, devices):
                each.cancel()
                await asyncio.wait([each], timeout=_DEVICES_S)
            await self._drain()
            for each in (deciding, recording, living, *beside):
                each.cancel()
            uplink_stop.set()
            await asyncio.wait([sending], timeout=end - asyncio.get_running_loop().time())
            sending.cancel()

    def _requests(self) -> dict[str, control.Handler]:
        """What can be asked on this box."""
        return {
            "health": self._tell_health,
            "reload": self._reloader.answer,
            "log-level": self._log_level.answer,
            "hold-times": self._hold_times,
            "documents": self._downward.intake.answer,
        }

    def _watchdog(self, manager: ServiceManager) -> Watchdog:
        parts = {"recorder": self._recorder.turns, "sender": self._uplink.turns}
        return Watchdog(manager, parts, self._journal.calls.longest_s, self._status)

    def _health(self) -> dict[str, Any]:
        return self._picture().model_dump(mode="json")

    def _hands(self) -> Hands:
        """What can be ordered from afar."""
        return Hands(
            release=self._fleet.release,
            reload=lambda: self._reloader.reload(),
            resend=lambda epoch, first, last: self._uplink.resend(epoch, first, last),
            diagnose=self._health,
            log_level=self._log_level.change,
            restart=lambda: self._stop.set(),
            known=self._knows,
        )

    def _knows(self, kind: str, name: str) -> bool:
        """Whether something of this name is there to be ordered about."""
        match kind:
            case "lane":
                return name in self._config.lanes
            case "alarm":
                return self._conduct.is_standing(name)
        devices = self._config.devices.values()
        roles = [each.door_roles[name] for each in devices if name in each.door_roles]
        return bool(roles) and (kind == "door" or roles == [Role.HOME])

    def _status(self) -> str:
        """One line for whoever asks the service manager."""
        picture = self._picture()
        online = sum(each.state is DeviceState.ONLINE for each in picture.devices.values())
        link = "connected" if picture.link.online else f"no link ({picture.link.reason})"
        return (
            f"{link}; {picture.journal.waiting} events wait;"
            f" {online} of {len(picture.devices)} devices are well"
        )

    async def _apply(self, config: Config) -> str:
        """Take `config` into force, and say what that took.

        Raises:
            GatewayError: it cannot be; nothing has changed.
        """
        plan = self._fleet.plan(config)
        self._uplink.check(config)
        rules = self._conduct.check(config)
        self._journal.bound(config.journal)
        changes = await self._fleet.change(plan)
        another_link = self._uplink.change(config)
        told = self._conduct.adopted(rules)
        self._config = config
        return _told(changes, told, another_link=another_link)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._recorder.drained()
        except TimeoutError:
            _log.error("the journal takes nothing; the last readings stay unrecorded")

    async def _hold_times(self, request: Mapping[str, object]) -> control.Answer:
        """Before records leave by another way than the uplink: an id goes out with one time."""
        epoch, upto = request.get("epoch"), request.get("upto")
        if not isinstance(epoch, str) or not isinstance(upto, int):
            text = "expected the journal's epoch and the last number that is taken out"
            return control.Answer(status=control.Status.WRONG, text=text)
        if epoch == self._journal.epoch:
            await self._journal.dating.seal_upto(upto)
        return control.Answer()

    async def _tell_health(self, _: Mapping[str, object]) -> control.Answer:
        return control.Answer(body=self._picture())


def _told(changes: Changes, policy: str, *, another_link: bool) -> str:
    told = [
        f"{', '.join(names)} {what}"
        for what, names in (
            ("added", changes.added),
            ("restarted", changes.restarted),
            ("removed", changes.removed),
        )
        if names
    ]
    if policy:
        told.append(policy)
    if another_link:
        told.append("another connection to the centre")
    return "; ".join(told) or "no device and no connection is concerned"


async def _end_with_any(tasks: Sequence[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise GatewayError(f"cannot use the state directory {path}: {error.strerror}") from error
