"""Whatever a camera does, and whatever becomes of the process that looks through it: it is found
out, the rest of the gate goes on as if nothing were, and when the camera is well again it is used.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from drivers.base import DeviceState
from drivers.camera.conditions import FROZEN_S
from tests.daemon import GATE, Daemon
from tests.drivers import codes
from tests.drivers.conftest import children
from tests.drivers.streams import part
from tests.faults.account import Account
from tests.faults.cgroups import memory_group
from tests.faults.mutants import Mutant
from tests.faults.numbered import Numbered, numbers
from tests.faults.site import ROOT, killed_at_the_end
from tests.faults.troubledcamera import TroubledCamera
from tests.journal.journals import query
from tests.ports import free_port

SAMPLES_HZ = 50
NOTICED_S = 20.0
"""The eye is given up 2.5 s after its last word; the rest is for a loaded machine."""
RECOVERED_S = 20.0
"""After the trouble: a second of waiting, a start of the eye, a picture."""
OFTEN = 8
"""Connections in a storm; far more than a sound gateway makes in the time that is taken for it."""

_CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
baud = 9600
measuring = {{ report = "every", every_s = 0 }}

[devices.camera]
driver = "camera"
source = "{url}"
open_timeout_s = 1.0
read_timeout_s = 0.5
gone_after_s = 60
"""
)


