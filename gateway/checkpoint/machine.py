"""The vocabulary of decisions: what comes in, what goes out, what each part of them is like."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from gateway.checkpoint.prompts import Prompt
from gateway.clock import Stamp
from gateway.events import Data, Draft, Kind, ScanData


class Recorded(Struct, frozen=True):
    """An event that is durable. The gate's own come back as the others do."""

    seq: int
    id: str
    kind: Kind
    subject: str
    at: Stamp
    data: Data
    correlation: str | None = None


class Deed(StrEnum):
    """What can be done to the world; there is none that shuts anything."""

    RELEASE = "release"
    """Let somebody through a door, for the time that its stanza names."""


class Act(Struct, frozen=True):
    """Something to be done once the drafts that came before it are durable."""

    deed: Deed
    door: str
    cause: str
    """The id of the event for which it is done."""
    at: Stamp
    """It is done within seconds of this, or not at all."""


class Say(Struct, frozen=True):
    """Something for whoever stands at the gate."""

    prompt: Prompt
    at: Stamp
    """It is said within seconds of this, or not at all."""
    lane: str | None = None
    """Where; None: everywhere."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What stands in its blanks."""


class Ask(Struct, frozen=True):
    """Somebody elsewhere is to be asked about a code that nobody here can judge.

    What they say comes back as another `scan` of the same token, with `cause` as its correlation.
    """

    scan: ScanData
    cause: str
    """The id of the scan."""
    at: Stamp
    """It is asked within seconds of this, or not at all."""


Deeds = Act | Say | Ask
"""What is done once the drafts that came before it are durable."""

Outcome = Draft | Deeds


class Machine(Protocol):
    """One part of the decisions.

    It remembers only what is in its ``state``, a structure that can be saved and given back.
    """

    @property
    def state(self) -> Struct:
        """All it remembers."""

    def take(self, event: Recorded) -> Iterable[Outcome]:
        """What follows from `event`; everything that was due before it has been asked for."""

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        """What has become due up to `now`, in order, each with the moment at which it was due.

        However often this is asked in between, the outcomes are the same.
        """

    def due(self, now: Stamp) -> float | None:
        """Seconds from `now` until `advance` will have something, if nothing happens before."""
