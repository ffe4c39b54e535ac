"""The composition root: builds the parts, starts consumers before producers, stops in reverse."""

import asyncio
import logging
import random
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import control, keys
from gateway.box import Box
from gateway.clock import Clock
from gateway.config import Config
from gateway.errors import GatewayError
from gateway.events import Pseudonyms
from gateway.fleet import Fleet
from gateway.journal import Journal
from gateway.picture import Picture
from gateway.recorder import Recorder
from gateway.timefloor import TimeFloor
from gateway.uplink import Uplink

_log = logging.getLogger(__name__)

_DRAIN_S = 2.0
"""How long stopping waits for readings already taken; then they stay unrecorded."""


def run_forever(config: Config) -> int:
    """Run the gateway until SIGTERM or SIGINT; the exit code.

    Raises:
        GatewayError: the gateway cannot start, in one sentence.
    """
    asyncio.run(_until_signal(config))
    return 0


async def _until_signal(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(config, stop)


async def run(config: Config, stop: asyncio.Event) -> None:
    """Run the gateway until `stop` is set.

    Raises:
        GatewayError: the gateway cannot start, in one sentence.
    """
    place = config.gateway
    _make_directory(place.state_dir)
    floor = TimeFloor(place.state_dir / "time-floor")
    clock = Clock(floor_ms=floor.load())
    pseudonyms = Pseudonyms(
        keys.load_or_create(
            place.state_dir / "pseudonym.key", Pseudonyms.new_key, Pseudonyms.KEY_BYTES
        )
    )
    path = place.state_dir / config.journal.file
    journal = await Journal.open(path, source=place.source, clock=clock, config=config.journal)
    keeping = asyncio.create_task(floor.keep(clock), name="time-floor")
    try:
        await Gateway(config, clock, journal, Recorder(journal, pseudonyms, clock)).run(stop)
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
        await journal.close()


class Gateway:
    """One running gateway."""

    def __init__(self, config: Config, clock: Clock, journal: Journal, recorder: Recorder) -> None:
        self._config = config
        self._clock = clock
        self._journal = journal
        self._recorder = recorder
        self._fleet = Fleet(recorder.take, clock, random.Random())
        self._uplink = Uplink(config, journal, clock, self._fleet.states)
        self._picture = Picture(
            config,
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
            "%s started: epoch %s, %d events recorded, %d waiting",
            self._config.gateway.id,
            self._journal.epoch,
            self._journal.counts().recorded,
            self._journal.counts().waiting,
        )
        await self._fleet.change(self._fleet.plan(self._config))
        uplink_stop = asyncio.Event()
        async with (
            control.serve(
                control.socket_path(self._config.gateway.state_dir), {"health": self._tell_health}
            ),
            asyncio.TaskGroup() as parts,
        ):
            living = parts.create_task(_end_with_any(self._journal.tasks), name="journal")
            recording = parts.create_task(self._recorder.run(), name="recorder")
            parts.create_task(self._uplink.run(uplink_stop), name="uplink")
            watching = parts.create_task(self._picture.follow(), name="picture")
            devices = parts.create_task(self._fleet.run(), name="devices")
            await stop.wait()
            _log.info("stopping")
            devices.cancel()
            await asyncio.wait([devices])
            await self._drain()
            recording.cancel()
            living.cancel()
            watching.cancel()
            uplink_stop.set()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(_DRAIN_S):
                await self._recorder.drained()
        except TimeoutError:
            _log.error("the journal takes nothing; the last readings stay unrecorded")

    async def _tell_health(self, _: Mapping[str, object]) -> control.Answer:
        return control.Answer(body=self._picture())


async def _end_with_any(tasks: Sequence[asyncio.Task[None]]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise GatewayError(f"cannot use the state directory {path}: {error.strerror}") from error
