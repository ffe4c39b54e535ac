"""Noise on serial lines, and cables that are pulled out: of the whole daemon, not of a codec."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from drivers.base import DeviceState
from drivers.emulators.cable import Cable
from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from gateway.events import Kind
from gateway.health import Health
from tests.brokers import until
from tests.daemon import GATE, Daemon
from tests.faults.account import Account
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.noise import NOISES, Line, noisy
from tests.faults.numbered import numbers
from tests.faults.site import ROOT, killed_at_the_end
from tests.faults.soak import Held
from tests.journal.journals import query
from tests.ports import free_port

BYTES_PER_S = 11_520
"""What 115,200 baud bring at most."""
PIECE_S = 0.02
LATE_S = 10.0
"""What a loaded machine may add."""
RECOVERED_S = 2.0

_CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
"""
)
_THERMOMETER = """
[devices.{name}]
driver = "gy_mcu906"
port = "{port}"
baud = {baud}
measuring = {{ report = "every", every_s = 0 }}
"""
_BOARD = """
[devices.board]
driver = "modbus_io"
port = "board"
doors.gate-1 = { input = 0, role = "gate" }
"""


class Wire(Cable):
    """One that loses nothing: who sends waits until the other end has taken it."""

    def __init__(self, link: Path) -> None:
        super().__init__(link, lambda _: self.asked.set())
        self.asked = asyncio.Event()
        """Set when the other end has said something."""

    async def play(self, line: Line) -> None:
        """Send what is on `line`, as fast as a wire does and no faster."""
        await self.asked.wait()
        sent = 0
        for piece in line.pieces:
            await self._hand_over(piece)
            sent += len(piece)
            if sent > BYTES_PER_S * PIECE_S or len(piece) == 1:
                await asyncio.sleep(sent / BYTES_PER_S)
                sent = 0

    async def _hand_over(self, data: bytes) -> None:
        assert self._master is not None
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.001)


def daemon_with(directory: Path, stanzas: list[str], mutant: Mutant | None = None) -> Daemon:
    return Daemon(
        directory,
        _CONFIG.format(port=free_port()) + "".join(stanzas),
        environment={"PYTHONPATH": str(ROOT)},
        program=("tests.faults.hurry", *filter(None, [mutant])),
    )


def verify(journal: Path, lines: dict[str, Line]) -> None:
    """Hold what was recorded against what was whole.

    Raises:
        ViolationError: a frame is missing, or one has been made up.
    """
    for name, line in lines.items():
        found = numbers(journal, name)
        if made_up := [number for number in found if number not in line.whole]:
            raise ViolationError(f"{name}: made up: {made_up}")
        if found != line.whole:
            raise ViolationError(f"{name}: {len(line.whole) - len(found)} frames are missing")


async def listened(directory: Path, lines: dict[str, Line], mutant: Mutant | None = None) -> int:
    """Play `lines` to a daemon while a door goes to and fro; how often that was recorded.

    Raises:
        ViolationError: what was recorded is not what was whole.
    """
    stanzas = [_THERMOMETER.format(name=name, port=name, baud=115200) for name in lines]
    daemon = daemon_with(directory, [*stanzas, _BOARD], mutant)
    journal = daemon.state_dir / "journal.db"
    wires = {name: Wire(directory / name) for name in lines}
    async with ModbusBoard(directory / "board") as board, killed_at_the_end(daemon):
        for wire in wires.values():
            wire.plug()
        await daemon.start()
        await daemon.until(lambda now: now.devices["board"].state is DeviceState.ONLINE)
        await until(lambda: recorded(journal, Kind.DOOR))  # how it stood at first
        playing = [asyncio.create_task(wires[name].play(line)) for name, line in lines.items()]
        turns = await to_and_fro(board, journal, asyncio.gather(*playing))
        whole = sum(len(line.whole) for line in lines.values())
        with suppress(TimeoutError):  # what is missing will be said
            await until(lambda: recorded(journal, Kind.TEMPERATURE) >= whole, within_s=LATE_S)
        assert await daemon.stop() == 0
        for wire in wires.values():
            wire.unplug()
    verify(journal, lines)
    return turns


