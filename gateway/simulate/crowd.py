"""Everybody who comes to a gate on a day: when, what they show, and who comes back for it."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from gateway.holders.holder import Holder, Sort
from gateway.simulate.profiles import ANY_TIME, DELIVERING, LEAVING, VISITING, Profile
from gateway.simulate.scenes import Part, Scene, Stage

CLOSING_S: Final = 23.9 * 3600
"""Nobody sets out later: whoever comes at midnight belongs to two days."""

_TRIPS: Final = 0.475
"""Residents who go out, as a share of all passages; in again makes two, but not all are back."""
_FORGETFUL: Final = 0.02
_ENTERING: Final = (
    (Sort.VISITOR, 0.02, VISITING),
    (Sort.ADMISSION, 0.005, VISITING),
    (Sort.STAFF, 0.01, ANY_TIME),
)
_REFUSED: Final = (
    (Sort.COURIER, 0.04, "drop-off", DELIVERING),
    (Sort.FOREIGN, 0.004, "not-here", VISITING),
    (Sort.EXPIRED, 0.004, "expired", VISITING),
    (Sort.FORGED, 0.001, "bad-signature", VISITING),
    (Sort.REVOKED, 0.001, "revoked", VISITING),
    (Sort.STRANGE, 0.004, "refused", ANY_TIME),
)
_UNREGISTERED: Final = 0.002
_ONE_IN: Final = 250
_WARM: Final = 7
"""So many residents, and which of them, come back too warm."""
_STILL_WARM: Final = 0.3
_COLD_UNTIL_S: Final = 9 * 3600
_COLD: Final = 0.3
_REST_S: Final = (330, 540)
"""How long somebody rests who was too warm; the gate asks for five minutes."""
_AWAY_H: Final = (0.3, 0.7, 1.5, 4, 9, 9.5, 10)
_HEALTH_CODES: Final = {sort: number * 100_000 for number, sort in enumerate(Sort)}
"""A person's health code has a number of its own."""

Play = Callable[[Stage, float], tuple[Scene, list["Visit"]]]
"""Plays a visit, at a time of day; with who comes later because of it."""


class Visit(Struct, order=True):
    """Somebody who comes, to go in or out."""

    at_s: float
    number: int
    inward: bool
    play: Play
    by_date: bool = False
    """Whether it takes a right clock to judge them."""


