"""What a device met besides good frames: counted by its codec and driver, told when it is lost."""

from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Counters:
    """Of one device since the gateway started, over all its reconnects.

    ``str`` is the sentence for the technician: what has been counted, in words.
    """

    bad_checksum: int = 0
    """Frames whose checksum was wrong."""
    resync: int = 0
    """Times the frames were lost and had to be found again."""
    damaged: int = 0
    """Lines or parts that broke off, or were longer than any can be."""
    unknown: int = 0
    """Frames that are none of those this driver reads."""
    timeout: int = 0
    """Waits that ended without an answer."""
    connect: int = 0
    """Times the device has answered, for the first time or again."""

    def online(self) -> None:
        """It answers, for the first time or again."""
        self.connect += 1

    @property
    def reconnect(self) -> int:
        """Times it answered again after it had been lost."""
        return max(0, self.connect - 1)

    @property
    def bad(self) -> int:
        """What speaks for a bad line."""
        return self.bad_checksum + self.resync + self.damaged + self.timeout

    def told(self) -> dict[str, int]:
        """What has been counted, by name; what never happened is left out."""
        return {name: number for name in _WORDS if (number := getattr(self, name))}

    def __str__(self) -> str:
        counted = [f"{number} {_WORDS[name]}" for name, number in self.told().items()]
        return ", ".join(counted) or "no bad frame"


_WORDS: Final = {
    "bad_checksum": "with a wrong sum",
    "resync": "out of step",
    "damaged": "broken off",
    "unknown": "of an unknown kind",
    "timeout": "without an answer",
    "reconnect": "reconnected",
}
