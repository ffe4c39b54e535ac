"""The daemon's end of the eye: starts the process, hears it, ends it."""

import asyncio
import logging
import os
import signal
import sys
from types import TracebackType
from typing import Final, Self

from drivers.base import DeviceError
from drivers.eye.messages import LINE_MOST, Failed, Look, Message, Ready, parse
from drivers.eye.options import Options

_log = logging.getLogger(__name__)

START_S: Final = 30.0
"""Loading OpenCV takes 0.3 s, and ten times as long from the SD card of a small box at boot."""
GRACE_S: Final = 2.0
"""What the eye is given beyond its own time-outs before it is taken to hang."""
END_S: Final = 2.0
"""How long a killed one is waited for. In the kernel, with a USB camera that does not answer, it
hangs on until that lets go, and stopping the gateway has five seconds in all."""


class Eye:
    """The process; use it as an asynchronous context manager, again and again if need be. Leaving
    it kills it, whatever it is doing: nothing in it needs to be put in order, and a library that
    hangs never would."""

    def __init__(self, options: Options, *, aiming: bool = False) -> None:
        self._options = options
        self._flags = ["--aiming"] if aiming else []
        self._patience_s = options.patience_s
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it.

        Raises:
            DeviceError: the one before has been killed, and is still there.
        """
        if self._process is not None and self._process.returncode is None:
            raise DeviceError(
                f"the camera's process {self._process.pid} was killed and does not end: it hangs"
                " in the kernel; unplug the camera, or restart this box"
            )
        self._patience_s = self._options.patience_s
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "drivers.eye", *self._flags),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_MOST,
            # One core is the daemon's; each thread would also take its stack from the memory.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        assert process.stdin is not None
        process.stdin.write(self._options.model_dump_json().encode() + b"\n")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        assert process is not None
        if process.returncode is None:
            process.kill()
        try:
            async with asyncio.timeout(END_S):
                await process.communicate()
        except TimeoutError:
            _log.warning("the camera's process %d was killed and does not end", process.pid)

    async def ready(self) -> Ready:
        """Wait until it has loaded what it needs."""
        message = await self._next(START_S)
        if not isinstance(message, Ready):
            raise DeviceError("the camera's process does not keep to the protocol")
        return message

    async def look(self) -> Look:
        """The next thing it has seen.

        Raises:
            DeviceError: the source has failed, or the process has.
        """
        message = await self._next(self._patience_s + GRACE_S)
        if not isinstance(message, Look):
            raise DeviceError("the camera's process does not keep to the protocol")
        self._patience_s = self._options.read_timeout_s
        return message

    async def _next(self, within_s: float) -> Message:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                line = await process.stdout.readline()
                if not line.endswith(b"\n"):
                    raise DeviceError(_ending(await process.wait()))
            message = parse(line)
        except TimeoutError:
            reason = f"the camera's process hung for {within_s:g} s and was killed"
            raise DeviceError(reason) from None
        except ValueError as error:
            raise DeviceError("the camera's process does not keep to the protocol") from error
        if isinstance(message, Failed):
            raise DeviceError(message.reason)
        return message


def _ending(code: int) -> str:
    if code < 0:
        return f"the camera's process was ended by {signal.Signals(-code).name}"
    return f"the camera's process has ended with code {code}; the log has the details"
