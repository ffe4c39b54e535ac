"""What one person does at a lane, and what has to come of it by the rules of the house.

What is expected here is written from the rules, in words of people; it knows nothing of how the
gate decides, and so can be held against that.
"""

import random
from collections.abc import Sequence

from msgspec import Struct

from gateway.events import Decision
from gateway.holders.holder import Holder

WINDOW_S = 10.0
"""So long the gate waits for what is missing."""
PASSAGE_S = 15.0
"""So long it waits for somebody to go through."""


class Shown(Struct, frozen=True):
    """A code is held before the lane's reader."""

    lane: str
    holder: Holder


class Felt(Struct, frozen=True):
    """Somebody has stood before the lane's thermometer for as long as it takes."""

    lane: str
    celsius: float


class Moved(Struct, frozen=True):
    """A door."""

    door: str
    is_open: bool


Deed = Shown | Felt | Moved

MEASURING_S = 2.5
"""So long before it is felt somebody steps before the thermometer."""
_APART_S = 1.8
"""Of two measurements of one person: in between nobody stands there, else it is one."""


class Expected(Struct, frozen=True, kw_only=True):
    """A passage that has to be recorded."""

    lane: str
    decision: Decision
    reason: str | None = None
    holder: Holder | None = None
    """Whose code it is; None if none was shown."""
    celsius: float | None = None
    by_guard: bool = False
    taken: bool | None = None
    """Whether the door sees somebody go through."""


class Scene(Struct):
    """What happens, each with its seconds from the beginning, and what is expected."""

    lane: str
    deeds: list[tuple[float, Deed]]
    expected: list[tuple[float, Expected]]
    lasts_s: float
    """Then the next person can come."""


Part = Holder | float
"""A code, or a skin temperature in °C, in the order in which somebody shows them."""


class Stage:
    """Plays people at one lane; the same seed has them take the same time."""

    def __init__(self, lane: str, rng: random.Random) -> None:
        self._lane = lane
        self._rng = rng

    def granted(self, holder: Holder, *parts: Part, goes: bool = True) -> Scene:
        """They show all that is needed and go through, or think better of it."""
        deeds, at = self._shows(parts)
        expected = Expected(
            lane=self._lane,
            decision=Decision.GRANTED,
            holder=holder,
            celsius=_last(parts),
            taken=goes,
        )
        return self._through(deeds, [(at, expected)], at, goes=goes)

    def refused(self, holder: Holder, reason: str, *parts: Part, waits: bool = False) -> Scene:
        """They are refused at the last thing they show, or, if the gate `waits`, when nothing more
        comes; and they leave."""
        deeds, at = self._shows(parts)
        decided = at + WINDOW_S if waits else at
        expected = Expected(
            lane=self._lane,
            decision=Decision.DENIED,
            reason=reason,
            holder=holder,
            celsius=_last(parts),
        )
        # Somebody who was not measured might be yet: until then a measurement is taken for theirs.
        stays = self._between(1.5, 4) if waits or expected.celsius else WINDOW_S + 1
        return Scene(self._lane, deeds, [(decided, expected)], decided + stays)

    def forgot(self, celsius: float, guard: Holder | None) -> Scene:
        """They have no code with them; a guard may let them in."""
        deeds, at = self._shows([celsius])
        timeout = at + WINDOW_S
        denied = Expected(
            lane=self._lane, decision=Decision.DENIED, reason="timeout", celsius=celsius
        )
        expected = [(timeout, denied)]
        if guard is None:
            return Scene(self._lane, deeds, expected, timeout + self._between(1.5, 4))
        badge = timeout + self._between(3, 15)
        deeds.append((badge, Shown(self._lane, guard)))
        let_in = Expected(
            lane=self._lane, decision=Decision.GRANTED, celsius=celsius, by_guard=True, taken=True
        )
        return self._through(deeds, [*expected, (badge, let_in)], badge, goes=True)

    def _shows(self, parts: Sequence[Part]) -> tuple[list[tuple[float, Deed]], float]:
        deeds: list[tuple[float, Deed]] = []
        at = 0.0
        for part in parts:
            if isinstance(part, Holder):
                at += self._between(0.4, 1.6)
                deeds.append((at, Shown(self._lane, part)))
            else:
                at += MEASURING_S + self._between(0.1, 1.2) + (_APART_S if _felt(deeds) else 0)
                deeds.append((at, Felt(self._lane, part)))
        return deeds, at

    def _through(
        self,
        deeds: list[tuple[float, Deed]],
        expected: list[tuple[float, Expected]],
        at: float,
        *,
        goes: bool,
    ) -> Scene:
        if not goes:
            return Scene(self._lane, deeds, expected, at + PASSAGE_S + 2)
        opens = at + self._between(0.8, 2.0)
        closes = opens + self._between(1.0, 2.5)
        deeds += [(opens, Moved(self._lane, True)), (closes, Moved(self._lane, False))]
        return Scene(self._lane, deeds, expected, closes + self._between(0.4, 1.0))

    def _between(self, least: float, most: float) -> float:
        return self._rng.uniform(least, most)


def _felt(deeds: Sequence[tuple[float, Deed]]) -> bool:
    return any(isinstance(deed, Felt) for _, deed in deeds)


def _last(parts: Sequence[Part]) -> float | None:
    """Of several measurements the last one counts."""
    celsius = [each for each in parts if not isinstance(each, Holder)]
    return celsius[-1] if celsius else None
