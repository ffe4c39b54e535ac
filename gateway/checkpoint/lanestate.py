"""What is going on in a lane, as it is saved and given back."""

from msgspec import Struct, field

from gateway.checkpoint.judging import Code, Parts
from gateway.clock import Stamp
from gateway.events import PassageData


class Open(Struct):
    """Somebody has shown a part of what is needed."""

    parts: Parts
    deadline: Stamp


class Last(Struct):
    """The passage before, and what may still belong to it."""

    correlation: str
    data: PassageData
    at: Stamp
    until: int | None = None
    """When the pass that was shown ends."""
    tokens: list[str] = field(default_factory=list)
    """Of codes that are nobody new for a while."""
    thermometers: list[str] = field(default_factory=list)
    """Which have measured whoever it was."""
    taken: bool | None = None
    """Whether the door has seen them go through."""
    stands: bool = False
    """It cannot be overridden: it has been, or somebody else has come."""


class Muddle(Struct):
    """Several people at once."""

    since_ns: int
    until_ns: int
    tokens: list[str] = field(default_factory=list)


class Card(Struct, frozen=True):
    """A reason card was shown."""

    id: str
    word: str


class LaneState(Struct):
    """All that is remembered of a lane."""

    open: Open | None = None
    last: Last | None = None
    muddle: Muddle | None = None
    card: Card | None = None
    """For the refusal that is `last`; waits for a badge."""
    badge: Code | None = None
    """For the refusal that is `last`; waits for a card."""

    def remember(self, last: Last) -> None:
        """A passage is decided."""
        self.last = last
        self.card = self.badge = None

    def forget(self) -> None:
        """Another boot: nothing of before can be compared with what comes."""
        self.open = self.last = self.muddle = self.card = self.badge = None
