"""What outlives a link: what brokers would not take, and what they were given before."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from gateway.events import event_id, identify
from gateway.journal import Row
from gateway.ranges import Range, Ranges
from gateway.uplink.trials import Trials

_log = logging.getLogger(__name__)

_FIRST_RETRY_S = 60.0
"""On a bad line an innocent event can be in flight three times when the link is lost: so it gets a
chance soon; one that is at fault costs a link each time, and its chances double their distance."""
_DOUBLINGS = 6

LINK_LOST = 0
"""In place of a reason code: links were lost over it."""


@dataclass(slots=True)
class Tally:
    """One life of the journal, as far as this process has seen it."""

    set_aside: dict[int, int] = field(default_factory=dict)
    """Events that no broker would take: number and reason code; the journal keeps them, and a
    restarted gateway tries them again."""
    not_taken: set[str] = field(default_factory=set)
    """The streams of which the broker does not take messages that nothing is wrong with."""
    refused: Counter[int] = field(default_factory=Counter)
    """Messages that were not accepted, by reason code."""
    denied: set[str] = field(default_factory=set)
    """The streams on whose topics the broker has let nothing through since."""
    trials: Trials = field(default_factory=Trials)
    doubtful: Ranges = field(default_factory=Ranges)
    """What was sent on a former link and the centre may have, confirmed or not."""
    recalled: Ranges = field(default_factory=Ranges)
    """What the centre asks for though it was confirmed, until a broker has taken it once more."""
    told: Ranges = field(default_factory=Ranges)
    """What it asked for and was told is not kept any more."""
    aside_at: float = 0.0
    """When an event was last set aside, by the loop's clock."""

    ended_at: float | None = None
    """When the last link ended, by the loop's clock; None if this process has had none."""
    retries: int = 0
    """How often they have been given another chance."""

    @property
    def kept_back(self) -> Iterator[int]:
        """The events that are not to be sent in the ordinary way."""
        return chain(self.set_aside, self.trials.held)

    def __contains__(self, number: int) -> bool:
        """Whether this event is not to be sent in the ordinary way."""
        return number in self.set_aside or number in self.trials.held

    def retry_at(self, most_s: float) -> float:
        """When the events over which links were lost get another chance; by the loop's clock."""
        return self.aside_at + min(most_s, _FIRST_RETRY_S * 2.0**self.retries)

    def put_aside(self, number: int, body: bytes, code: int, now: float) -> str:
        """Send this event no more for the time being; says so."""
        self.set_aside[number] = code
        self.aside_at = now
        name = event_id(*(identify(body) or ("?", number)))
        why = f"the broker refuses it (0x{code:02x})" if code else "links are lost over it"
        _log.warning("event %s is set aside: %s", name, why)
        return f"event {name}: {why}"

    def take_back(self) -> list[int]:
        """The events over which links were lost; they are not set aside any more."""
        self.retries = min(_DOUBLINGS, self.retries + 1)
        found = [number for number, code in self.set_aside.items() if code == LINK_LOST]
        for number in found:
            del self.set_aside[number]
        return found

    def take_back_all(self, first: int, last: int) -> None:
        """Nothing of this range is set aside any more, whatever the reason was."""
        for number in [each for each in self.set_aside if first <= each <= last]:
            del self.set_aside[number]

    def sent(self, ranges: Iterable[Range]) -> None:
        """These may have reached the centre."""
        for first, last in ranges:
            self.doubtful.add(first, last)


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """A message in flight: events that share one acknowledgement."""

    stream: str
    numbers: Sequence[int]
    """Of its events, ascending."""
    first: bytes
    """The body of the first of them."""
    size: int
    sent_at: float
    row: Row | None = None
    """The event of a message that is no batch."""
