"""Zigbee door contacts and locks, through Zigbee2MQTT and the site's own MQTT broker.

Listens to, below ``base_topic``::

    bridge/state         {"state": "online"}, retained; older: online
    NAME                 a device's fields, after every report of it
    NAME/availability    {"state": "offline"}, retained; older: offline

What is in the fields is in `messages`. A battery device may be dead for a day before Zigbee2MQTT
says so: therefore ``last_seen`` must be there (``advanced: last_seen``), and what was last seen
``stale_s`` ago is unknown. A lock can be told to open; nothing here locks.

Source: Zigbee2MQTT's documentation, MQTT topics and messages.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn, Self

import aiomqtt
from pydantic import Field, model_validator

from drivers.base import (
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    Emit,
    Line,
    Lock,
    Name,
    Reading,
    Release,
    Role,
    SecretPath,
)
from drivers.base import Driver as BaseDriver
from drivers.together import together
from drivers.wire import names
from drivers.zigbee2mqtt.messages import DoorConfig, Doors, Report, Topic, word

_BRIDGE_S: Final = 10.0
"""Its state is retained: it comes at once, or Zigbee2MQTT has never run with this base_topic."""
_LOOK_S: Final = 1.0

_NO_LAST_SEEN: Final = (
    "Zigbee2MQTT sends no last_seen, so nobody knows how old a state is; set advanced: last_seen:"
    " ISO_8601 in its configuration"
)


class Config(DeviceConfig):
    """Zigbee2MQTT on this site, and what it knows of the doors."""

    driver: Literal["zigbee2mqtt"]
    host: Line = "127.0.0.1"
    """The broker that Zigbee2MQTT uses."""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    """The broker's port."""
    username: Line | None = None
    """Its user, if it asks for one."""
    password_file: SecretPath | None = None
    """File with the password on its first line."""
    base_topic: Topic = "zigbee2mqtt"
    """As in Zigbee2MQTT's configuration."""
    stale_s: Annotated[float, Field(ge=60, le=90_000)] = 7200.0
    """What was last seen so many seconds ago is unknown; contacts report every 50 minutes or so."""
    answer_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    """A lock told to open has to say so within this time; it sleeps most of it."""
    doors: Annotated[dict[Name, DoorConfig], Field(min_length=1)]
    """The doors."""

    @property
    def releasable(self) -> frozenset[str]:
        """See :meth:`drivers.base.DeviceConfig.releasable`."""
        return frozenset(
            name for name, door in self.doors.items() if door.lock and door.role is not Role.HOME
        )

    @model_validator(mode="after")
    def _each_device_once(self) -> Self:
        taken: dict[str, str] = {}
        for name, door in self.doors.items():
            for use, device in (("contact", door.contact), ("lock", door.lock)):
                if device is not None and taken.setdefault(device, name) != name:
                    raise ValueError(
                        f"doors.{name}.{use} is {device}, as is one of doors.{taken[device]}"
                    )
        return self