@dataclass(frozen=True)
class Gate:
    """A running gate with a thermometer, and a camera that is going to have troubles."""

    daemon: Daemon
    camera: TroubledCamera
    thermometer: Numbered

    @property
    def journal(self) -> Path:
        return self.daemon.state_dir / "journal.db"

    @property
    def eye(self) -> int:
        """The process that looks through the camera."""
        (pid,) = children(self.daemon.pid)
        return pid

    async def becomes(self, *states: DeviceState) -> None:
        """Wait until the camera is in one of these states."""
        await self.daemon.until(
            lambda now: now.devices["camera"].state in states, within_s=NOTICED_S
        )

    async def recorded(self) -> int:
        """How many events there are."""
        return (await self.daemon.until(lambda _: True)).journal.recorded

    async def goes_on(self) -> None:
        """Wait until the thermometer has been recorded for half a second more."""
        goal = await self.recorded() + SAMPLES_HZ // 2
        await self.daemon.until(lambda now: now.journal.recorded > goal)

    async def sees(self) -> float:
        """Wait until all who have held up a code are recorded; how long that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(RECOVERED_S):
            while self.scans < self.camera.shown:
                await asyncio.sleep(0.02)
        return loop.time() - began

    @property
    def scans(self) -> int:
        [(count,)] = query(self.journal, "SELECT count(*) FROM event WHERE kind = 'scan'")
        return int(count)

    def lost_samples(self) -> int:
        """Of the thermometer, from the first that was recorded to the last."""
        found = numbers(self.journal, "thermometer")
        assert found == sorted(set(found))
        return found[-1] - found[0] + 1 - len(found)


@asynccontextmanager
async def gate(directory: Path, *program: str) -> AsyncIterator[Gate]:
    """One that is at work; its devices are tried again as soon as after a long good time."""
    async with (
        TroubledCamera() as camera,
        Numbered(directory / "thermometer", rate_hz=SAMPLES_HZ) as thermometer,
    ):
        daemon = Daemon(
            directory,
            _CONFIG.format(port=free_port(), url=camera.url),
            environment={"PYTHONPATH": str(ROOT)},
            program=program or ("tests.faults.hurry",),
        )
        async with killed_at_the_end(daemon):
            await daemon.start()
            it = Gate(daemon, camera, thermometer)
            await it.becomes(DeviceState.ONLINE)
            await it.sees()
            yield it


Trouble = Callable[[Gate], Awaitable[None]]
LOST = (DeviceState.LOST,)


def stream(
    spoil: Callable[[bytes], bytes] = bytes, *, head: bytes | None = None, most: int | None = None
) -> Trouble:
    """The stream goes on like that, or its next connection does."""

    async def trouble(gate: Gate) -> None:
        gate.camera.spoil, gate.camera.most = spoil, most
        if head is not None:
            gate.camera.head = head
            await gate.camera.unplug()
            await gate.camera.replug()
        await gate.becomes(*LOST)

    return trouble


def process(number: signal.Signals) -> Trouble:
    """The eye gets a signal."""

    async def trouble(gate: Gate) -> None:
        os.kill(gate.eye, number)
        await gate.becomes(*LOST)

    return trouble


async def unplugged(gate: Gate) -> None:
    """The camera is off the network for a while."""
    await gate.camera.unplug()
    await gate.becomes(*LOST)
    await gate.goes_on()
    await gate.camera.replug()


async def storm(gate: Gate) -> None:
    """Every connection ends after one picture; the gateway does not join in."""
    before = gate.camera.connections
    gate.camera.most = 1
    await gate.becomes(*LOST)
    for _ in range(6):
        await gate.goes_on()
    assert gate.camera.connections - before < OFTEN


async def slow(gate: Gate) -> None:
    """Pictures come just often enough: nothing is lost."""
    gate.camera.period_s = 0.3
    for _ in range(4):
        await gate.goes_on()
        now = await gate.daemon.until(lambda _: True)
        assert now.devices["camera"].state is DeviceState.ONLINE


def scrambled(whole: bytes) -> bytes:
    """The same head, and noise between the marks of a JPEG."""
    return part(b"\xff\xd8" + random.Random(len(whole)).randbytes(len(whole)) + b"\xff\xd9")


def cut(whole: bytes) -> bytes:
    """Half of it."""
    return whole[: len(whole) // 2]


_PAGE = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Log in</html>\r\n"
_WHO = b'HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
TROUBLES: dict[str, Trouble] = {
    "killed": process(signal.SIGKILL),
    "stopped": process(signal.SIGSTOP),
    "half-open": stream(lambda _: b""),
    "garbage pictures": stream(scrambled),
}
"""Of the short form."""
MORE_TROUBLES: dict[str, Trouble] = {
    "cut pictures": stream(cut),
    "a page instead of pictures": stream(head=_PAGE),
    "asks for a password": stream(head=_WHO),
    "off the network": unplugged,
    "ends every connection": storm,
    "slow pictures": slow,
    "crashed": process(signal.SIGSEGV),
}


async def endure(gate: Gate, troubles: dict[str, Trouble], account: Account) -> None:
    """One trouble after the other; note what has come of each."""
    for name, trouble in troubles.items():
        entry, before = account.of(f"camera: {name}"), await gate.recorded()
        await trouble(gate)
        await gate.goes_on()
        gate.camera.heal()
        gate.camera.show_next()
        entry.recovered(await gate.sees())
        entry.count += 1
        entry.recorded += await gate.recorded() - before
    assert await gate.daemon.stop() == 0
    assert gate.lost_samples() == 0
    assert gate.scans == gate.camera.shown


async def test_the_gate_goes_on_and_the_camera_comes_back(tmp_path: Path, account: Account) -> None:
    async with gate(tmp_path) as it:
        await endure(it, TROUBLES, account)


@pytest.mark.long
async def test_so_it_does_with_all_other_troubles(tmp_path: Path, account: Account) -> None:
    async with gate(tmp_path) as it:
        await endure(it, MORE_TROUBLES, account)


@pytest.mark.long
async def test_it_finds_what_waits_for_the_eye_without_end(
    tmp_path: Path, account: Account
) -> None:
    async with gate(tmp_path, "tests.faults.hurry", Mutant.PATIENT) as it:
        os.kill(it.eye, signal.SIGSTOP)
        with pytest.raises(AssertionError, match="never so"):
            await it.daemon.until(
                lambda now: now.devices["camera"].state is DeviceState.LOST, within_s=6
            )
    account.of("camera: stopped").caught.append(Mutant.PATIENT)


@pytest.mark.long
async def test_where_memory_runs_out_the_eye_goes(tmp_path: Path, account: Account) -> None:
    """A picture of 64 million points, the largest that is taken, in a box of 128 MB."""
    entry = account.of("camera: memory runs out")
    huge = part(codes.jpeg(np.full((8000, 8000), 128, np.uint8)))
    with memory_group(128) as group:
        async with gate(tmp_path, "tests.faults.cgroups", str(group.directory), "64") as it:
            it.camera.spoil = lambda _: huge
            await it.becomes(*LOST)
            await it.goes_on()
            assert group.kills > 0
            it.camera.heal()
            it.camera.show_next()
            entry.recovered(await it.sees())
            assert await it.daemon.stop() == 0
            entry.count += 1
            entry.recorded += len(numbers(it.journal, "thermometer"))
            entry.lost += it.lost_samples()
    assert entry.lost == 0


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("black picture", lambda _: part(codes.jpeg(np.zeros((240, 320), np.uint8)))),
        ("frozen picture", partial(lambda frozen, _: frozen, part(codes.jpeg(codes.noise())))),
    ],
)
async def test_a_picture_that_shows_nothing_is_told(
    tmp_path: Path, name: str, spoil: Callable[[bytes], bytes], account: Account
) -> None:
    entry = account.of(f"camera: {name}")
    async with gate(tmp_path) as it:
        it.camera.spoil = spoil
        await it.daemon.until(
            lambda now: now.devices["camera"].state is DeviceState.DEGRADED,
            within_s=FROZEN_S + NOTICED_S,
        )
        await it.goes_on()
        it.camera.heal()
        it.camera.show_next()
        entry.recovered(await it.sees())
        await it.becomes(DeviceState.ONLINE)
        assert await it.daemon.stop() == 0
        entry.count += 1
        entry.recorded += len(numbers(it.journal, "thermometer"))
        entry.lost += it.lost_samples()
    assert entry.lost == 0
