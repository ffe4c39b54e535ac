"""A technician at a terminal: the real command on a pty, what it shows, and what is typed."""

import asyncio
import contextlib
import io
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from gateway import cli

COMMAND = (sys.executable, "-m", "gateway")
_DEADLINE_S = 60.0
_PRESSES = 6


class Console:
    """One run of a command; use it as an asynchronous context manager.

    ``shown`` is everything on the screen. What is typed is shown by the terminal's own echo, where
    the program lets it.
    """

    def __init__(self, *command: str | Path, cwd: Path, **environment: str) -> None:
        self.shown = ""
        self._command = [str(each) for each in command]
        self._cwd = cwd
        self._environment = {"TERM": "dumb", **environment}
        self._read_upto = 0
        self._master = -1
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._cwd,
            env=os.environ | self._environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=partial(os.login_tty, slave),
        )
        os.close(slave)
        asyncio.get_running_loop().add_reader(self._master, self._receive)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    async def until(self, text: str) -> str:
        """What has been shown since the last time, up to and with ``text``."""
        try:
            async with asyncio.timeout(_DEADLINE_S):
                while (found := self.shown.find(text, self._read_upto)) < 0:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"never shown: {text!r}; this was:\n{self.shown}") from None
        start, self._read_upto = self._read_upto, found + len(text)
        return self.shown[start : self._read_upto]

    async def answer(self, question: str, reply: str | bytes = "") -> str:
        """Wait for a question to be asked to its end, and reply; what was shown before."""
        told = await self.until(question)
        told += await self.until(": ")
        data = reply if isinstance(reply, bytes) else reply.encode()
        os.write(self._master, data + b"\n")
        return told

    async def press_ctrl_c(self, told: str) -> None:
        """As the terminal does it, a signal to whoever is in front; until that is ``told``.

        One that comes between a prompt and the reading after it is noticed with the next only.
        """
        for _ in range(_PRESSES):
            os.write(self._master, b"\x03")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DEADLINE_S / _PRESSES):
                    while told not in self.shown:
                        self._news.clear()
                        await self._news.wait()
                    return
        raise AssertionError(f"never shown: {told!r}; this was:\n{self.shown}")

    async def ended(self) -> int:
        """The exit code, once all has been shown."""
        assert self._process is not None
        async with asyncio.timeout(_DEADLINE_S):
            code = await self._process.wait()
        self._receive()
        return code

    def _receive(self) -> None:
        try:
            while data := os.read(self._master, 65536):
                self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        except BlockingIOError:
            pass
        except OSError:  # EIO: the command has ended
            asyncio.get_running_loop().remove_reader(self._master)
        self._news.set()


def text_of(file: Path) -> str:
    """What stands in it."""
    return file.read_text()


def is_there(file: Path) -> bool:
    """Whether there is such a file."""
    return file.exists()


def write(file: Path, text: str) -> None:
    """Let it hold this."""
    file.write_text(text)


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended that nobody sat before."""

    code: int
    said: str
    complained: str


def at_once(directory: Path, *command: str | Path) -> Done:
    """`checkpoint-gateway setup` within this process, for what needs no process of its own."""
    said, complained = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(directory),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
    ):
        code = cli.main(["setup", *map(str, command)])
    return Done(code, said.getvalue(), complained.getvalue())


async def unattended(*command: str | Path, cwd: Path, typed: str = "") -> Done:
    """`checkpoint-gateway setup` as a script runs it, with ``typed`` on a pipe."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "setup",
        *map(str, command),
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_DEADLINE_S):
        said, complained = await process.communicate(typed.encode())
    assert process.returncode is not None
    return Done(process.returncode, said.decode(), complained.decode())
