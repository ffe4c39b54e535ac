"""Whole days, decided: exactly what the rules of the house say of the people who came."""

from datetime import datetime, timedelta, timezone

import pytest

from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.lanes import Lanes
from gateway.checkpoint.machine import Act
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.policy import BUILT_IN
from gateway.events import Decision, Direction, PassageData
from gateway.simulate.audit import audit
from gateway.simulate.day import Day, day
from gateway.simulate.profiles import PROFILES, Profile
from gateway.simulate.replay import Replay, drafts

ZONE = timezone(timedelta(hours=8))
MIDNIGHT = datetime(2026, 1, 15, tzinfo=ZONE)

DAYS = [
    *(("small", seed) for seed in range(1, 9)),
    *(("typical", seed) for seed in range(1, 4)),
    ("very-large", 1),
]


def lanes_of(profile: Profile) -> dict[str, LaneSettings]:
    return {
        lane: LaneSettings(direction=direction, door=lane, strike=True)
        for direction, lanes in (
            (Direction.ENTRY, profile.lanes_in),
            (Direction.EXIT, profile.lanes_out),
        )
        for lane in lanes
    }


def played(made: Day) -> tuple[Replay, list[PassageData]]:
    machine = Lanes(BUILT_IN, lanes_of(made.profile), ZONE)
    replay = Replay(Checkpoint({"lanes": machine}))
    replay.run(drafts(made, MIDNIGHT))
    return replay, [each.data for each in replay.recorded if isinstance(each.data, PassageData)]


@pytest.mark.parametrize(("profile", "seed"), DAYS)
def test_everybody_is_let_in_or_not_as_the_rules_have_it(profile: str, seed: int) -> None:
    made = day(PROFILES[profile], seed)
    _, passages = played(made)
    found = audit(made, passages)
    assert not found.missing
    assert not found.unexpected
    assert found.is_clean, f"{found.taken} went through, {found.turned} did not"


@pytest.mark.parametrize("hour", range(6, 22))
def test_a_part_of_a_day_stands_by_itself(hour: int) -> None:
    part = day(PROFILES["typical"], 2).between(hour * 3600, (hour + 2) * 3600)
    _, passages = played(part)
    assert audit(part, passages).is_clean


def test_no_door_is_released_for_anybody_who_was_refused() -> None:
    made = day(PROFILES["small"], 1)
    replay, _ = played(made)
    granted = {
        each.correlation
        for each in replay.recorded
        if isinstance(each.data, PassageData) and each.data.decision is Decision.GRANTED
    }
    released = [each.cause for each in replay.done if isinstance(each, Act)]
    assert len(released) == len(set(released))
    assert set(released) == granted
