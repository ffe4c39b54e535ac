"""A machine of its own for a test: a real systemd as process 1, in its own namespaces.

Needs root and cgroup2, and touches nothing outside: its files are an overlay in memory, its
network has only a loopback, and all of it ends with its process 1.
"""

import asyncio
import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread

from tests.brokers import until

_CHECKOUT = Path(__file__).parents[2]
_LIVE_AND_DIE_TOGETHER = ("setpriv", "--pdeathsig", "KILL")
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
_CLONE_NEWNET = 0x40000000  # <linux/sched.h>


class Machine:
    """A running machine; made by `machine`."""

    def __init__(self, directory: Path, pid: int) -> None:
        self.directory = directory
        """Of the test; it is not in the machine."""
        self.root = Path(f"/proc/{pid}/root")
        """Its files, from outside."""
        self._pid = pid

    async def run(self, *command: str) -> str:
        """What a command says in there.

        Raises:
            CalledProcessError: it has failed.
        """
        process = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(self._pid), "--all", "env", "-i", "PATH=/usr/bin:/bin"),
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, failed = await process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, said, failed)
        return said.decode()

    async def systemctl(self, *arguments: str) -> str:
        """What systemctl says; see `run`."""
        return await self.run("systemctl", *arguments)

    async def shown(self, unit: str) -> dict[str, str]:
        """The properties of a unit."""
        lines = (await self.systemctl("show", unit)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    async def until(
        self, condition: Callable[[dict[str, str]], bool], *, unit: str, within_s: float = 30
    ) -> dict[str, str]:
        """The properties of a unit when `condition` first holds for them."""
        shown: dict[str, str] = {}
        try:
            async with asyncio.timeout(within_s):
                while not condition(shown := await self.shown(unit)):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            state = {key: value for key, value in shown.items() if key in _TELLING}
            said = await self.run("journalctl", "--output=short-monotonic", f"--unit={unit}")
            raise AssertionError(f"never so: {json.dumps(state, indent=1)}\n{said}") from None
        return shown

    async def install(self, unit: str, text: str, settings: Sequence[str] = ()) -> None:
        """A unit with this text, and further settings of its service as `systemctl edit` adds."""
        (self.root / "units" / unit).write_text(text)
        folder = self.root / f"units/{unit}.d"
        folder.mkdir(exist_ok=True)
        (folder / "test.conf").write_text("\n".join(["[Service]", *settings, ""]))
        await self.systemctl("daemon-reload")

    def listening(self, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        """A socket on its loopback that this process holds."""
        made: list[socket.socket] = []

        def make() -> None:  # a thread may be in another network than its process
            with Path(f"/proc/{self._pid}/ns/net").open() as there:
                if ctypes.CDLL(None).setns(there.fileno(), _CLONE_NEWNET):
                    return
            sock = socket.socket(socket.AF_INET, kind)
            sock.bind(("127.0.0.1", port))
            made.append(sock)

        thread = Thread(target=make)
        thread.start()
        thread.join()
        return made[0]


_TELLING = {"ActiveState", "SubState", "Result", "NRestarts", "ExecMainStatus", "StatusText"}


@asynccontextmanager
async def machine(directory: Path) -> AsyncIterator[Machine]:
    """One that is up; nothing runs in it yet but systemd."""
    base, console = directory / "machine", directory / "console.log"
    base.mkdir()
    cgroup = cgroup2() / f"checkpoint-gateway-{os.getpid()}-{directory.name}"
    cgroup.mkdir()
    try:
        with console.open("wb") as said:
            holder = await asyncio.create_subprocess_exec(
                *_LIVE_AND_DIE_TOGETHER,
                *("unshare", *_NAMESPACES, "--fork", "--kill-child", "--propagation", "private"),
                *(sys.executable, "-m", "tests.faults.boot", str(base)),
                cwd=_CHECKOUT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                preexec_fn=lambda: (cgroup / "cgroup.procs").write_text("0") and None,
            )
        try:
            pid = await _first_process(holder.pid, console)
            made = Machine(directory, pid)
            await _up(made)
            yield made
        finally:
            if holder.returncode is None:
                holder.kill()
            await holder.wait()
    finally:
        await _remove(cgroup)


def cgroup2() -> Path:
    """Where control groups are made on this machine."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return next(Path(fields[1]) for fields in mounts if fields[2] == "cgroup2")


async def _first_process(holder: int, console: Path) -> int:
    """Process 1 of the machine, when it has become systemd."""
    children = Path(f"/proc/{holder}/task/{holder}/children")

    def child() -> int | None:
        return next(map(int, children.read_text().split()), None)

    def is_systemd() -> bool:
        pid = child()
        return pid is not None and Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"

    try:
        await until(is_systemd)
    except (TimeoutError, OSError) as error:
        raise _no_machine(console) from error
    pid = child()
    assert pid is not None
    return pid


def _no_machine(console: Path) -> AssertionError:
    return AssertionError(f"no machine: {console.read_text()}")


async def _up(made: Machine) -> None:
    async def target() -> bool:
        try:
            shown = await made.shown("multi-user.target")
        except subprocess.CalledProcessError:
            return False
        return shown["ActiveState"] == "active"

    await eventually(target)


async def eventually(condition: Callable[[], Awaitable[bool]], *, within_s: float = 30) -> None:
    """Return as soon as `condition` holds.

    Raises:
        TimeoutError: it does not within `within_s`.
    """
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.05)


async def _remove(cgroup: Path) -> None:
    """Wait for the last of its processes; the kernel ends them with process 1."""
    folders = [cgroup]
    for folder in folders:
        folders += [each for each in folder.iterdir() if each.is_dir()]

    def removed() -> bool:
        try:
            while folders:
                folders[-1].rmdir()
                folders.pop()
        except OSError:  # one is still dying in there
            return False
        return True

    await until(removed)
