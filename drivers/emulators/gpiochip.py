"""A GPIO chip without hardware: stands where libgpiod's ``request_lines`` reaches the kernel.

Keeps to linux/gpio.h: edges are numbered for each line from 1 and stamped with CLOCK_MONOTONIC; of
more edges than the buffer holds the oldest are lost; a line that is released is an input again, so
that nothing is driven any more. Debouncing is left out.
"""

import errno
import os
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta

import gpiod
from gpiod.line import Bias, Direction, Value

_RISING = gpiod.EdgeEvent.Type.RISING_EDGE.value
_FALLING = gpiod.EdgeEvent.Type.FALLING_EDGE.value

_Settings = dict[Iterable[int | str] | int | str, gpiod.LineSettings | None]


class GpioChip:
    """A chip at ``path``; ``request_lines`` stands for libgpiod's."""

    def __init__(self, path: str, *, lines: int = 32) -> None:
        self.requests: list[_Settings] = []
        self._path = path
        self._count = lines
        self._wires: dict[int, bool] = {}
        self._request: _Request | None = None
        self._plugged = True

    def request_lines(
        self,
        path: str,
        config: _Settings,
        consumer: str | None = None,
        event_buffer_size: int | None = None,
    ) -> "_Request":
        """See libgpiod."""
        settings = {
            line: each
            for line, each in config.items()
            if isinstance(line, int) and each is not None
        }
        if path != self._path or not self._plugged:
            raise OSError(errno.ENOENT, "No such file or directory")
        if self._request is not None:
            raise OSError(errno.EBUSY, "Device or resource busy")
        if not consumer or max(settings) >= self._count:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.requests.append(config)
        self._request = _Request(self, settings, event_buffer_size or 16 * len(settings))
        return self._request

    def wire(self, line: int, *, high: bool | None, seen: bool = True) -> None:
        """Connect an input to the supply or to ground, or to nothing; not ``seen``: without an
        edge, as when the kernel's interrupt was lost."""
        before = self.level(line)
        if high is None:
            self._wires.pop(line, None)
        else:
            self._wires[line] = high
        if seen and self._request and self.level(line) != before:
            self._request.edge(line, high=self.level(line))

    def level(self, line: int) -> bool:
        """Whether ``line`` is high: driven, wired, or drawn by the chip's own resistor."""
        settings = self._request.settings.get(line) if self._request else None
        if self._request and settings and settings.direction is Direction.OUTPUT:
            return self._request.driven[line] is not settings.active_low
        pulled_up = settings is not None and settings.bias is Bias.PULL_UP
        return self._wires.get(line, pulled_up)

    def unplug(self) -> None:
        """Take the chip away: an expander on USB can be pulled."""
        self._plugged = False
        if self._request:
            self._request.fail()

    def replug(self) -> None:
        """Put it back."""
        self._plugged = True

    def released(self) -> None:
        """The lines belong to nobody any more."""
        self._request = None


class _Request:
    """What libgpiod gives for a request."""

    def __init__(self, chip: GpioChip, settings: dict[int, gpiod.LineSettings], room: int) -> None:
        self.settings = settings
        self.driven = {line: each.output_value is Value.ACTIVE for line, each in settings.items()}
        self._chip = chip
        self._edges: deque[gpiod.EdgeEvent] = deque(maxlen=room)
        self._numbers = dict.fromkeys(settings, 0)
        self._fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._failed = False

    @property
    def fd(self) -> int:
        return self._fd

    def edge(self, line: int, *, high: bool) -> None:
        if line not in self.settings:
            return
        self._numbers[line] += 1
        rising = high is not self.settings[line].active_low
        number, total = self._numbers[line], sum(self._numbers.values())
        kind = _RISING if rising else _FALLING
        self._edges.append(gpiod.EdgeEvent(kind, time.monotonic_ns(), line, total, number))
        os.eventfd_write(self._fd, 1)

    def fail(self) -> None:
        self._failed = True
        os.eventfd_write(self._fd, 1)

    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool:
        self._check()
        return bool(self._edges)

    def read_edge_events(self, max_events: int | None = None) -> list[gpiod.EdgeEvent]:
        self._check()
        os.eventfd_read(self._fd)
        edges = list(self._edges)
        self._edges.clear()
        return edges

    def get_values(self, lines: list[int | str]) -> list[Value]:
        self._check()
        return [
            Value.ACTIVE
            if self._chip.level(int(line)) is not self.settings[int(line)].active_low
            else Value.INACTIVE
            for line in lines
        ]

    def set_value(self, line: int | str, value: Value) -> None:
        self._check()
        self.driven[int(line)] = value is Value.ACTIVE

    def release(self) -> None:
        os.close(self._fd)
        self._chip.released()

    def _check(self) -> None:
        if self._failed:
            raise OSError(errno.ENODEV, "No such device")
