"""Records by USB stick: pulled, killed, lost, and the network back at any time; with the real
daemon, the commands as processes of their own, mosquitto, the reference centre, and exFAT."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from drivers.emulators.thermometer import Thermometer
from gateway import seal
from gateway.config import Confirm
from gateway.errors import GatewayError
from gateway.journal.exports import Exports
from gateway.stick.contents import events_of
from gateway.stick.folder import folders_on
from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import GATE, Daemon
from tests.faults.account import Account
from tests.faults.disk import Disk, FileSystem, disk
from tests.faults.exfat import Stick, exfat_stick
from tests.faults.kept import ViolationError, kept
from tests.faults.mutants import Mutant
from tests.faults.proxy import Conditions, FaultProxy, fault_proxy
from tests.faults.site import ROOT, killed_at_the_end
from tests.journal.journals import filled, opened
from tests.receiving import CountingCentre, Received, listening

FAULT = "USB stick"
BACKLOG = 15_000
"""Five parts."""
LONELY = 3_000
"""Recorded before the daemon starts."""
SAMPLES_HZ = 200
_CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
confirm = "{confirm}"

[export]
seal_to_file = "centre.pem"

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
baud = 9600
measuring = {{ report = "every", every_s = 0 }}
"""
)


@dataclass(frozen=True)
class Said:
    """What a command has said, and its exit code."""

    code: int
    out: str
    err: str


async def started(
    directory: Path, *words: object, mutant: Mutant | None = None
) -> asyncio.subprocess.Process:
    """`checkpoint-gateway` with `words`, as a process, or a mutant of it."""
    program = ("tests.faults.mutants", mutant) if mutant else ("gateway",)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *program, *map(str, words)),
        cwd=directory,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def said(process: asyncio.subprocess.Process) -> Said:
    """What it says until it ends."""
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


async def export(directory: Path, to: Path, mutant: Mutant | None = None) -> Said:
    return await said(await started(directory, "export", "gateway.toml", "--to", to, mutant=mutant))


async def started_import(directory: Path, stick: Path, port: int) -> asyncio.subprocess.Process:
    words = ("import", stick, "--host", "127.0.0.1", "--port", port, "--key", "centre.key")
    return await started(directory, *words)


def came(received: Received, least: int) -> bool:
    """Whether so many events have."""
    return len(received.contents) >= least


async def prepared(directory: Path, backlog: int = BACKLOG) -> None:
    """A gate's directory with a configuration, keys, and a journal with a backlog."""
    seal.make_keys(directory / "centre.key", directory / "centre.pem")
    (directory / "gateway.toml").write_text(_CONFIG.format(port=1, confirm="broker"))
    (directory / "state").mkdir()
    async with opened(directory / "state" / "journal.db") as journal:
        await filled(journal, backlog)


def verify_stick(directory: Path, stick: Path) -> list[bytes]:
    """That what bears a part's name is one, and that what is marked is there; all its events.

    Raises:
        ViolationError: it is not so.
    """
    key = seal.read_private(directory / "centre.key")
    try:
        [folder] = folders_on(stick)
        parts = [folder.part(name) for name in folder.parts()]
    except GatewayError as error:
        raise ViolationError(str(error)) from error
    marked = {mark.sha256 for mark in Exports(directory / "state" / "journal.db").marks()}
    if missing := marked - {part.digest for part in parts}:
        raise ViolationError(f"{len(missing)} parts are marked and not on the stick")
    return [line for part in parts for line in events_of(part, key)]


async def until_half_written(stick: Path) -> None:
    """Return while a part is being written, of a run that has just been started."""

    def half() -> bool:
        return any(stick.glob("checkpoint-gateway/*/0*.tmp"))

    await until(lambda: not half())  # what the run before has left goes first
    await until(half)


def verify_if_any(directory: Path, stick: Path) -> None:
    """As `verify_stick`, if there is a part yet."""
    if any(stick.glob("checkpoint-gateway/*/0*.ndj")):
        verify_stick(directory, stick)


async def verify_complete(directory: Path, lines: list[bytes]) -> None:
    found = await kept(directory / "state" / "journal.db")
    assert lines == [found.bodies[seq] for seq in sorted(found.bodies)]