class Driver(BaseDriver):
    """Follows the devices' reports, and lets them grow stale.

    ``wall`` is the time in seconds since 1970, of which ``last_seen`` is told.
    """

    def __init__(self, name: str, config: Config, wall: Callable[[], float] = time.time) -> None:
        self._config = config
        self._wall = wall
        self._doors = Doors(config.doors, config.stale_s)
        self._client: aiomqtt.Client | None = None
        self._turn = asyncio.Lock()
        self._unlocked: dict[str, asyncio.Future[None]] = {}

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        config = self._config
        try:
            async with aiomqtt.Client(
                await _address(config),
                config.port,
                username=config.username,
                password=_password(config.password_file),
            ) as self._client:
                online = asyncio.Event()
                await together(self._listen(self._client, online, emit), self._watch(online, emit))
        except aiomqtt.MqttError as error:
            raise DeviceError(f"the broker {config.host}:{config.port}: {error}") from error
        finally:
            self._client = None

    def lost(self) -> Sequence[Reading]:
        """See :meth:`drivers.base.Driver.lost`."""
        self._doors.forget()
        return self._doors.news(0.0)

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        door = self._config.doors.get(command.door) if isinstance(command, Release) else None
        if door is None or door.lock is None or not isinstance(command, Release):
            await super().execute(command)
            return
        if door.role is Role.HOME:
            raise CommandError("a home door is only ever watched; nothing may release it")
        async with self._turn:
            await self._unlock(command.door, door.lock)

    async def _unlock(self, door: str, lock: str) -> None:
        if self._client is None:
            raise CommandError("Zigbee2MQTT is not connected")
        self._unlocked[lock] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._config.answer_s):
                await self._client.publish(self._topic(lock, "set"), '{"state":"UNLOCK"}', 1)
                self._doors.command(door, Lock.UNLOCKED)
                await self._unlocked[lock]
        except TimeoutError as error:
            raise CommandError(f"{lock} does not say that it is unlocked") from error
        except aiomqtt.MqttError as error:
            raise CommandError(f"the broker did not take it: {error}") from error
        finally:
            del self._unlocked[lock]

    def _topic(self, *levels: str) -> str:
        return "/".join((self._config.base_topic, *levels))

    async def _listen(self, client: aiomqtt.Client, online: asyncio.Event, emit: Emit) -> NoReturn:
        loop = asyncio.get_running_loop()
        bridge = self._topic("bridge", "state")
        reports = {self._topic(device): device for device in self._doors.devices}
        reach = {self._topic(device, "availability"): device for device in self._doors.devices}
        await client.subscribe([(topic, 1) for topic in (bridge, *reach, *reports)])
        async for message in client.messages:
            topic, payload = str(message.topic), _bytes(message.payload)
            age_s = 0.0
            if topic in reports:
                age_s = await self._take(reports[topic], payload, emit)
            elif topic in reach and word(payload) == "offline":
                self._doors.forget(reach[topic])
            elif topic == bridge and word(payload) == "offline":
                raise DeviceError("Zigbee2MQTT is stopped")
            elif topic == bridge and word(payload) == "online" and not online.is_set():
                online.set()
                self.counters.online()
                await emit(DeviceObserved(DeviceState.ONLINE))
                await self._ask_locks(client)
            if online.is_set():
                for door in self._doors.news(loop.time()):
                    await emit(door, age_s=age_s)
        raise DeviceError("the broker has ended the connection")

    async def _ask_locks(self, client: aiomqtt.Client) -> None:
        """Have the locks asked how they are; a battery contact sleeps, and cannot be."""
        for door in self._config.doors.values():
            if door.lock is not None:
                await client.publish(self._topic(door.lock, "get"), '{"state":""}', 1)

    async def _take(self, device: str, payload: bytes, emit: Emit) -> float:
        """Note a report; its age in seconds."""
        report = Report.read(payload)
        if report is None:
            self.counters.unknown += 1
            self._doors.forget(device)  # it has said something: what it said before is over
            return 0.0
        if report.last_seen is None:
            self._doors.forget(device)
            await emit(DeviceObserved(DeviceState.DEGRADED, _NO_LAST_SEEN))
            return 0.0
        await emit(DeviceObserved(DeviceState.ONLINE))
        age_s = max(0.0, self._wall() - report.last_seen.timestamp())
        self._doors.report(device, report, asyncio.get_running_loop().time() - age_s)
        waiting = self._unlocked.get(device)
        if report.lock is Lock.UNLOCKED and waiting is not None and not waiting.done():
            waiting.set_result(None)
        return age_s

    async def _watch(self, online: asyncio.Event, emit: Emit) -> NoReturn:
        """Tell what has grown stale."""
        try:
            async with asyncio.timeout(_BRIDGE_S):
                await online.wait()
        except TimeoutError as error:
            topic = self._topic("bridge", "state")
            raise DeviceError(f"Zigbee2MQTT is not heard: nothing on {topic}") from error
        while True:
            await asyncio.sleep(_LOOK_S)
            for door in self._doors.news(asyncio.get_running_loop().time()):
                await emit(door)


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else b""


async def _address(config: Config) -> str:
    """The client would look it up in a thread that the gateway's end waits for."""
    try:
        [(*_, (address, *_)), *_] = await names.resolve(config.host, config.port)
    except (OSError, UnicodeError) as error:
        raise DeviceError(f"the name {config.host} cannot be resolved: {error}") from error
    return str(address)


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(f"{file} cannot be read: {error}") from error
