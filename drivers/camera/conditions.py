"""Whether the camera can see: covered, blinded, frozen or out of focus, told once it is certain.

The pictures of a quiet night are the measure of what must not alarm. They are dark and noisy:
noise is what tells them from a picture that has stopped; what little there is to see, averaged
over a second or two, tells them from one that shows nothing. And a code that is read proves the
picture good, whatever the figures say: a lens set for the hand's breadth before it shows the far
side of the road out of focus, and a camera over a door may look at a bare wall.
"""

import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.base import DeviceObserved, DeviceState
from drivers.eye.messages import Look, Measures

HOLD_S: Final = 30.0
"""So long a trouble must last: a lorry stops, somebody holds his phone before the lens."""
CLEAR_S: Final = 5.0
"""So long it must be over."""
FROZEN_S: Final = 60.0
"""The same picture to the last bit. A camera sends whole pictures anew every 1 to 30 s, which
never come out quite the same; in between a compressed still scene may repeat exactly."""
PROOF: Final = 1.25
"""A picture this much worse than one that has been proved good is not proved any more."""
_TYPICAL: Final = 60
"""Looks, two a second; the middle one tells what the place looks like with nobody there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One trouble; ``figure`` is compared, and reported. Between the limits all stays as it is."""

    reason: str
    figure: Callable[[Measures], float | None]
    begins: float
    """Trouble begins with figures beyond this; on which side is told by ``ends``."""
    ends: float
    hold_s: float = HOLD_S
    clear_s: float = CLEAR_S
    provable: bool = True

    def verdict(self, figure: float | None, proved: float | None) -> bool | None:
        """Whether this is trouble; ``None`` if that cannot be said."""
        if figure is None:
            return None
        sign = 1 if self.begins > self.ends else -1
        if proved is not None and sign * figure <= sign * proved * PROOF**sign:
            return False
        if sign * figure >= sign * self.begins:
            return True
        return False if sign * figure < sign * self.ends else None


def visible(measures: Measures) -> float:
    """How much there is to see for the light there is: a night is dim in both."""
    return round(measures.structure / (measures.brightness + 5), 4)


RULES: Final = (
    Rule("overexposed: facing the sun or a lamp", lambda each: each.glare, 0.35, 0.2),
    Rule("nothing to see: covered, fogged up, or without any light", visible, 0.01, 0.015),
    Rule("frozen: the same picture again and again", lambda each: each.same_s, FROZEN_S, 1.0,
         hold_s=0.0, provable=False),
    Rule("out of focus", lambda each: each.sharpness, 0.28, 0.36),
)  # fmt: skip
"""The first that holds is reported: what is overexposed shows nothing, what is black repeats."""


class Conditions:
    """Judges one look after the other; the time comes with the look."""

    def __init__(self, rules: Sequence[Rule] = RULES) -> None:
        self.trouble: DeviceObserved | None = None
        """What is to be reported at present."""
        self._states = [_State(rule) for rule in rules]

    def look(self, look: Look) -> bool:
        """Take the next look; whether ``trouble`` has changed."""
        if look.measures is None:
            return False
        for state in self._states:
            state.take(look.measures, look.taken_s, read=bool(look.codes))
        before = self.trouble
        first = next((state for state in self._states if state.troubled), None)
        if first is None:
            self.trouble = None
        elif before is None or before.reason != first.rule.reason:
            reason, figure = first.rule.reason, first.figure
            self.trouble = DeviceObserved(DeviceState.DEGRADED, reason, figure)
        return self.trouble is not before


class _State:
    """One rule over time."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.troubled = False
        self.figure: float | None = None
        self._since_s: float | None = None  # when the figure came to speak for the other state
        self._empty: deque[float] = deque(maxlen=_TYPICAL)
        self._proved: float | None = None

    def take(self, measures: Measures, now_s: float, *, read: bool) -> None:
        self.figure = self.rule.figure(measures)
        if self.figure is not None and self.rule.provable:
            self._prove(self.figure, read=read)
        verdict = self.rule.verdict(self.figure, self._proved)
        if read and self.rule.provable:
            verdict = False
        if verdict is None or verdict is self.troubled:
            self._since_s = None
            return
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s >= (self.rule.clear_s if self.troubled else self.rule.hold_s):
            self.troubled, self._since_s = verdict, None

    def _prove(self, figure: float, *, read: bool) -> None:
        if not read:
            self._empty.append(figure)
        elif self._empty:
            typical = statistics.median(self._empty)
            worst = max if self.rule.begins > self.rule.ends else min
            self._proved = typical if self._proved is None else worst(typical, self._proved)
