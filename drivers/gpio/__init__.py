"""GPIO lines of this box as door contacts and outputs, through libgpiod 2 (/dev/gpiochipN).

Every edge is read with the kernel's time stamp and number, however busy the gateway was meanwhile.
A gap in the numbers means that edges were lost: the levels are read anew, and so they are from time
to time. Rising is active: libgpiod turns the levels round where a contact goes to ground.

No chip times a pulse: a strike is switched off by the gateway, twice. When the gateway dies the
kernel takes the lines back, and an output becomes what the chip makes of it, mostly an input. So a
relay must be wired such that it is off then. A plain line cannot tell a closed contact from a
shorted wire.

Source: libgpiod's documentation; linux/gpio.h, GPIO_V2.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Literal, NoReturn, Self

import gpiod
from pydantic import Field, model_validator

from drivers.base import (
    Command,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Emit,
    FilePath,
)
from drivers.base import Driver as BaseDriver
from drivers.gpio.lines import Change, Lines, RequestLines, Wanted, number_of_lost, open_lines
from drivers.switching import Switching
from drivers.switching.doors import Doors
from drivers.switching.wiring import WiredConfig, each_once


class Config(WiredConfig):
    """Lines of a GPIO chip; inputs and outputs are their offsets."""

    driver: Literal["gpio"]
    chip: FilePath
    """The chip, as `gpiodetect` lists it."""
    contact_to: Literal["ground", "supply"] = "ground"
    """Where a closed contact leads its line; the other way the chip's own resistor pulls it."""
    relay_on: Literal["high", "low"] = "high"
    """The level that switches a relay on."""
    debounce_ms: Annotated[int, Field(ge=0, le=1000)] = 20
    """A level that lasts less than this, in milliseconds, is no change."""
    reread_s: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    """How often all levels are read, whether or not there was an edge, in seconds."""

    @property
    def wanted(self) -> Wanted:
        """What is asked of libgpiod."""
        return Wanted(
            self.chip,
            inputs=[number for number, _ in self.inputs_used],
            outputs=[number for number, _ in self.outputs_used],
            contact_to_ground=self.contact_to == "ground",
            active_high=self.relay_on == "high",
            debounce_s=self.debounce_ms / 1000,
        )

    def notices(self) -> Sequence[str]:
        """See :meth:`drivers.base.DeviceConfig.notices`."""
        untimed = [
            f"doors.{name}: no GPIO chip times a pulse; the gateway switches the strike off, "
            f"twice, and if it dies meanwhile, the line is left to the chip"
            for name in self.strikes
        ]
        return [*untimed, *self.blind()]

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        each_once([*self.inputs_used, *self.outputs_used], "line")
        return self


class Driver(BaseDriver):
    """Listens for edges, tells every change of a door, and switches lines when told to."""

    def __init__(
        self, name: str, config: Config, request_lines: RequestLines = gpiod.request_lines
    ) -> None:
        self._config = config
        self._request_lines = request_lines
        self._doors = Doors(config.roles)
        self._switching = Switching(config.strikes, config.switched)
        self._levels: dict[int, bool] = {}
        self._numbers: dict[int, int] = {}
        self._lost_edges = 0

    async def run(self, emit: Emit) -> NoReturn:
        """See :meth:`drivers.base.Driver.run`."""
        async with self._opened() as lines, self._switching.connected(lines):
            self.counters.online()
            await emit(DeviceObserved(DeviceState.ONLINE))
            while True:
                await self._tell_doors(emit)
                await self._wait(lines)
                await self._follow(lines, emit)

    async def execute(self, command: Command) -> None:
        """See :meth:`drivers.base.Driver.execute`."""
        await self._switching.execute(command)

    def lost(self) -> Sequence[DoorObserved]:
        """See :meth:`drivers.base.Driver.lost`."""
        return self._doors.lost()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Lines]:
        lines = open_lines(self._config.wanted, self._request_lines)
        try:
            self._levels, self._numbers, self._lost_edges = lines.levels(), {}, 0
            yield lines
        finally:
            lines.close()

    async def _wait(self, lines: Lines) -> None:
        # Watched only in here: while nobody reads, waiting edges would keep the loop spinning.
        loop = asyncio.get_running_loop()
        loop.add_reader(lines.fd, self._switching.wake)
        try:
            await self._switching.wait(self._config.reread_s)
        finally:
            loop.remove_reader(lines.fd)

    async def _follow(self, lines: Lines, emit: Emit) -> None:
        changes = lines.changes()
        lost = number_of_lost(changes, self._numbers)
        for change in changes:
            await self._change(change, emit)
        if lost or not changes:
            self._levels = lines.levels()
        await self._tell_loss(lost, emit)

    async def _tell_loss(self, lost: int, emit: Emit) -> None:
        if lost:
            self.counters.resync += 1
            reason = "edges were lost: a door may have been opened and closed unseen"
            await emit(DeviceObserved(DeviceState.DEGRADED, reason, measured=lost))
        elif self._lost_edges:
            await emit(DeviceObserved(DeviceState.ONLINE))
        self._lost_edges = lost

    async def _change(self, change: Change, emit: Emit) -> None:
        self._levels[change.line] = change.active
        self._numbers[change.line] = change.number
        age_s = max(0.0, asyncio.get_running_loop().time() - change.at_s)
        await self._tell_doors(emit, age_s=age_s)

    async def _tell_doors(self, emit: Emit, *, age_s: float = 0.0) -> None:
        await self._doors.tell_wired(
            emit, self._config.doors, self._levels, self._switching.released, age_s=age_s
        )
