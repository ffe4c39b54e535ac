"""Inspections: made, missed, or unknown."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checkpoint.inspections import Inspections, InspectionSettings, InspectionsState
from gateway.checkpoint.machine import Machine
from gateway.clock import TimeQuality
from gateway.events import Class, InspectionData, ScanData, Verdict
from tests.checkpoint.gate import SHANGHAI, Build, Gate, Saved, local, state

HOUR = 3600.0
DAY = 24 * HOUR
MORNING = ("2026-03-18", "09:00")


SETTINGS = InspectionSettings()


def built(of: InspectionSettings = SETTINGS) -> Build:
    def build(saved: Saved) -> Mapping[str, Machine]:
        remembered = state(InspectionsState, saved, "inspections")
        return {"inspections": Inspections(of, SHANGHAI, remembered)}

    return build


def badge(gate: Gate, role: str = "inspector", device: str = "badges") -> None:
    data = ScanData(
        device=device, lane=None, medium="camera", symbology="qr", class_=Class.STAFF,
        verdict=Verdict.VALID, token="ilse", role=role, decode_ms=None,
    )  # fmt: skip
    gate.tell(data, f"device/{device}")


def told(gate: Gate) -> list[tuple[str, str, str]]:
    return [(each.day, each.slot, each.state.value) for each in gate.told(InspectionData)]


@pytest.mark.parametrize("start", ["2026-03-18 08:30", "2026-03-18 09:00", "2026-03-18 09:29"])
def test_a_badge_in_the_time_of_a_slot_is_an_inspection(start: str) -> None:
    gate = Gate(built(), start)
    badge(gate)
    badge(gate)
    gate.wait(3 * HOUR)
    assert told(gate) == [(*MORNING, "done")]
    assert gate.told(InspectionData)[0].token == "ilse"


@pytest.mark.parametrize("start", ["2026-03-18 08:29", "2026-03-18 09:30"])
def test_a_badge_at_another_time_is_none(start: str) -> None:
    gate = Gate(built(), start)
    badge(gate)
    assert told(gate) == []


def test_of_three_a_day_each_is_made_or_missed() -> None:
    gate = Gate(built())
    gate.wait(6 * HOUR)
    badge(gate)
    gate.wait(18 * HOUR)
    assert told(gate) == [
        (*MORNING, "missed"),
        ("2026-03-18", "14:00", "done"),
        ("2026-03-18", "22:00", "missed"),
    ]
    assert gate.records[0].at.wall_ms == local("2026-03-18 09:30")


def test_a_slot_may_reach_over_midnight() -> None:
    gate = Gate(built(InspectionSettings(minutes=(23 * 60 + 50,))), "2026-03-19 00:10")
    badge(gate)
    assert told(gate) == [("2026-03-18", "23:50", "done")]


@pytest.mark.parametrize(
    ("role", "device", "counts"),
    [("guard", "badges", False), ("guard", "round", True), ("inspector", "camera", True)],
)
def test_the_role_makes_an_inspection_or_the_place(role: str, device: str, counts: bool) -> None:
    gate = Gate(built(InspectionSettings(places=frozenset({"round"}))), "2026-03-18 09:00")
    badge(gate, role, device)
    assert (told(gate) != []) is counts


def test_without_slots_nothing_is_expected() -> None:
    gate = Gate(built(InspectionSettings(minutes=())))
    badge(gate)
    gate.wait(2 * DAY)
    assert told(gate) == []


def test_a_box_that_was_off_does_not_say_missed() -> None:
    gate = Gate(built())
    gate.wait(1)
    gate.keep()
    gate.boot(off_s=75 * 60)
    gate.wait(HOUR)
    assert told(gate) == [(*MORNING, "unknown")]


def test_a_box_that_was_off_for_long_tells_of_one_day() -> None:
    gate = Gate(built())
    gate.wait(1)
    gate.keep()
    gate.boot(off_s=300 * DAY)
    gate.wait(60)
    assert len(told(gate)) <= 3


def test_a_clock_that_is_not_set_misses_nothing_and_says_so_when_it_is() -> None:
    gate = Gate(built())
    gate.wait(1)
    gate.set_clock(0, TimeQuality.UNSYNC)
    badge(gate)
    gate.wait(4 * HOUR)
    assert told(gate) == []
    gate.set_clock(local("2026-03-18 12:00"))
    gate.wait(1)
    assert told(gate) == [(*MORNING, "unknown")]
    gate.wait(3 * HOUR)
    assert told(gate)[1:] == [("2026-03-18", "14:00", "missed")]


def test_a_clock_that_nobody_vouches_for_within_a_slot_misses_nothing() -> None:
    gate = Gate(built())
    gate.wait(3000)
    gate.set_clock(gate.now.wall_ms, TimeQuality.UNSYNC)
    gate.wait(1)
    gate.set_clock(gate.now.wall_ms, TimeQuality.SYNC)
    gate.wait(HOUR)
    assert told(gate) == [(*MORNING, "unknown")]


@pytest.mark.parametrize("days", [-3650, 400])
def test_a_clock_that_jumps_misses_nothing(days: int) -> None:
    gate = Gate(built())
    gate.wait(60)
    gate.set_clock(gate.now.wall_ms + days * 86_400_000)
    gate.wait(60)
    gate.set_clock(gate.now.wall_ms - days * 86_400_000)
    gate.wait(4 * HOUR)
    assert "missed" not in {state for day, _, state in told(gate) if day != "2026-03-18"}
    assert (*MORNING, "missed") in told(gate)


Deed = Callable[[Gate], None]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from([badge, Gate.keep, Gate.restart, lambda gate: badge(gate, "guard")]),
        st.integers(0, 6 * 3600),
    ),
    max_size=15,
)


@settings(deadline=None)
@given(DEEDS)
def test_every_slot_is_told_of_once_whatever_is_started_anew(
    deeds: list[tuple[Deed, int]],
) -> None:
    gate = Gate(built())
    for deed, wait_s in deeds:
        gate.wait(wait_s)
        deed(gate)
    slots = [(day, slot) for day, slot, _ in told(gate)]
    assert len(slots) == len(set(slots))
    begun = (gate.now.wall_ms - local("2026-03-18 08:00")) / 86_400_000
    assert 3 * begun - 2 <= len(slots) <= 3 * begun + 2
    assert "unknown" not in {state for *_, state in told(gate)}