async def test_killed_while_it_writes_it_goes_on(tmp_path: Path, account: Account) -> None:
    entry = account.of(f"{FAULT}: export killed or pulled")
    await prepared(tmp_path)
    async with exfat_stick(tmp_path) as stick:
        for _ in range(3):
            process = await started(tmp_path, "export", "gateway.toml", "--to", stick.mountpoint)
            await until_half_written(stick.mountpoint)
            process.kill()
            await process.communicate()
            verify_if_any(tmp_path, stick.mountpoint)
            entry.count += 1
        assert (await export(tmp_path, stick.mountpoint)).code == 0
        lines = verify_stick(tmp_path, stick.mountpoint)
        await verify_complete(tmp_path, lines)
    entry.recorded += len(lines)


async def test_pulled_out_while_it_writes_it_goes_on(tmp_path: Path, account: Account) -> None:
    entry = account.of(f"{FAULT}: export killed or pulled")
    await prepared(tmp_path)
    async with exfat_stick(tmp_path) as stick:
        for _ in range(2):
            process = await started(tmp_path, "export", "gateway.toml", "--to", stick.mountpoint)
            await until_half_written(stick.mountpoint)
            await stick.pull()
            heard = await said(process)
            assert heard.code == 1
            assert "the stick at" in heard.err
            assert len(heard.err.splitlines()) == 1
            await stick.plug()
            verify_if_any(tmp_path, stick.mountpoint)
            entry.count += 1
        assert (await export(tmp_path, stick.mountpoint)).code == 0
        await stick.unplug()
        await stick.plug()
        lines = verify_stick(tmp_path, stick.mountpoint)
        await verify_complete(tmp_path, lines)
    entry.recorded += len(lines)


async def exported_and_cut(directory: Path, mutant: Mutant | None) -> None:
    """Export to ext4, and cut the stick's power when the last part has been marked."""
    await prepared(directory, backlog=8_000)
    with disk(directory, directory / "stick") as stick:
        assert (await export(directory, stick.mountpoint, mutant)).code == 0
        stick.cut_power()
        stick.detach()
        # A copy: the kernel may take its time to let go of the image.
        left = directory / "left.img"
        shutil.copyfile(directory / "disk.img", left)
        found = Disk(left, directory / "found", FileSystem.EXT4)
        found.mountpoint.mkdir()
        found.mount()
        try:
            verify_stick(directory, found.mountpoint)
        finally:
            found.unmount()


async def test_what_is_marked_is_on_the_stick_whatever_happens(
    tmp_path: Path, account: Account
) -> None:
    await exported_and_cut(tmp_path, None)
    account.of(f"{FAULT}: export killed or pulled").count += 1


async def test_it_finds_what_marks_too_early(tmp_path: Path, account: Account) -> None:
    with pytest.raises(ViolationError):
        await exported_and_cut(tmp_path, Mutant.UNSYNCED)
    account.of(f"{FAULT}: export killed or pulled").caught.append(Mutant.UNSYNCED)


