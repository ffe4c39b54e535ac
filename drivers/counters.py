"""What goes wrong on the way to a device, counted for whoever has to find out why."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Since the gateway started."""

    bad_checksum: int = 0
    """Frames, or questions left without a better answer, whose checksum was wrong."""
    resync: int = 0
    """Times the frames were lost and had to be looked for."""
    timeout: int = 0
    """Questions that nobody answered."""
    reconnect: int = 0
    """Times the device answered again after it had been lost."""
    _known: bool = False

    def online(self) -> None:
        """It answers, for the first time or again."""
        self.reconnect += self._known
        self._known = True
