"""The devices at work: each under its supervisor, and each can come, change and go by itself."""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from drivers import registry
from drivers.base import (
    Announce,
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    Driver,
    Release,
    Role,
)
from gateway.clock import Clock
from gateway.config import Config, LaneConfig
from gateway.errors import GatewayError
from gateway.events import Origin
from gateway.supervisor import Backoff, Deliver, Supervisor, contained

_log = logging.getLogger(__name__)

_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 60.0
_CONFIRM_S = 12.0
"""For a device to do what it was told; the slowest families wait 10 s for its answer."""
_PRESENT_S = 2.0
"""For a device to begin to say or show something; later it is of no use."""


@dataclass(eq=False, slots=True)
class Member:
    """One device. It stays the same one for as long as nothing that it is made of changes."""

    made_of: tuple[DeviceConfig, LaneConfig | None]
    supervisor: Supervisor
    driver: Driver
    task: asyncio.Task[NoReturn] | None = None


Plan = Mapping[str, Member]
"""The devices as they shall be, by name: those that are at work already, and new ones."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The names of the devices that a change of plan was about."""

    added: Sequence[str]
    restarted: Sequence[str]
    removed: Sequence[str]


class Fleet:
    """All devices of the gate.

    ``end_s``: so long one may take to let go; a camera's process takes two seconds. ``confirm_s``:
    so long to confirm a command.
    """

    def __init__(
        self,
        deliver: Deliver,
        clock: Clock,
        rng: random.Random,
        *,
        end_s: float = 5.0,
        confirm_s: float = _CONFIRM_S,
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._rng = rng
        self._end_s = end_s
        self._confirm_s = confirm_s
        self._members: dict[str, Member] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def supervisors(self) -> Sequence[Supervisor]:
        """Those of all devices, in the configuration's order."""
        return [each.supervisor for each in self._members.values()]

    def plan(self, config: Config) -> Plan:
        """What `config` makes of the devices; nothing is done yet.

        Raises:
            GatewayError: a device cannot even be made.
        """
        plan = {}
        for name, device in config.devices.items():
            made_of = (device, config.lanes.get(device.lane) if device.lane else None)
            known = self._members.get(name)
            if known is None or known.made_of != made_of:
                known = self._member(name, made_of)
            plan[name] = known
        return plan

    async def change(self, plan: Plan) -> Changes:
        """Go over to `plan`; a device that is the same in it notices nothing."""
        before, self._members = self._members, dict(plan)
        changes = Changes(
            added=[name for name in plan if name not in before],
            restarted=[name for name in plan if before.get(name) not in (None, plan[name])],
            removed=[name for name in before if name not in plan],
        )
        going = {name: before[name] for name in (*changes.restarted, *changes.removed)}
        await self._end(going)
        for name, each in going.items():
            await each.supervisor.retire(removed=name not in plan)
        for name in (*changes.added, *changes.restarted):
            self._start(plan[name])
        return changes

    async def run(self) -> None:
        """Keep all devices running until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for each in self._members.values():
                self._start(each)
            await asyncio.Event().wait()

    async def release(self, door: str) -> None:
        """Let somebody through `door`; returns when its device has confirmed that, or has been
        told where it confirms nothing. It is the device, or its driver, that ends it in time,
        whatever becomes of whoever called this.

        Raises:
            CommandError: it was not released, as far as is known.
        """
        for member in self._members.values():
            role = member.made_of[0].door_roles.get(door)
            if role is Role.HOME:
                raise CommandError("a home door is only ever watched; nothing may release it")
            if role is not None:
                await _tell(member, Release(door), self._confirm_s)
                return
        raise CommandError(f"there is no door {door}")

    async def present(self, announce: Announce) -> Mapping[str, str]:
        """Have it said and shown by the devices of its lane and by those of the whole gate, all of
        them at once; why not, by the names of those that do not."""
        members = [
            each
            for each in self._members.values()
            if each.driver.presents
            and (announce.lane is None or each.made_of[0].lane in (announce.lane, None))
        ]
        complaints = await asyncio.gather(*(_complaint(each, announce) for each in members))
        names = [each.supervisor.origin.device for each in members]
        return {name: why for name, why in zip(names, complaints, strict=True) if why}

    def _member(self, name: str, made_of: tuple[DeviceConfig, LaneConfig | None]) -> Member:
        device = made_of[0]
        origin = Origin(name, device.driver, device.lane)
        try:
            with contained(f"driver {device.driver} of {name}"):
                driver = registry.load(device.driver).driver(name, device)
        except DeviceError as error:
            raise GatewayError(f"[devices.{name}] cannot be used: {error}") from error
        backoff = Backoff(_FIRST_RETRY_S, _LAST_RETRY_S, self._rng)
        supervisor = Supervisor(origin, driver, self._deliver, self._clock, backoff)
        return Member(made_of, supervisor, driver)

    def _start(self, member: Member) -> None:
        if self._group is not None:  # else `run` will
            name = member.supervisor.origin.device
            member.task = self._group.create_task(member.supervisor.run(), name=name)

    async def _end(self, members: Mapping[str, Member]) -> None:
        names = {each.task: name for name, each in members.items() if each.task is not None}
        if not names:
            return
        for task in names:
            task.cancel()
        _, stuck = await asyncio.wait(names, timeout=self._end_s)
        for task in stuck:
            # Whoever needs what it holds is told so, and tries again until it is free.
            _log.error("%s has not let go of its device within %g s", names[task], self._end_s)


async def _complaint(member: Member, announce: Announce) -> str | None:
    try:
        await _tell(member, announce, _PRESENT_S)
    except CommandError as error:
        return str(error)
    return None


async def _tell(member: Member, command: Command, within_s: float) -> None:
    """Have a device carry out `command`.

    Raises:
        CommandError: it did not, as far as is known.
    """
    device, task = member.supervisor.origin.device, asyncio.current_task()
    try:
        async with asyncio.timeout(within_s):
            with contained(f"driver {member.made_of[0].driver} of {device}", CommandError):
                await member.driver.execute(command)
    except TimeoutError as error:
        raise CommandError(f"{device} has not confirmed within {within_s:g} s") from error
    except DeviceError as error:
        raise CommandError(str(error)) from error
    except asyncio.CancelledError:
        if task is None or task.cancelling():
            raise
        # Nobody wants us to end: the driver has waited for something that was cancelled.
        raise CommandError(f"{device} was lost meanwhile") from None