async def test_an_import_that_is_killed_goes_on(tmp_path: Path, account: Account) -> None:
    await prepared(tmp_path)
    async with (
        mosquitto(tmp_path) as broker,
        listening(broker.port, Received(CountingCentre())) as received,
        fault_proxy(broker.port, seed=1) as line,
        exfat_stick(tmp_path) as stick,
    ):
        assert (await export(tmp_path, stick.mountpoint)).code == 0
        line.conditions = Conditions(bytes_per_s=150_000)
        for least in (BACKLOG // 4, BACKLOG // 2):
            process = await started_import(tmp_path, stick.mountpoint, line.port)
            await until(partial(came, received, least))
            process.kill()
            await process.communicate()
        line.conditions = Conditions()
        heard = await said(await started_import(tmp_path, stick.mountpoint, line.port))
        assert heard.code == 0, heard.err
        await until(partial(came, received, BACKLOG))
    found = await kept(tmp_path / "state" / "journal.db")
    found.verify_delivered(received.contents)
    assert 0 < received.duplicates < 2 * 3_500  # of the part that was under way, each time
    entry = account.of(f"{FAULT}: import killed")
    entry.count += 2
    entry.recorded += BACKLOG
    entry.duplicates = received.duplicates


@dataclass(frozen=True)
class Gate:
    """A daemon that records and has no network, and a centre that others can reach."""

    directory: Path
    daemon: Daemon
    thermometer: Thermometer
    line: FaultProxy
    broker: Mosquitto
    received: Received
    stick: Stick

    async def regain_network(self) -> None:
        """The link comes up; return when the daemon has nothing left to send, and has ended."""
        self.thermometer.unplug()
        await self.line.open()
        await self.daemon.until(
            lambda now: now.link.online and not now.journal.waiting, within_s=60
        )
        assert await self.daemon.stop() == 0

    async def verify(self) -> int:
        """That all has arrived, once; how many events there are.

        Raises:
            ViolationError: it is not so.
        """
        found = await kept(self.daemon.state_dir / "journal.db")
        with suppress(TimeoutError):
            await until(lambda: len(self.received.contents) >= found.last_seq, within_s=5)
        found.verify_delivered(self.received.contents)
        assert self.received.centre.holes("/gateways/410102011003007", found.epoch) == []
        assert self.received.centre.rejected == 0
        return found.last_seq


@asynccontextmanager
async def lonely_gate(
    directory: Path, confirm: Confirm, mutant: Mutant | None = None
) -> AsyncIterator[Gate]:
    await prepared(directory, backlog=LONELY)
    async with (
        mosquitto(directory) as broker,
        listening(
            broker.port, Received(CountingCentre()), acknowledge=confirm is Confirm.CENTRE
        ) as received,
        fault_proxy(broker.port, seed=1) as line,
        Thermometer(directory / "thermometer", rate_hz=SAMPLES_HZ) as thermometer,
        exfat_stick(directory) as stick,
    ):
        line.refuse()
        daemon = Daemon(
            directory,
            _CONFIG.format(port=line.port, confirm=confirm),
            environment={"PYTHONPATH": str(ROOT)},
            program=("tests.faults.mutants", mutant) if mutant else ("gateway",),
        )
        async with killed_at_the_end(daemon):
            await daemon.start()
            await daemon.until(lambda now: now.journal.recorded > LONELY + 50)
            yield Gate(directory, daemon, thermometer, line, broker, received, stick)


@pytest.mark.parametrize(
    "confirm", [Confirm.CENTRE, pytest.param(Confirm.BROKER, marks=pytest.mark.long)]
)
async def test_out_by_stick_while_it_records_and_then_by_the_network(
    tmp_path: Path, confirm: Confirm, account: Account
) -> None:
    async with lonely_gate(tmp_path, confirm) as gate:
        before = await gate.daemon.until(lambda _: True)
        heard = await export(tmp_path, gate.stick.mountpoint)
        assert heard.code == 0, heard.err
        await gate.daemon.until(lambda now: now.journal.recorded > before.journal.recorded + 50)
        exported = len(verify_stick(tmp_path, gate.stick.mountpoint))
        assert exported >= before.journal.recorded
        heard = await said(await started_import(tmp_path, gate.stick.mountpoint, gate.broker.port))
        assert heard.code == 0, heard.err
        await until(lambda: len(gate.received.contents) == exported)
        now = await gate.daemon.until(lambda _: True)
        assert now.journal.confirmed == 0  # a mark is not a delivery
        await gate.regain_network()
        entry = account.of(f"{FAULT}, then the network: confirm = {confirm}")
        entry.count += 1
        entry.recorded += await gate.verify()
        entry.duplicates = gate.received.duplicates


async def lost_stick(directory: Path, mutant: Mutant | None) -> int:
    """Nothing that was only on the stick reaches the centre but by the network.

    Raises:
        ViolationError: not all of it has.
    """
    async with lonely_gate(directory, Confirm.CENTRE, mutant) as gate:
        assert (await export(directory, gate.stick.mountpoint)).code == 0
        await gate.stick.pull()
        await gate.regain_network()
        return await gate.verify()


async def test_a_stick_that_is_lost_loses_nothing(tmp_path: Path, account: Account) -> None:
    entry = account.of(f"{FAULT} lost")
    entry.recorded += await lost_stick(tmp_path, None)
    entry.count += 1


async def test_it_finds_what_takes_a_mark_for_a_delivery(tmp_path: Path, account: Account) -> None:
    with pytest.raises(ViolationError, match="never arrived"):
        await lost_stick(tmp_path, Mutant.MARK_CONFIRMS)
    account.of(f"{FAULT} lost").caught.append(Mutant.MARK_CONFIRMS)