class Crowd:
    """The people of one day."""

    def __init__(self, profile: Profile, rng: random.Random) -> None:
        self._passages = profile.passages
        self._rng = rng
        self._hands = _Hands(rng)
        self._numbers: dict[Sort, int] = {}
        self._visits = 0

    def all_day(self) -> Iterator[Visit]:
        """Everybody who comes of their own accord, in no order."""
        for _ in range(round(self._passages * _TRIPS)):
            play = self._leaves(self._new(Sort.RESIDENT))
            yield self._visit(self._time(LEAVING), play, inward=False)
        guard = self._new(Sort.GUARD)
        for _ in range(round(self._passages * _FORGETFUL)):
            yield self._visit(self._time(LEAVING), self._forgets(guard))
        for sort, share, times in _ENTERING:
            for _ in range(round(self._passages * share)):
                yield self._visit(self._time(times), self._enters(self._new(sort)))
        for sort, share, reason, times in _REFUSED:
            for _ in range(max(1, round(self._passages * share))):
                play = self._is_refused(self._new(sort), reason)
                yield self._visit(self._time(times), play, by_date=sort is Sort.EXPIRED)
        for _ in range(max(1, round(self._passages * _UNREGISTERED))):
            play = self._is_unregistered(self._new(Sort.UNREGISTERED))
            yield self._visit(self._time(VISITING), play)

    def _new(self, sort: Sort) -> Holder:
        self._numbers[sort] = self._numbers.get(sort, 0) + 1
        return Holder(sort, self._numbers[sort])

    def _visit(
        self, at_s: float, play: Play, *, inward: bool = True, by_date: bool = False
    ) -> Visit:
        self._visits += 1
        return Visit(at_s, self._visits, inward, play, by_date)

    def _time(self, hours: Sequence[float]) -> float:
        [hour] = self._rng.choices(range(24), hours)
        return min((hour + self._rng.random()) * 3600 + 60, CLOSING_S - 60)

    def _leaves(self, holder: Holder) -> Play:
        def play(stage: Stage, at_s: float) -> tuple[Scene, list[Visit]]:
            away_s = self._rng.choice(_AWAY_H) * 3600 * self._rng.uniform(0.8, 1.2)
            return stage.granted(holder, holder), [self._visit(at_s + away_s, self._enters(holder))]

        return play

    def _enters(self, holder: Holder) -> Play:
        def play(stage: Stage, at_s: float) -> tuple[Scene, list[Visit]]:
            if holder.sort is Sort.RESIDENT and holder.number % _ONE_IN == _WARM:
                scene = stage.refused(holder, "re-check", *self._hands.warm(holder))
                back_s = at_s + scene.lasts_s + self._rng.uniform(*_REST_S)
                return scene, [self._visit(back_s, self._has_rested(holder))]
            is_cold = at_s < _COLD_UNTIL_S and self._rng.random() < _COLD
            parts = self._hands.cold(holder) if is_cold else self._hands.well(holder)
            goes = self._rng.random() < 0.995 or holder.sort is Sort.ADMISSION
            return stage.granted(holder, *parts, goes=goes), self._again(holder, at_s)

        return play

    def _has_rested(self, holder: Holder) -> Play:
        def play(stage: Stage, at_s: float) -> tuple[Scene, list[Visit]]:
            if self._rng.random() < _STILL_WARM:
                return stage.refused(holder, "temperature", *self._hands.warm(holder)), []
            return stage.granted(holder, *self._hands.well(holder)), []

        return play

    def _again(self, holder: Holder, at_s: float) -> list[Visit]:
        """An admission slip has been used; some try it once more."""
        if holder.sort is not Sort.ADMISSION or self._rng.random() < 0.5:
            return []
        return [self._visit(at_s + self._rng.uniform(1800, 7200), self._is_refused(holder, "used"))]

    def _is_refused(self, holder: Holder, reason: str) -> Play:
        return lambda stage, _: (stage.refused(holder, reason, holder), [])

    def _is_unregistered(self, holder: Holder) -> Play:
        def play(stage: Stage, at_s: float) -> tuple[Scene, list[Visit]]:
            parts = self._hands.well(holder)
            return stage.refused(holder, "unregistered", *parts, waits=True), []

        return play

    def _forgets(self, guard: Holder) -> Play:
        def play(stage: Stage, at_s: float) -> tuple[Scene, list[Visit]]:
            helped = guard if self._rng.random() < 0.6 else None
            return stage.forgot(self._hands.normal(), helped), []

        return play


class _Hands:
    """What people show, in the order in which it comes to hand."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def normal(self) -> float:
        """A skin temperature indoors, in °C; so far below the threshold that no sensor's noise
        makes it another."""
        return round(min(37.0, max(35.6, self._rng.gauss(36.4, 0.25))), 2)

    def well(self, holder: Holder) -> list[Part]:
        """Their codes, and a normal temperature."""
        return self._shuffled(holder, self.normal())

    def warm(self, holder: Holder) -> list[Part]:
        """The same with a temperature that has to be looked at again."""
        return self._shuffled(holder, round(self._rng.uniform(37.6, 39.0), 2))

    def cold(self, holder: Holder) -> list[Part]:
        """The same of somebody whose skin has to warm up first."""
        cold = round(self._rng.uniform(32.6, 34.2), 2)
        return [*self._codes(holder), cold, self.normal()]

    def _shuffled(self, holder: Holder, celsius: float) -> list[Part]:
        parts: list[Part] = [*self._codes(holder), celsius]
        self._rng.shuffle(parts)
        return parts

    def _codes(self, holder: Holder) -> list[Holder]:
        if holder.sort not in (Sort.VISITOR, Sort.UNREGISTERED):
            return [holder]
        return [holder, Holder(Sort.HEALTH_CODE, _HEALTH_CODES[holder.sort] + holder.number)]
