"""A day at a gate: who comes when, what goes wrong, and which passages that has to make.

The same profile and seed make the same day, to the last digit.
"""

import heapq
import random
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from gateway.holders.holder import Holder
from gateway.simulate.crowd import CLOSING_S, Crowd, Visit
from gateway.simulate.profiles import Profile
from gateway.simulate.scenes import Deed, Expected, Scene, Stage

DAY_S: Final = 86_400.0
_AGAIN: Final = {"used", "temperature"}
"""Reasons that go back to a visit before."""
_MARGIN_S: Final = 30.0
"""Nobody is in the middle of it when the power goes; and so long the box takes to be back."""


class PowerCut(Struct, frozen=True):
    """No power; then the clock is wrong by `wrong_s` until `unsure_s` later."""

    at_s: float
    lasts_s: float
    wrong_s: float
    unsure_s: float

    @property
    def over_s(self) -> float:
        """When the power is back."""
        return self.at_s + self.lasts_s

    @property
    def sure_s(self) -> float:
        """When the clock is right again."""
        return self.over_s + self.unsure_s


class Outage(Struct, frozen=True):
    """No network."""

    at_s: float
    lasts_s: float


class Day(Struct, frozen=True):
    """All times are seconds after local midnight."""

    profile: Profile
    seed: int
    scenes: Sequence[tuple[float, Scene]]
    """Who does what, by when they begin."""
    power_cuts: Sequence[PowerCut]
    outages: Sequence[Outage]

    @property
    def deeds(self) -> list[tuple[float, Deed]]:
        """What people do, in order."""
        return sorted(
            ((begins + at, deed) for begins, scene in self.scenes for at, deed in scene.deeds),
            key=_moment,
        )

    @property
    def expected(self) -> list[tuple[float, Expected]]:
        """What the gate has to decide, in order."""
        return sorted(
            ((begins + at, due) for begins, scene in self.scenes for at, due in scene.expected),
            key=_moment,
        )

    def between(self, from_s: float, to_s: float) -> "Day":
        """Only what begins in this part of it, without those who are refused for what they did
        before it."""
        came: set[Holder] = set()
        scenes = []
        for begins, scene in self.scenes:
            who = {due.holder for _, due in scene.expected if due.holder}
            again = any(due.reason in _AGAIN for _, due in scene.expected)
            if from_s <= begins < to_s and (not again or who <= came):
                scenes.append((begins, scene))
                came |= who
        return replace(
            self,
            scenes=scenes,
            power_cuts=[each for each in self.power_cuts if from_s < each.at_s < to_s - 60],
            outages=[each for each in self.outages if from_s < each.at_s < to_s - 60],
        )


def _moment(happening: tuple[float, object]) -> float:
    return happening[0]


def day(profile: Profile, seed: int) -> Day:
    """The day of this seed."""
    return _Planner(profile, seed).day()


class _Planner:
    """Brings everybody to a free lane, one after the other."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._rng = random.Random(f"{profile.name} {seed}")
        self._crowd = Crowd(profile, self._rng)
        self._free = dict.fromkeys([*profile.lanes_in, *profile.lanes_out], 0.0)
        self._scenes: list[tuple[float, Scene]] = []
        self._cuts: list[PowerCut] = []

    def day(self) -> Day:
        """Plan all of it."""
        rng, profile = self._rng, self._profile
        self._cuts = _power_cuts(rng, profile.power_cuts)
        outages = _outages(rng, profile.outages)
        coming = list(self._crowd.all_day())
        heapq.heapify(coming)
        while coming:
            for each in self._receive(heapq.heappop(coming)):
                if each.at_s < CLOSING_S:
                    heapq.heappush(coming, each)
        self._scenes.sort(key=_moment)
        return Day(profile, self._seed, self._scenes, self._cuts, outages)

    def _receive(self, visit: Visit) -> list[Visit]:
        lanes = self._profile.lanes_in if visit.inward else self._profile.lanes_out
        lane = min(lanes, key=lambda each: self._free[each])
        begins = max(visit.at_s, self._free[lane])
        if begins > visit.at_s + 1 and begins < CLOSING_S:  # others may come first meanwhile
            visit.at_s = begins
            return [visit]
        scene, later = visit.play(Stage(lane, self._rng), begins)
        put_off = self._put_off(visit, begins, scene)
        if put_off is not None:
            visit.at_s = put_off
            return [visit] if put_off < CLOSING_S else []
        self._free[lane] = begins + scene.lasts_s
        self._scenes.append((begins, scene))
        return later

    def _put_off(self, visit: Visit, begins: float, scene: Scene) -> float | None:
        """Until when they have to wait, because there is no power or no right time."""
        for cut in self._cuts:
            until = (cut.sure_s if visit.by_date else cut.over_s) + _MARGIN_S
            if begins < until and begins + scene.lasts_s > cut.at_s - _MARGIN_S:
                return until + self._rng.uniform(0, 60)
        return None


def _power_cuts(rng: random.Random, count: int) -> list[PowerCut]:
    """Each in a part of the day of its own."""
    part_s = DAY_S / (count + 1)
    return [
        PowerCut(
            at_s=part_s * (number + rng.uniform(0.4, 0.8)),
            lasts_s=rng.uniform(20, 240),
            wrong_s=-rng.uniform(60, 4 * 3600),
            unsure_s=rng.choice((0.0, rng.uniform(60, 900))),
        )
        for number in range(count)
    ]


def _outages(rng: random.Random, count: int) -> list[Outage]:
    part_s = DAY_S / (count + 1)
    return [
        Outage(part_s * (number + rng.uniform(0.1, 0.5)), part_s * rng.uniform(0.05, 0.4))
        for number in range(count)
    ]
