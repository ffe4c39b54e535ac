"""GPIO lines through libgpiod: levels and edges of inputs, and outputs, all by their offset."""

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import gpiod
from gpiod.line import Bias, Direction, Edge, Value

from drivers.base import DeviceError

_RISING: Final = gpiod.EdgeEvent.Type.RISING_EDGE

_WHY_NOT: Final = {
    errno.ENOENT: "does not exist",
    errno.EACCES: "may not be opened by this user, who needs the group that owns it",
    errno.EPERM: "may not be opened by this user, who needs the group that owns it",
    errno.EBUSY: "has a line that is in use by another program",
    errno.EINVAL: "does not have all of these lines, or cannot set them so",
    errno.ENOTTY: "is no GPIO chip",
    errno.ENODEV: "is no GPIO chip",
}


Settings = dict[Iterable[int | str] | int | str, gpiod.LineSettings | None]
"""How each line is to be, as ``gpiod.request_lines`` takes it."""


class LineRequest(Protocol):
    """What is used of ``gpiod.LineRequest``."""

    @property
    def fd(self) -> int: ...
    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool: ...
    def read_edge_events(self, max_events: int | None = None) -> Sequence[gpiod.EdgeEvent]: ...
    def get_values(self, lines: list[int | str]) -> list[Value]: ...
    def set_value(self, line: int | str, value: Value) -> None: ...
    def release(self) -> None: ...


class RequestLines(Protocol):
    """What is used of ``gpiod.request_lines``, the one place where the hardware is reached."""

    def __call__(
        self,
        path: str,
        config: Settings,
        consumer: str | None = None,
        event_buffer_size: int | None = None,
    ) -> LineRequest: ...


class Change(NamedTuple):
    """An input's edge: when the kernel saw it (CLOCK_MONOTONIC), and which it was of its line."""

    line: int
    active: bool
    at_s: float
    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the lines of a chip are wired."""

    chip: Path
    inputs: Sequence[int]
    outputs: Sequence[int]
    contact_to_ground: bool
    active_high: bool
    debounce_s: float

    def settings(self) -> Settings:
        """The same for libgpiod; every output is off from the first moment."""
        contact = gpiod.LineSettings(
            direction=Direction.INPUT,
            edge_detection=Edge.BOTH,
            bias=Bias.PULL_UP if self.contact_to_ground else Bias.PULL_DOWN,
            active_low=self.contact_to_ground,
            debounce_period=timedelta(seconds=self.debounce_s),
        )
        relay = gpiod.LineSettings(
            direction=Direction.OUTPUT,
            active_low=not self.active_high,
            output_value=Value.INACTIVE,
        )
        return {**dict.fromkeys(self.inputs, contact), **dict.fromkeys(self.outputs, relay)}


class Lines:
    """The lines of one chip, ours until closed."""

    BUFFER: Final = 256
    """Edges that the kernel keeps for a gateway that is busy; a door's bounce is a dozen."""

    def __init__(self, wanted: Wanted, request: LineRequest) -> None:
        self._wanted = wanted
        self._request = request

    @property
    def fd(self) -> int:
        """Readable while there are edges to read."""
        return self._request.fd

    def levels(self) -> dict[int, bool]:
        """Every input's level now, active or not."""
        inputs: list[int | str] = list(self._wanted.inputs)
        if not inputs:
            return {}
        try:
            values = self._request.get_values(inputs)
        except OSError as error:
            raise self._gone(error) from error
        return {
            line: value is Value.ACTIVE
            for line, value in zip(self._wanted.inputs, values, strict=True)
        }

    def changes(self) -> list[Change]:
        """The edges since the last call, in order; none if there was none."""
        changes: list[Change] = []
        try:
            while self._request.wait_edge_events(0):
                changes += map(_change, self._request.read_edge_events())
        except OSError as error:
            raise self._gone(error) from error
        return changes

    def times(self, milliseconds: int) -> bool:
        """See :class:`drivers.switching.Board`: no chip times anything."""
        return False

    async def pulse(self, output: int, milliseconds: int) -> None:
        """See :class:`drivers.switching.Board`."""
        raise NotImplementedError

    async def switch(self, output: int, *, on: bool) -> None:
        """See :class:`drivers.switching.Board`."""
        try:
            self._request.set_value(output, Value.ACTIVE if on else Value.INACTIVE)
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Give the lines back; what the outputs do then is the chip's affair."""
        self._request.release()

    def _gone(self, error: OSError) -> DeviceError:
        return DeviceError(f"{self._wanted.chip} is gone ({os.strerror(error.errno or 0)})")


def open_lines(wanted: Wanted, request_lines: RequestLines) -> Lines:
    """The lines, inputs watched and outputs off.

    Raises:
        DeviceError: they cannot be had; the sentence says why.
    """
    try:
        request = request_lines(
            str(wanted.chip),
            config=wanted.settings(),
            consumer="checkpoint-gateway",
            event_buffer_size=Lines.BUFFER,
        )
    except OSError as error:
        why = _WHY_NOT.get(error.errno or 0, f"cannot be used: {os.strerror(error.errno or 0)}")
        raise DeviceError(f"{wanted.chip} {why}") from error
    return Lines(wanted, request)


def _change(event: gpiod.EdgeEvent) -> Change:
    active = event.event_type is _RISING
    return Change(event.line_offset, active, event.timestamp_ns / 1e9, event.line_seqno)


def number_of_lost(changes: Sequence[Change], last: Mapping[int, int]) -> int:
    """How many edges are missing before or between these, by the kernel's count for each line."""
    seen = dict(last)
    lost = 0
    for change in changes:
        lost += change.number - seen.get(change.line, 0) - 1
        seen[change.line] = change.number
    return lost
