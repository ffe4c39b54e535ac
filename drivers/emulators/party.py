"""One serial line with several devices on it: all hear everything, who is meant answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from drivers.emulators.cable import Cable


class Tap:
    """Where one device is connected; pulled out, the line goes on without it."""

    def __init__(self, line: "PartyLine", received: Callable[[bytes], None]) -> None:
        self.plugged = False
        self._line = line
        self._received = received

    @property
    def baud(self) -> int:
        """The speed that the other end has set."""
        return self._line.cable.baud

    def plug(self) -> None:
        """Connect the device."""
        self.plugged = True

    def unplug(self) -> None:
        """Cut it off."""
        self.plugged = False

    def send(self, data: bytes) -> None:
        """Send to the other end."""
        if self.plugged:
            self._line.cable.send(data)

    def hear(self, data: bytes) -> None:
        """What the other end sends."""
        if self.plugged:
            self._received(data)


class PartyLine:
    """The line; use it as a context manager, plugged in from the start."""

    def __init__(self, link: Path) -> None:
        self.cable = Cable(link, self._received)
        self._taps: list[Tap] = []

    def __enter__(self) -> Self:
        self.cable.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.cable.unplug()

    def tap(self, received: Callable[[bytes], None]) -> Tap:
        """A place for one more device, which hears through ``received``."""
        tap = Tap(self, received)
        self._taps.append(tap)
        return tap

    def _received(self, data: bytes) -> None:
        for tap in self._taps:
            tap.hear(data)


def connected(link: Path | PartyLine, received: Callable[[bytes], None]) -> Cable | Tap:
    """A cable of its own for a device, or its place on a line with others."""
    return link.tap(received) if isinstance(link, PartyLine) else Cable(link, received)
