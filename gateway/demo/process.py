"""The real daemon as the demo's child process."""

import asyncio
import ctypes
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway import control, health
from gateway.errors import GatewayError

_STOP_S = 8.0
_LOG_LINES = 20


_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def _end_with_parent() -> None:
    """Let the kernel stop this process if the demo is killed and cannot do it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class DaemonProcess:
    """The module that `arguments` begin with, run in `directory`, with its log in a file there.

    It hears what it is told on its standard input.
    """

    def __init__(self, arguments: Sequence[str], directory: Path, state_dir: Path) -> None:
        self._arguments = arguments
        self._directory = directory
        self._state_dir = state_dir
        self._log = directory / "gateway.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self._arguments),
                cwd=self._directory,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo; it stops the daemon in its turn
                preexec_fn=_end_with_parent,
            )

    async def health(self) -> health.Health | None:
        """The daemon's own picture; None while it does not answer.

        Raises:
            GatewayError: the daemon has ended.
        """
        if self._process is None or self._process.returncode is not None:
            said = "\n".join(self._log.read_text().splitlines()[-_LOG_LINES:])
            raise GatewayError(f"the gateway has ended; its log says:\n{said}")
        return await health.ask(control.socket_path(self._state_dir))

    def tell(self, line: bytes) -> None:
        """Write to its standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)

    async def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Stop it as systemd would: SIGTERM, and SIGKILL when it takes too long."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
