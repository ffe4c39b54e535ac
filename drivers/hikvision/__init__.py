"""Hikvision door terminals that are on the site already: their events over HTTP (ISAPI).

::

    GET alertStream ──> multipart ──> alert ──> replays ──> door, code, temperature

What is in an alert is in `isapi`. What a terminal repeats from its memory is left out: it is no
event of now, and a door is not where it was. After each reconnect the doors are asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Annotated, Final, Literal, NoReturn, Self

import aiohttp
from pydantic import Field, StringConstraints, ValidationError, model_validator

from drivers.base import (
    CodeScanned,
    Command,
    CommandError,
    DeviceConfig,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Emit,
    Name,
    OptionTable,
    Position,
    Quality,
    Reading,
    Release,
    Role,
    SecretPath,
    Surface,
    TemperatureMeasured,
)
from drivers.base import Driver as BaseDriver
from drivers.hikvision import http, multipart
from drivers.hikvision.isapi import RELEASE, STATUS, STREAM, Access, Alert, WorkStatus, release_path

_ANSWER_S: Final = 10.0
_STATUS_MOST: Final = 1 << 18
_LOCKED_OUT_S: Final = 31 * 60.0
"""For half an hour after a few wrong passwords a terminal refuses the right one, too."""
_NOT_UNDERSTOOD: Final = "sends events that are not understood"


_PORT: Final = r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]"
_Address = Annotated[
    str,
    StringConstraints(pattern=rf"^https?://[A-Za-z0-9][A-Za-z0-9.-]{{0,252}}(:({_PORT}))?/?$"),
    Field(
        json_schema_extra={"words": "http://HOST or https://HOST, in quotes, and nothing behind"}
    ),
]


class DoorConfig(OptionTable):
    """`[devices.NAME.doors.DOOR]`: one of the terminal's doors."""

    number: Annotated[int, Field(ge=1, le=256)] = 1
    """Which one, counted from 1 as the terminal does."""
    role: Role
    """What the door is for: `gate`, `sealed` or `home`."""
    contact: bool = True
    """A door contact is wired to the terminal; without one its "closed" proves
    nothing."""


class Config(DeviceConfig):
    """A Hikvision terminal or door controller on the network."""

    driver: Literal["hikvision"]
    url: _Address
    """Its address, `http://HOST` or `https://HOST`."""
    credentials_file: SecretPath
    """File with `user:password` on its first line."""
    ca_file: SecretPath | None = None
    """PEM file with the authority, or the terminal's own certificate; without it the system's."""
    silence_s: Annotated[float, Field(ge=1, le=600)] = 60.0
    """Nothing heard for this long, not even a sign of life: the terminal is lost."""
    temperature: Surface = Surface.SURFACE
    """What its temperatures are: `surface` of the skin, or `body` if it is set to convert them."""
    plausible_celsius: tuple[float, float] = (34.5, 42.0)
    """Lowest and highest temperature that skin can have indoors; others are marked invalid."""
    doors: dict[Name, DoorConfig] = Field(default_factory=dict)
    """The doors that the terminal controls."""

    @property
    def releasable(self) -> frozenset[str]:
        """See :meth:`drivers.base.DeviceConfig.releasable`."""
        return frozenset(name for name, door in self.doors.items() if door.role is not Role.HOME)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        low, high = self.plausible_celsius
        if low >= high:
            raise ValueError(f"plausible_celsius: {low} is not below {high}")
        taken: dict[int, str] = {}
        for name, door in self.doors.items():
            use = f"doors.{name}.number"
            if door.number in taken:
                raise ValueError(f"{use} is {door.number}, as is {taken[door.number]}")
            taken[door.number] = use
        return self


