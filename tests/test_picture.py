"""The picture of the running gateway: true to the second, whatever the wall clock does."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from drivers.base import CodeScanned, DeviceObserved, DeviceState, Driver, Emit
from gateway.box import Box
from gateway.clock import Clock, TimeQuality
from gateway.config import Config, JournalConfig, Place, UplinkConfig
from gateway.events import Origin, Pseudonyms, Unjudged
from gateway.health import Health
from gateway.journal import Journal
from gateway.picture import Picture
from gateway.recorder import Recorder
from gateway.supervisor import Backoff, Supervisor
from gateway.uplink import Uplink
from tests.brokers import until
from tests.journal.journals import SOURCE
from tests.ports import free_port

HOUR_NS = 3600 * 10**9
START_NS = 1_774_000_000 * 10**9


class Talking(Driver):
    """Says what it is told to."""

    def __init__(self) -> None:
        self.emit: Emit | None = None

    async def run(self, emit: Emit) -> NoReturn:
        self.emit = emit
        await asyncio.get_running_loop().create_future()
        raise AssertionError("unreachable")


@dataclass
class Times:
    """Two clocks in the test's hands."""

    wall_ns: int = START_NS
    mono_ns: int = HOUR_NS
    right: bool = True

    def clock(self) -> Clock:
        return Clock(
            wall_ns=lambda: self.wall_ns,
            mono_ns=lambda: self.mono_ns,
            synchronised=lambda: self.right,
            floor_ms=1_700_000_000_000,
        )

    def pass_by(self, seconds: float) -> None:
        self.wall_ns += round(seconds * 1e9)
        self.mono_ns += round(seconds * 1e9)


@dataclass
class Gate:
    """The parts that the picture is of."""

    picture: Picture
    recorder: Recorder
    device: Talking

    async def says(self, reading: DeviceObserved | CodeScanned) -> None:
        assert self.device.emit is not None
        await self.device.emit(reading)
        await self.recorder.drained()

    async def shows_waiting_since(self) -> Health:
        """The picture once the oldest event that waits has been looked up."""
        await until(lambda: self.picture().journal.oldest_waiting is not None)
        return self.picture()


@asynccontextmanager
async def gate(directory: Path, times: Times) -> AsyncIterator[Gate]:
    place = Place(
        id="410102011003007", district="410102", street="011", community="003", state_dir=directory
    )
    config = Config(gateway=place, uplink=UplinkConfig(host="127.0.0.1", port=free_port()))
    clock = times.clock()
    journal = await Journal.open(
        directory / "journal.db", source=SOURCE, clock=clock, config=JournalConfig()
    )
    recorder = Recorder(journal, Unjudged(Pseudonyms(Pseudonyms.new_key())), clock)
    device = Talking()
    origin = Origin("cam", "camera", "in-1")
    supervisor = Supervisor(origin, device, recorder.take, clock, Backoff(1, 2, random.Random(1)))
    uplink = Uplink(config, journal, clock, dict)
    picture = Picture(
        lambda: config,
        lambda: None,
        clock,
        journal,
        recorder,
        uplink,
        lambda: [supervisor],
        Box(directory, directory),
    )
    picture.LOOK_S = 0.01
    tasks = [asyncio.create_task(each.run()) for each in (recorder, supervisor)]
    tasks.append(asyncio.create_task(picture.follow()))
    await until(lambda: device.emit is not None)
    try:
        yield Gate(picture, recorder, device)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await journal.close()


async def test_a_device_its_state_and_its_last_reading(tmp_path: Path) -> None:
    times = Times()
    async with gate(tmp_path, times) as there:
        silent = there.picture().devices["cam"]
        assert (silent.driver, silent.lane, silent.state) == ("camera", "in-1", None)
        assert silent.since is None
        assert silent.last is None

        await there.says(DeviceObserved(DeviceState.ONLINE))
        times.pass_by(100)
        await there.says(CodeScanned(b"secret", "QR", "camera"))
        times.pass_by(12)
        times.wall_ns -= 10 * 365 * 24 * HOUR_NS
        seen = there.picture()
        device = seen.devices["cam"]
        assert device.since is not None
        assert device.since.age_s == 112
        assert device.last is not None
        assert (device.last.kind, device.last.at.age_s) == ("code", 12)
        assert "secret" not in seen.model_dump_json()


async def test_a_state_is_as_old_as_the_state_and_not_as_its_reason(tmp_path: Path) -> None:
    times = Times()
    async with gate(tmp_path, times) as there:
        await there.says(DeviceObserved(DeviceState.DEGRADED, "dark", 12))
        times.pass_by(60)
        await there.says(DeviceObserved(DeviceState.DEGRADED, "dark", 11))
        device = there.picture().devices["cam"]
        assert device.since is not None
        assert device.since.age_s == 60


async def test_how_long_the_oldest_has_been_waiting(tmp_path: Path) -> None:
    times = Times()
    async with gate(tmp_path, times) as there:
        assert there.picture().journal.oldest_waiting is None
        await there.says(DeviceObserved(DeviceState.ONLINE))
        times.pass_by(7200)
        oldest = (await there.shows_waiting_since()).journal.oldest_waiting
        assert oldest is not None
        assert oldest.age_s == 7200

        times.right, times.wall_ns = False, 0
        times.pass_by(Clock.RECHECK_S)
        now = there.picture()
        assert now.clock.quality is TimeQuality.UNSYNC
        assert now.journal.oldest_waiting is None, "nobody knows how late it is"


async def test_the_time_what_is_known_of_it_and_since_when_the_box_runs(tmp_path: Path) -> None:
    times = Times()
    async with gate(tmp_path, times) as there:
        clock = there.picture().clock
    assert clock.quality is TimeQuality.SYNC
    assert clock.time == "2026-03-20T09:46:40.000Z"
    assert clock.floor == "2023-11-14T22:13:20.000Z"
    assert clock.booted is not None
    assert clock.booted.time == "2026-03-20T08:46:40.000Z"


async def test_room_and_versions(tmp_path: Path) -> None:
    async with gate(tmp_path, Times()) as there:
        await until(lambda: there.picture().journal.taken_bytes is not None)
        seen = there.picture()
    assert seen.journal.taken_bytes is not None
    assert seen.journal.most_bytes == 2_000_000_000
    assert seen.journal.taken_bytes > 4 << 20, "the ballast counts"
    assert seen.journal.left_bytes is not None
    assert seen.versions.contract == "cg1"
    assert seen.versions.software


async def test_the_box_is_looked_at_now_and_then(tmp_path: Path) -> None:
    times = Times()
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.parent.mkdir(parents=True)
    zone.write_text("41000")
    async with gate(tmp_path, times) as there:
        assert there.picture().box.celsius == 41
        zone.write_text("52000")
        assert there.picture().box.celsius == 41
        times.pass_by(Picture.BOX_S + 1)
        assert there.picture().box.celsius == 52
