"""A simulated day goes through decisions as a journal would bring it."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import pytest
from msgspec import Struct

from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.machine import Outcome, Recorded
from gateway.clock import Stamp, TimeQuality
from gateway.events import (
    Decision,
    Direction,
    DoorData,
    Draft,
    Fever,
    Kind,
    PassageData,
    ScanData,
    TemperatureData,
)
from gateway.simulate.audit import audit
from gateway.simulate.day import Day, PowerCut, day
from gateway.simulate.profiles import PROFILES
from gateway.simulate.replay import Almanac, Replay, drafts

MIDNIGHT = datetime(2026, 1, 15, tzinfo=timezone(timedelta(hours=8)))


class Nothing(Struct):
    """What a machine without a memory remembers."""


class Turnstile:
    """A machine that lets through whoever shows anything, a second later."""

    state = Nothing()

    def __init__(self) -> None:
        self.waiting: list[Recorded] = []

    def take(self, event: Recorded) -> Iterable[Outcome]:
        if isinstance(event.data, ScanData):
            self.waiting.append(event)
        return ()

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        while self.waiting and now.mono_ns - self.waiting[0].at.mono_ns >= 1e9:
            event = self.waiting.pop(0)
            passage = PassageData(
                lane=event.subject,
                direction=Direction.ENTRY,
                decision=Decision.GRANTED,
                policy="none",
                took_ms=1000,
            )
            at = event.at.earlier(-1)
            yield Draft(Kind.PASSAGE, event.subject, at, passage, correlation=event.id)

    def due(self, now: Stamp) -> float | None:
        return 0.0 if self.waiting else None


@pytest.fixture(scope="module")
def small() -> Day:
    return day(PROFILES["small"], 3)


@pytest.fixture(scope="module")
def replay(small: Day) -> Replay:
    played = Replay(Checkpoint({"turnstile": Turnstile()}))
    played.run(drafts(small, MIDNIGHT))
    return played


def test_every_deed_is_recorded_and_every_decision_comes_back(small: Day, replay: Replay) -> None:
    kinds = [each.kind for each in replay.recorded]
    assert kinds.count(Kind.SCAN) == kinds.count(Kind.PASSAGE) > 700
    doors = 2 * (1 + len(small.power_cuts))
    assert len(kinds) - kinds.count(Kind.PASSAGE) == len(small.deeds) + doors
    assert [each.seq for each in replay.recorded] == list(range(1, len(kinds) + 1))


def test_what_is_due_comes_before_what_happens_later(replay: Replay) -> None:
    for before, after in zip(replay.recorded, replay.recorded[1:], strict=False):
        if before.at.boot == after.at.boot:
            assert before.at.mono_ns <= after.at.mono_ns


def test_cold_skin_is_no_measurement_and_warm_skin_is_looked_at_again(replay: Replay) -> None:
    found = [each.data for each in replay.recorded if isinstance(each.data, TemperatureData)]
    assert {each.verdict for each in found} == set(Fever)
    for each in found:
        assert (each.verdict is Fever.INVALID) == (each.celsius < 34.5)
        assert (each.verdict is Fever.RE_CHECK) == (each.celsius >= 37.3)


def test_after_each_power_cut_the_doors_are_told_anew(small: Day, replay: Replay) -> None:
    boots = {each.at.boot for each in replay.recorded}
    assert len(boots) == 1 + len(small.power_cuts)
    for boot in boots:
        first, second = [each.data for each in replay.recorded if each.at.boot == boot][:2]
        assert isinstance(first, DoorData)
        assert isinstance(second, DoorData)


def test_a_decision_too_few_too_many_or_another_is_found(small: Day) -> None:
    def passage(number: int) -> PassageData:
        _, due = small.expected[number]
        return PassageData(
            lane=due.lane,
            direction=Direction.ENTRY,
            decision=due.decision,
            reason=due.reason,
            class_=due.holder.judged().class_ if due.holder else None,
            celsius=due.celsius,
            by="override:x" if due.by_guard else "policy",
            policy="",
            took_ms=0,
        )

    right = [passage(number) for number in range(len(small.expected))]
    assert not audit(small, right).missing
    assert not audit(small, right).unexpected
    assert not audit(small, right).is_clean, "nobody was seen to go through"
    assert audit(small, right[1:]).missing.total() == 1
    assert audit(small, [*right, right[0]]).unexpected.total() == 1


def test_after_a_power_cut_the_clock_is_wrong_for_a_while() -> None:
    cut = PowerCut(at_s=3600, lasts_s=60, wrong_s=-1800, unsure_s=300)
    made = Day(PROFILES["small"], 1, [], [cut], [])
    almanac = Almanac(made, MIDNIGHT)
    before, wrong, right = (almanac.stamp(at) for at in (3599, 3700, 4000))
    assert (before.quality, wrong.quality, right.quality) == (
        TimeQuality.SYNC,
        TimeQuality.UNSYNC,
        TimeQuality.SYNC,
    )
    assert before.boot != wrong.boot == right.boot
    assert wrong.wall_ms < before.wall_ms < right.wall_ms
    assert wrong.mono_ns < right.mono_ns