class Driver(BaseDriver):
    """Follows the terminal's events, and lets somebody through when told to."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._doors = {
            door: DoorObserved(door, each.role, Position.UNKNOWN)
            for door, each in config.doors.items()
        }
        self._told: dict[str, DoorObserved] = {}
        self._last: tuple[int, str] | None = None  # outlives a lost connection, as replays do
        self._refused: tuple[str, float] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        credentials = http.credentials(self._config.credentials_file)
        self._spare_the_account(credentials)
        try:
            async with self._connected(credentials) as session, session.get(STREAM) as stream:
                if stream.status == 401:
                    self._refused = credentials, asyncio.get_running_loop().time() + _LOCKED_OUT_S
                    self._spare_the_account(credentials)
                _refuse(stream, self._config)
                mark = multipart.boundary(stream.headers.get("Content-Type", ""))
                if mark is None:
                    raise DeviceError(f"{self._config.url} sends no stream of events")
                self.counters.online()
                await emit(DeviceObserved(DeviceState.ONLINE))
                await self._look_at_doors(session, emit)
                codec = multipart.Codec(mark, self.counters)
                while data := await _heard(stream, self._config.silence_s):
                    for part in codec.feed(data):
                        await self._take(part, emit)
        except TimeoutError as error:
            raise DeviceError(f"{self._config.url} does not answer, or sends no more") from error
        except (aiohttp.ClientError, OSError) as error:
            raise DeviceError(f"{self._config.url} cannot be used: {_why(error)}") from error
        raise DeviceError(f"{self._config.url} has ended the stream")

    def lost(self) -> Sequence[Reading]:
        """See :meth:`drivers.base.Driver.lost`."""
        self._doors = {
            name: DoorObserved(name, door.role, Position.UNKNOWN)
            for name, door in self._doors.items()
        }
        news = [door for name, door in self._doors.items() if self._told.get(name) != door]
        self._told.update((door.door, door) for door in news)
        return news

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        if not isinstance(command, Release) or command.door not in self._config.doors:
            await super().execute(command)
            return
        if self._config.doors[command.door].role is Role.HOME:
            raise CommandError("a home door is only ever watched; nothing may release it")
        if self._session is None:
            raise CommandError(f"{self._config.url} is not connected")
        path = release_path(self._config.doors[command.door].number)
        try:
            async with asyncio.timeout(_ANSWER_S), self._session.put(path, data=RELEASE) as answer:
                if answer.status != 200:
                    raise CommandError(f"{self._config.url} refuses: HTTP status {answer.status}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise CommandError(f"{self._config.url} did not confirm: {_why(error)}") from error

    def _spare_the_account(self, credentials: str) -> None:
        """Refuse to try a password again that was wrong just now."""
        now = asyncio.get_running_loop().time()
        if self._refused is not None and self._refused[0] == credentials and now < self._refused[1]:
            raise DeviceError(
                f"{self._config.url} refuses the user or the password in"
                f" {self._config.credentials_file}; they are tried again when that file has"
                f" changed, or in half an hour, or it would lock the user out"
            )

    @asynccontextmanager
    async def _connected(self, credentials: str) -> AsyncIterator[aiohttp.ClientSession]:
        config = self._config
        async with http.session(
            config.url, credentials, config.ca_file, config.silence_s
        ) as session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    async def _look_at_doors(self, session: aiohttp.ClientSession, emit: Emit) -> None:
        status = WorkStatus.model_validate({})
        async with asyncio.timeout(_ANSWER_S), session.get(STATUS) as answer:
            with suppress(ValidationError):  # older terminals have no such page
                status = WorkStatus.model_validate_json(await _beginning(answer, _STATUS_MOST))
        for name, door in self._config.doors.items():
            position, lock = status.position(door.number), status.lock(door.number)
            self._doors[name] = replace(
                self._doors[name],
                position=position if door.contact else Position.UNKNOWN,
                lock=lock,
            )
            await self._tell(emit, name)

    async def _take(self, part: multipart.Part, emit: Emit) -> None:
        alert = Alert.read(part.body)
        if alert is None:
            self.counters.unknown += 1
            await emit(DeviceObserved(DeviceState.DEGRADED, _NOT_UNDERSTOOD))
            return
        await emit(DeviceObserved(DeviceState.ONLINE))
        event = alert.access
        if event is None or self._is_replay(event, alert.at):
            return
        await self._note_door(event, emit)
        for reading in self._about_a_person(event):
            await emit(reading)

    def _is_replay(self, event: Access, at: str) -> bool:
        """Whether the terminal repeats it from its memory.

        A number that is not higher belongs to a new count only if the time is later: a terminal
        that was reset counts from 1 again.
        """
        if event.serial is None:
            return not event.current
        seen = self._last is not None and event.serial <= self._last[0] and at <= self._last[1]
        if not seen:
            self._last = event.serial, at
        return seen or not event.current

    async def _note_door(self, event: Access, emit: Emit) -> None:
        for name, door in self._config.doors.items():
            known = self._doors[name]
            if event.tamper is not None:
                known = replace(known, tamper=event.tamper)
            if event.door == door.number and event.position is not None and door.contact:
                known = replace(known, position=event.position)
            if event.door == door.number and event.lock is not None:
                known = replace(known, lock=event.lock)
            self._doors[name] = known
            await self._tell(emit, name)

    async def _tell(self, emit: Emit, name: str) -> None:
        door = self._doors[name]
        if self._told.get(name) != door:
            await emit(door)
            self._told[name] = door

    def _about_a_person(self, event: Access) -> Iterator[Reading]:
        if not event.is_about_a_person:
            return
        if event.code:
            yield CodeScanned(event.code.encode(errors="surrogatepass"), "qr", "terminal")
        elif event.card:
            yield CodeScanned(event.card.encode(errors="surrogatepass"), "card", "terminal")
        if (celsius := event.celsius) is not None:
            low, high = self._config.plausible_celsius
            reason = {celsius < low: "below-plausible", celsius > high: "above-plausible"}.get(True)
            yield TemperatureMeasured(
                celsius,
                celsius,
                self._config.temperature,
                quality=Quality.INVALID if reason else Quality.OK,
                reason=reason,
            )


async def _heard(stream: aiohttp.ClientResponse, silence_s: float) -> bytes:
    # Not left to aiohttp: after a broken chunk its own time-out never ends the wait.
    async with asyncio.timeout(silence_s):
        return await stream.content.readany()


async def _beginning(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, or as much of it as anybody should send."""
    try:
        return await answer.content.readexactly(most)
    except asyncio.IncompleteReadError as end:
        return end.partial


def _why(error: Exception) -> str:
    # What is wrong with an answer aiohttp tells with a piece of it: it may be somebody's code.
    return str(error) if isinstance(error, OSError) else type(error).__name__


def _refuse(answer: aiohttp.ClientResponse, config: Config) -> None:
    """Say what an answer without events means."""
    match answer.status:
        case 200:
            return
        case 403:
            raise DeviceError(f"{config.url}: this user may not receive events")
        case status:
            raise DeviceError(f"{config.url} has no stream of events: HTTP status {status}")
