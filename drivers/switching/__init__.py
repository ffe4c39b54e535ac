"""Carries out commands on the outputs of a board, and ends the pulses that it cannot time itself.

A strike is only ever switched by a release, and a release only ever switches on what lets people
through: there is no way here to hold a door shut.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Final, NamedTuple, Protocol

from pydantic import Field

from drivers.base import (
    Command,
    CommandError,
    DeviceError,
    PulseOutput,
    Release,
    SwitchOutput,
)
from drivers.switching.pulses import Pulses

_log = logging.getLogger(__name__)

_LONGEST_S: Final = 3600.0
_LEAVING_S: Final = 1.0
"""How long stopping waits for outputs to go off."""

ReleaseMs = Annotated[int, Field(ge=100, le=60_000)]
"""For how long a door is released, in milliseconds."""


class Board(Protocol):
    """What has the outputs; its methods raise ``DeviceError`` if it does not answer."""

    def times(self, milliseconds: int) -> bool:
        """Whether it ends a pulse of this length by itself, even if the gateway dies."""

    async def pulse(self, output: int, milliseconds: int) -> None:
        """Switch ``output`` on for at least this; only if it ``times`` that."""

    async def switch(self, output: int, *, on: bool) -> None:
        """Switch ``output`` until told otherwise."""


class Strike(NamedTuple):
    """What releases a door."""

    output: int
    milliseconds: int


class Switching:
    """The outputs of one device by name; outlives its connections."""

    def __init__(self, strikes: Mapping[str, Strike], outputs: Mapping[str, int]) -> None:
        self._strikes = strikes
        self._outputs = outputs
        self._pulses = Pulses()
        self._news = asyncio.Event()
        self._board: Board | None = None
        self._ending: asyncio.Task[None] | None = None
        self._commands: set[asyncio.Task[None]] = set()

    def released(self, door: str) -> bool:
        """Whether the lock of ``door`` is told to be open at present."""
        strike = self._strikes.get(door)
        return strike is not None and self._pulses.is_on(strike.output)

    @asynccontextmanager
    async def connected(self, board: Board) -> AsyncIterator[None]:
        """Commands go to ``board``; what a former life may have left on is switched off first."""
        for output in self._left_on(board):
            await board.switch(output, on=False)
            self._pulses.forget(output)
        self._board = board
        self._ending = asyncio.create_task(self._end_pulses(board), name="pulses")
        try:
            yield
        finally:
            self._board = None
            # Commands too: one that was asked again would switch on what has just been left off.
            for task in (ending := {self._ending, *self._commands}):
                task.cancel()
            await asyncio.wait(ending)
            await self._leave(board)

    async def wait(self, seconds: float) -> None:
        """Wait at most ``seconds``, less if a pulse begins or ends, or if it is woken."""
        if self._ending and self._ending.done():
            self._ending.result()  # a bug must not leave a strike on unnoticed
        # Most waits end by time: a timer that wakes costs less than a time-out that cancels.
        timer = asyncio.get_running_loop().call_later(seconds, self._news.set)
        try:
            await self._news.wait()
        finally:
            timer.cancel()
        self._news.clear()

    def wake(self) -> None:
        """End a ``wait``: there is something to do."""
        self._news.set()

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        if self._board is None:
            raise CommandError("the device is not connected")
        task = asyncio.create_task(self._carry_out(command, self._board))
        self._commands.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if self._board is not None or not task.cancelled():
                raise
            raise CommandError("the device was lost meanwhile") from None
        finally:
            self._commands.discard(task)

    async def _carry_out(self, command: Command, board: Board) -> None:
        try:
            match command:
                case Release(door):
                    if door not in self._strikes:
                        raise CommandError(f"nothing here releases {door}")
                    await self._pulse(board, *self._strikes[door])
                case PulseOutput(name, seconds):
                    if not 0 < seconds <= _LONGEST_S:
                        raise CommandError(f"a pulse has up to {_LONGEST_S:g} s, not {seconds:g}")
                    await self._pulse(board, self._number(name), round(seconds * 1000))
                case SwitchOutput(name, on):
                    output = self._number(name)
                    self._pulses.forget(output)
                    await board.switch(output, on=on)
                case _:
                    raise CommandError(f"this device cannot do {type(command).__name__}")
        except DeviceError as error:
            raise CommandError(str(error)) from error

    def _number(self, name: str) -> int:
        if name not in self._outputs:
            raise CommandError(f"no output is called {name}")
        return self._outputs[name]

    async def _pulse(self, board: Board, output: int, milliseconds: int) -> None:
        ours = not board.times(milliseconds)
        # Begun before it is on: whatever becomes of the next line, it will be switched off.
        self._pulses.begin(output, milliseconds / 1000, ours=ours)
        self.wake()
        if ours:
            await board.switch(output, on=True)
        else:
            await board.pulse(output, milliseconds)

    async def _end_pulses(self, board: Board) -> None:
        # A task of its own: where the gateway cannot take more readings, the driver's waits, and
        # a strike must not wait with it.
        while True:
            for output in await self._pulses.due():
                try:
                    if output in self._pulses.ours:
                        await board.switch(output, on=False)
                except DeviceError as error:
                    _log.debug("output %d is not off yet: %s", output, error)
                    self._pulses.failed(output)
                else:
                    self._pulses.done(output)
            self.wake()

    def _left_on(self, board: Board) -> set[int]:
        strikes = {each.output for each in self._strikes.values() if not board.times(each[1])}
        return strikes | self._pulses.ours

    async def _leave(self, board: Board) -> None:
        with suppress(DeviceError, TimeoutError):
            async with asyncio.timeout(_LEAVING_S):
                for output in self._pulses.ours:
                    await board.switch(output, on=False)
