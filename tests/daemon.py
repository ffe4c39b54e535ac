"""The real daemon as its own process, for tests that start, stop, kill and starve it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway import health

_NO_PAGE = '\n[page]\nlisten = "off"\n'
"""Many run at once, and only one could have the page's port."""

GATE = """\
[gateway]
id = "410102011003007"
district = "410102"
street = "011"
community = "003"
state_dir = "state"

"""
"""The first table of a configuration: a gate that works in `state` beside it."""


class Daemon:
    """`checkpoint-gateway run` in `directory`, with its log kept for the test to read.

    It has no page unless `config` says where. `program` is the module to run and its arguments
    before `run`.
    """

    def __init__(
        self,
        directory: Path,
        config: str,
        *,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = ("gateway",),
    ) -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self.socket = directory / "run" / "control.sock"
        self._environment = {"RUNTIME_DIRECTORY": str(self.socket.parent), **(environment or {})}
        self._program = program
        self._log = directory / "daemon.log"
        self._process: asyncio.subprocess.Process | None = None
        (directory / "gateway.toml").write_text(_with_page_said(config))
        self.socket.parent.mkdir(exist_ok=True)

    async def start(self) -> None:
        """Start the process; returns at once."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._program,
                "run",
                "gateway.toml",
                cwd=self.directory,
                env=os.environ | self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """kill -9: no chance to finish anything."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self, *, within_s: float = 10.0) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(within_s):
            return await self._process.wait()

    async def ended(self, *, within_s: float = 20.0) -> int:
        """Wait for the process to end by itself; the exit code."""
        assert self._process is not None
        async with asyncio.timeout(within_s):
            return await self._process.wait()

    async def until(
        self, condition: Callable[[health.Health], bool], *, within_s: float = 30.0
    ) -> health.Health:
        """The first picture of the running daemon for which `condition` holds."""
        picture: health.Health | None = None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    picture = await health.ask(self.socket)
                    if picture is not None and condition(picture):
                        return picture
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never so: last seen {picture!r}; log:\n{self.log}") from None

    def configure(self, config: str) -> None:
        """Write another configuration, in one piece; nobody is told."""
        new = self.directory / "gateway.toml.new"
        new.write_text(_with_page_said(config))
        new.rename(self.directory / "gateway.toml")

    def hang_up(self) -> None:
        """SIGHUP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """What `checkpoint-gateway` with `arguments` and the configuration as the last of them
        comes to beside the daemon: the exit code, and what it says."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", *arguments, "gateway.toml"),
            cwd=self.directory,
            env=os.environ | self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()

    @property
    def pid(self) -> int:
        """The running process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything logged so far, by all starts."""
        return self._log.read_text()

    async def __aenter__(self) -> "Daemon":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()


def _with_page_said(config: str) -> str:
    return config if "[page]" in config else config + _NO_PAGE
