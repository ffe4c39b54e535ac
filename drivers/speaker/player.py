"""One sound at a time: a program that is given a recording or a text, and ended when it must be."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from drivers.base import DeviceError

_SAID_MOST: Final = 500
"""Bytes of a complaint that are kept."""
_LINE_MOST: Final = 120
_END_S: Final = 2.0
"""How long a killed one is waited for: in the kernel, at a card that hangs, it may stay."""


class PlayError(Exception):
    """It was not heard to its end; the sentence says why."""


class HangError(PlayError):
    """It took so long that it was ended."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What to run to have something heard, and what is written to its standard input."""

    command: Sequence[str]
    text: str | None = None


async def play(sound: Sound, *, longest_s: float) -> None:
    """Run what makes ``sound`` until it ends. No shell is asked.

    Cancelled, it falls silent at once: all that the program has started is killed with it.

    Raises:
        PlayError: it has failed; of these a HangError: it was killed after ``longest_s``.
        DeviceError: there is no such program.
    """
    command, text = sound.command, sound.text
    process = await _started(command, quiet=text is None)
    assert process.stderr is not None
    complaint = asyncio.create_task(_tail(process.stderr))
    try:
        if text is not None and process.stdin is not None:
            process.stdin.write(text.encode())  # less than a pipe holds: nobody has to wait
            process.stdin.close()
        async with asyncio.timeout(longest_s):
            code = await process.wait()
            said = await complaint
    except TimeoutError:
        raise HangError(f"{command[0]} took longer than {longest_s:g} s and was ended") from None
    finally:
        complaint.cancel()
        await _end(process)
    if code:
        raise PlayError(f"{command[0]} failed: {_last_line(said) or f'exit code {code}'}")


async def _started(command: Sequence[str], *, quiet: bool) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL if quiet else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # what it starts is killed with it
        )
    except OSError as error:
        raise DeviceError(f"{command[0]} cannot be started: {error.strerror}") from error


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """What comes last: ALSA gives its reasons one by one, and aplay says what it comes to."""
    tail = b""
    while some := await stream.read(_SAID_MOST):
        tail = (tail + some)[-_SAID_MOST:]
    return tail


def _last_line(said: bytes) -> str:
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    return "".join(each for each in last if each.isprintable())[:_LINE_MOST]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await process.wait()