async def to_and_fro(board: ModbusBoard, journal: Path, over: asyncio.Future[list[None]]) -> int:
    """Open and close the door until `over`, each time when the last has been recorded."""
    turns = 0
    while not over.done():
        before = recorded(journal, Kind.DOOR)
        await board.set_input(0, active=turns % 2 == 0)
        await until(lambda: recorded(journal, Kind.DOOR) > before)  # noqa: B023
        turns += 1
    over.result()
    return turns


def recorded(journal: Path, kind: Kind) -> int:
    [(count,)] = query(journal, "SELECT count(*) FROM event WHERE kind = ?", kind)
    return int(count)


def lines_of(frames: int) -> dict[str, Line]:
    """One for each noise; its name is that of the thermometer."""
    return {name.replace(" ", "-"): noisy(noise, frames) for name, noise in NOISES.items()}


async def hear(directory: Path, frames: int, account: Account) -> None:
    """All noises at once, each on a line of its own."""
    lines = lines_of(frames)
    for name in NOISES:
        account.of(f"serial: {name}")
    assert await listened(directory, lines) > 10
    for name in NOISES:
        entry = account.of(f"serial: {name}")
        entry.count += frames
        entry.recorded += len(lines[name.replace(" ", "-")].whole)


async def test_every_whole_frame_is_found_and_none_made_up(
    tmp_path: Path, account: Account
) -> None:
    await hear(tmp_path, 120, account)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_so_it_is_of_five_hundred_frames(tmp_path: Path, account: Account) -> None:
    await hear(tmp_path, 500, account)


async def test_it_finds_what_trusts_every_frame(tmp_path: Path, account: Account) -> None:
    lines = {"bits": noisy(NOISES["bits turned over"], 30)}
    with pytest.raises(ViolationError, match="made up"):
        await listened(tmp_path, lines, Mutant.TRUSTING)
    account.of("serial: bits turned over").caught.append(Mutant.TRUSTING)


async def pull_out(directory: Path, cables: int, rounds: int, account: Account) -> None:
    """Several thermometers at once lose their cables, time and again, and have them back."""
    entry, loop = account.of("serial: cable pulled out"), asyncio.get_running_loop()
    by_id = directory / "by-id"
    by_id.mkdir()
    names = [f"usb-{number}" for number in range(cables)]
    stanzas = [_THERMOMETER.format(name=name, port=f"by-id/{name}", baud=9600) for name in names]
    daemon = daemon_with(directory, stanzas)
    async with AsyncExitStack() as plugged:
        devices = [
            await plugged.enter_async_context(Thermometer(by_id / name, rate_hz=20))
            for name in names
        ]
        await plugged.enter_async_context(killed_at_the_end(daemon))
        await daemon.start()
        await daemon.until(all_are(DeviceState.ONLINE))
        before = await Held.at_rest(daemon.pid)
        for _ in range(rounds):
            for device in devices:
                device.unplug()
            await daemon.until(all_are(DeviceState.LOST))
            back = loop.time()
            for device in devices:
                device.replug()
            await daemon.until(all_are(DeviceState.ONLINE))
            entry.recovered(loop.time() - back)
            entry.count += cables
        after = await Held.at_rest(daemon.pid)
        entry.recorded += (await daemon.until(lambda _: True)).journal.recorded
        assert await daemon.stop() == 0
    assert not after.descriptors - before.descriptors
    assert entry.recovery_s is not None
    assert entry.recovery_s < RECOVERED_S + LATE_S


def all_are(state: DeviceState) -> Callable[[Health], bool]:
    return lambda now: {each.state for each in now.devices.values()} == {state}


async def test_a_cable_is_pulled_out_and_put_back(tmp_path: Path, account: Account) -> None:
    await pull_out(tmp_path, 5, 2, account)


@pytest.mark.long
async def test_a_hundred_times(tmp_path: Path, account: Account) -> None:
    await pull_out(tmp_path, 5, 20, account)
