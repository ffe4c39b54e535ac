"""Takes a changed configuration into force while the gate works: all of it, or nothing."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import BaseModel

from drivers.base import DeviceError
from gateway import configfile
from gateway.clock import Clock
from gateway.config import Config
from gateway.configfile import Source
from gateway.configfile.mistakes import Mistake
from gateway.control import Answer, Status
from gateway.errors import ConfigError, GatewayError
from gateway.events import DocumentState, Draft, document
from gateway.supervisor import contained

_log = logging.getLogger(__name__)

_NAME = "configuration"
_RESTART = "takes a restart: systemctl restart checkpoint-gateway"
_LIVE: Final = frozenset(
    {
        ("uplink",),
        ("lanes",),
        ("devices",),
        ("doors",),
        ("policy",),
        ("passes",),
        ("alarms",),
        ("duty",),
        ("inspections",),
        ("reports",),
        ("journal", "max_mb"),
        ("journal", "keep_days"),
        ("gateway", "reload_on_change"),
    }
)
"""Tables and options that can change while the gate works."""
_TOLD_LINES = 5
"""Of the mistakes, in an event; the log and whoever asked get all of them."""

Apply = Callable[[Config], Awaitable[str]]
"""Takes a configuration into force, and says what that took; raises GatewayError when it cannot,
and has changed nothing then."""


class Reloader:
    """The configuration in force, and what becomes of the next.

    Where it is as it was, ``refresh`` takes into force what has changed in the files that it names,
    and says what that is; it raises GatewayError as ``apply`` does.

    Whoever wants the file to be read again without an answer sets ``wanted``. A file that is
    watched is looked at every ``look_s``; while it goes on changing it is left alone.
    """

    def __init__(
        self,
        file: Path,
        config: Config,
        apply: Apply,
        refresh: Callable[[], Awaitable[str]],
        note: Callable[[Draft], Awaitable[None]],
        clock: Clock,
        wanted: asyncio.Event,
        *,
        look_s: float = 2.0,
    ) -> None:
        self._file = file.absolute()
        self._config = config
        self._apply = apply
        self._refresh = refresh
        self._note = note
        self._clock = clock
        self._wanted = wanted
        self._look_s = look_s
        self._asked: list[asyncio.Future[Answer]] = []
        self._refusal: tuple[str | None, str] | None = None

    @property
    def version(self) -> str:
        """Of the configuration in force; see `Config.version`."""
        return self._config.version

    @property
    def refused(self) -> str | None:
        """Why the file as it was found last is not in force; None if it is."""
        return self._refusal[1] if self._refusal else None

    async def reload(self) -> Answer:
        """Take the file as it is now into force; what became of that."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._wanted.set()
        return await answer

    async def answer(self, request: Mapping[str, Any]) -> Answer:
        """`reload`, from the local socket; with `file` only if that is the one in use."""
        file = request.get("file")
        if file is not None and not _same(self._file, file):
            text = f"the gateway that runs here works by {self._file}, not by {file}"
            return Answer(status=Status.CONFLICT, text=text)
        return await self.reload()

    async def run(self) -> NoReturn:
        """Reload when that is wanted, or the file has changed and is watched; until cancelled."""
        await self._tell(DocumentState.APPLIED, self._config.version)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                asked, self._asked = self._asked, []
                answer = await self._reload()
                for each in asked:
                    if not each.done():  # whoever asked may have gone
                        each.set_result(answer)

    async def _watch(self) -> NoReturn:
        handled = last = None  # it may have changed since the start
        while True:
            await asyncio.sleep(self._look_s)
            last, before = _mark(self._file), last
            if not self._config.gateway.reload_on_change:
                handled = last
            elif last not in (None, handled) and last == before:
                handled = last
                self._wanted.set()

    async def _reload(self) -> Answer:
        version = None
        try:
            source = await asyncio.to_thread(configfile.read, self._file)
            version = source.version
            if version == self._config.version:
                return self._nothing_new(version, await self._refresh())
            # Reading it imports the drivers that are new, and a large one takes a second.
            with contained("a driver that the configuration names"):
                config = await asyncio.to_thread(configfile.understand, source)
            _refuse_fixed(source, self._config, config)
            done = await self._apply(config)
        except (GatewayError, DeviceError) as error:
            return await self._refuse(version, error)
        self._config, self._refusal = config, None
        text = f"configuration {version} is in force: {done}"
        _log.info("%s", text)
        await self._tell(DocumentState.APPLIED, version)
        return Answer(text=text)

    def _nothing_new(self, version: str, done: str) -> Answer:
        if self._refusal:
            _log.info("the file is that of configuration %s again, which is in force", version)
        self._refusal = None
        return Answer(text=f"nothing has changed in configuration {version}: {done}")

    async def _refuse(self, version: str | None, error: GatewayError | DeviceError) -> Answer:
        known, self._refusal = self._refusal, (version, str(error))
        if self._refusal != known:
            stays = self._config.version
            _log.warning("the configuration is refused, %s stays in force: %s", stays, error)
            await self._tell(DocumentState.REFUSED, version, _brief(str(error)))
        mistaken = isinstance(error, ConfigError) and not isinstance(error, _FixedError)
        return Answer(status=Status.MISTAKES if mistaken else Status.CONFLICT, text=str(error))

    async def _tell(
        self, state: DocumentState, version: str | None, reason: str | None = None
    ) -> None:
        await self._note(document(_NAME, version, state, reason, self._clock.now()))


class _FixedError(ConfigError):
    """There is no mistake in it, but it cannot be taken into force without a restart."""


def _refuse_fixed(source: Source, old: Config, new: Config) -> None:
    if fixed := list(_fixed(old, new)):
        raise _FixedError(str(configfile.refusal(source, fixed)))


def _fixed(old: BaseModel, new: BaseModel, at: tuple[str, ...] = ()) -> Iterator[Mistake]:
    """What is something else in `new` and cannot change while the gate works."""
    for name in type(old).model_fields:
        path, was, now = (*at, name), getattr(old, name), getattr(new, name)
        if was == now or path in _LIVE:
            continue
        if isinstance(was, BaseModel) and isinstance(now, BaseModel):
            yield from _fixed(was, now, path)
        else:
            yield Mistake(path, f"another value than the one in force ({was}) {_RESTART}")


def _same(file: Path, named: object) -> bool:
    try:
        return os.path.realpath(file) == os.path.realpath(str(named))
    except ValueError:  # no file has a NUL in its name
        return False


def _brief(text: str) -> str:
    lines = text.splitlines()
    more = [f"and {len(lines) - _TOLD_LINES} more"] if len(lines) > _TOLD_LINES else []
    return "\n".join([*lines[:_TOLD_LINES], *more])


def _mark(file: Path) -> tuple[int, ...] | None:
    """What shows that a file has been written again; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
