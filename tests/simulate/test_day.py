"""Simulated days: the same from the same seed, and as much of everything as was asked for."""

from collections import Counter
from itertools import pairwise

import pytest

from gateway.events import Decision
from gateway.holders.holder import Sort
from gateway.simulate.day import DAY_S, Day, day
from gateway.simulate.profiles import PROFILES
from gateway.simulate.scenes import Deed, Felt, Moved, Shown

SEEDS = range(1, 6)


@pytest.fixture(scope="module", params=PROFILES)
def some_day(request: pytest.FixtureRequest) -> Day:
    return day(PROFILES[request.param], 1)


def lane_of(deed: Deed) -> str:
    return deed.door if isinstance(deed, Moved) else deed.lane


def test_the_same_seed_makes_the_same_day_and_another_another() -> None:
    profile = PROFILES["small"]
    assert day(profile, 7) == day(profile, 7)
    assert day(profile, 7) != day(profile, 8)


def test_it_has_the_passages_of_its_profile(some_day: Day) -> None:
    decisions = len(some_day.expected)
    assert 0.9 * some_day.profile.passages < decisions < 1.15 * some_day.profile.passages


def test_everything_is_within_the_day_and_in_order(some_day: Day) -> None:
    for times in ([at for at, _ in some_day.deeds], [at for at, _ in some_day.expected]):
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] < DAY_S


def test_all_sorts_of_people_come(some_day: Day) -> None:
    shown = {deed.holder.sort for _, deed in some_day.deeds if isinstance(deed, Shown)}
    assert shown == set(Sort)
    reasons = Counter(expected.reason for _, expected in some_day.expected)
    assert {"drop-off", "timeout", "re-check", "expired", "not-here", "refused"} <= set(reasons)
    assert any(expected.by_guard for _, expected in some_day.expected)
    assert any(isinstance(deed, Felt) and deed.celsius < 34.5 for _, deed in some_day.deeds)


def test_mornings_and_evenings_are_busy_and_nights_are_not(some_day: Day) -> None:
    hours = Counter(int(at // 3600) for at, _ in some_day.expected)
    assert min(hours[7], hours[17]) > 5 * max(hours[2], hours[3])


@pytest.mark.parametrize("seed", SEEDS)
def test_of_one_lane_one_person_is_done_before_the_next_comes(seed: int) -> None:
    made = day(PROFILES["typical"], seed)
    for lane in (*made.profile.lanes_in, *made.profile.lanes_out):
        doors = [deed for _, deed in made.deeds if isinstance(deed, Moved) and deed.door == lane]
        assert [each.is_open for each in doors] == [True, False] * (len(doors) // 2)
        shown = [(at, deed) for at, deed in made.deeds if lane_of(deed) == lane and _is_code(deed)]
        for (before, one), (after, other) in pairwise(shown):
            if one.holder.number != other.holder.number:  # type: ignore[union-attr]
                assert after - before > 0.3


def _is_code(deed: Deed) -> bool:
    return isinstance(deed, Shown)


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_does_anything_while_there_is_no_power(seed: int) -> None:
    made = day(PROFILES["typical"], seed)
    assert len(made.power_cuts) == 2
    for cut in made.power_cuts:
        assert not [at for at, _ in made.deeds if cut.at_s <= at <= cut.over_s]
        assert not [at for at, _ in made.expected if cut.at_s <= at <= cut.over_s]


def test_whoever_is_let_in_goes_through_or_thinks_better_of_it(some_day: Day) -> None:
    granted = [each for _, each in some_day.expected if each.decision is Decision.GRANTED]
    opened = [deed for _, deed in some_day.deeds if isinstance(deed, Moved) and deed.is_open]
    assert len(opened) == sum(each.taken is True for each in granted)
    assert any(each.taken is False for each in granted)
