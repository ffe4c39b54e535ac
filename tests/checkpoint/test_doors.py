"""Watched doors: what each may do, and what is said when it does something else."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Lock, Position, Role
from gateway.checkpoint.alarms import Alarms, AlarmsState
from gateway.checkpoint.door import DoorFacts, DoorSettings
from gateway.checkpoint.doors import Doors, DoorsState
from gateway.checkpoint.machine import Act, Machine, Say
from gateway.checkpoint.prompts import Prompt
from gateway.clock import TimeQuality, rfc3339
from gateway.events import (
    AlarmData,
    AlarmState,
    CommandData,
    Decision,
    Direction,
    DoorData,
    Kind,
    PassageData,
)
from tests.checkpoint.gate import Build, Gate, Saved, local, state

FACTS = {
    "gate-1": DoorFacts(Role.GATE, lanes={"in-1": 10.0, "out-1": 20.0}, strike=True),
    "free-2": DoorFacts(Role.GATE, lanes={"in-2": 10.0}),
    "exit-3": DoorFacts(Role.GATE, lanes={"out-3": 10.0}, strike=True, egress=True),
    "side-4": DoorFacts(Role.SEALED),
    "home-5": DoorFacts(Role.HOME),
}
REMIND_S = 600.0


def built(facts: Mapping[str, DoorFacts] = FACTS, **options: Any) -> Build:
    def build(saved: Saved) -> Mapping[str, Machine]:
        alarms = Alarms(REMIND_S, state(AlarmsState, saved, "alarms"))
        doors = Doors(facts, DoorSettings(**options), alarms, state(DoorsState, saved, "doors"))
        return {"doors": doors, "alarms": alarms}

    return build


def a_gate(**options: Any) -> Gate:
    """With every door shut."""
    gate = Gate(built(**options))
    for name in FACTS:
        tell(gate, name, Position.CLOSED)
    return gate


def tell(gate: Gate, name: str, position: Position, **more: Any) -> str:
    """A door's contacts tell this; the event's id."""
    told: dict[str, Any] = {"lock": Lock.UNKNOWN, "role": FACTS[name].role} | more
    data = DoorData(device="board", door=name, position=position, **told)
    return gate.tell(data, f"door/{name}").id


def grant(gate: Gate, lane: str, decision: Decision = Decision.GRANTED) -> None:
    way = Direction.ENTRY if lane.startswith("in") else Direction.EXIT
    gate.tell(
        PassageData(lane=lane, direction=way, decision=decision, policy="1", took_ms=1),
        f"lane/{lane}",
    )


def order(
    gate: Gate, command: str, target: str | None = None, status: int = 200, **args: Any
) -> None:
    gate.tell(
        CommandData(
            id="c1", command=command, target=target, by="ops:wang", status=status, args=args
        )
    )


def window(gate: Gate, until: Any, begins: str = "2026-03-18T08:00:00+08:00") -> None:
    order(gate, "grant-window", "door/home-5", **{"from": begins, "until": until})


def acknowledge(gate: Gate) -> None:
    last = [each for each in gate.records if each.kind is Kind.ALARM][-1]
    order(gate, "acknowledge-alarm", f"alarm/{last.correlation}")


# ── Gates ──


def test_a_gate_opened_after_a_grant_is_as_it_should_be() -> None:
    gate = a_gate()
    grant(gate, "in-1")
    gate.wait(3)
    tell(gate, "gate-1", Position.OPEN)
    gate.wait(3)
    tell(gate, "gate-1", Position.CLOSED)
    assert gate.alarms == []


@pytest.mark.parametrize(("lane", "after_s"), [("in-1", 10.5), ("out-1", 20.5), ("in-2", 1)])
def test_a_gate_opened_long_after_the_grant_or_by_that_of_another_is_not(
    lane: str, after_s: float
) -> None:
    gate = a_gate()
    grant(gate, lane)
    gate.wait(after_s)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]


def test_a_gate_that_nobody_released_was_forced() -> None:
    gate = a_gate()
    opened = tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]
    alarm = gate.records[-1]
    assert (alarm.subject, alarm.correlation) == ("door/gate-1", opened)


def test_no_grant_outlasts_a_power_cut() -> None:
    gate = a_gate()
    gate.wait(3600)
    grant(gate, "in-1")
    gate.keep()
    gate.boot(off_s=1)
    tell(gate, "gate-1", Position.CLOSED)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]


def test_a_refusal_opens_nothing() -> None:
    gate = a_gate()
    grant(gate, "in-1", Decision.DENIED)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]


@pytest.mark.parametrize("status", [200, 202])
def test_a_gate_released_from_afar_may_be_opened(status: int) -> None:
    gate = a_gate()
    order(gate, "release", "door/gate-1", status)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == []


def test_an_order_that_was_refused_releases_nothing() -> None:
    gate = a_gate()
    order(gate, "release", "door/gate-1", status=403)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]


def test_a_gate_may_open_before_its_release_is_recorded() -> None:
    gate = a_gate()
    tell(gate, "gate-1", Position.CLOSED, commanded=Lock.UNLOCKED)
    gate.wait(1)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == []


def test_whoever_leaves_by_the_handle_is_free_to() -> None:
    gate = a_gate()
    tell(gate, "exit-3", Position.OPEN)
    assert gate.alarms == []


def test_one_grant_is_for_one_entry_where_nothing_keeps_the_gate_shut() -> None:
    gate = a_gate()
    grant(gate, "in-2")
    for _ in range(2):
        tell(gate, "free-2", Position.OPEN)
        gate.wait(1)
        tell(gate, "free-2", Position.CLOSED)
    assert gate.alarms == ["unpaired-entry raised"]


def test_entries_that_nobody_paired_are_one_alarm_and_are_counted() -> None:
    gate = a_gate()
    for _ in range(3):
        tell(gate, "free-2", Position.OPEN)
        tell(gate, "free-2", Position.CLOSED)
    gate.wait(REMIND_S)
    assert [(each.reminder, each.count) for each in gate.told(AlarmData)] == [(None, None), (1, 3)]


def test_a_gate_held_open_is_told_once_and_cleared_when_it_shuts() -> None:
    gate = a_gate()
    grant(gate, "in-1")
    tell(gate, "gate-1", Position.OPEN)
    opened = gate.now
    gate.wait(90)
    assert gate.alarms == ["door-held-open raised"]
    raised = gate.records[-1].at
    assert raised.mono_ns - opened.mono_ns == 60 * 10**9
    tell(gate, "gate-1", Position.CLOSED)
    assert gate.alarms == ["door-held-open raised", "door-held-open cleared"]
    assert gate.records[-1].correlation == gate.records[-3].correlation


def test_the_gate_says_that_it_was_forced_and_that_it_should_be_shut() -> None:
    gate = a_gate()
    tell(gate, "gate-1", Position.OPEN)
    gate.wait(60)
    said = [(each.prompt, each.lane) for each in gate.done if isinstance(each, Say)]
    assert said == [
        (Prompt.DOOR_FORCED, "in-1"),
        (Prompt.DOOR_FORCED, "out-1"),
        (Prompt.CLOSE_THE_DOOR, "in-1"),
        (Prompt.CLOSE_THE_DOOR, "out-1"),
    ]


# ── Sealed doors ──


def test_a_sealed_door_that_opens_is_an_alarm_at_once_whatever_was_ordered() -> None:
    gate = a_gate()
    order(gate, "release", "door/side-4")
    tell(gate, "side-4", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]


def test_an_opening_stays_an_alarm_until_somebody_has_acknowledged_it() -> None:
    gate = a_gate()
    tell(gate, "side-4", Position.OPEN)
    tell(gate, "side-4", Position.CLOSED)
    assert gate.alarms == ["door-forced raised"]
    acknowledge(gate)
    assert gate.alarms[1:] == ["door-forced acknowledged", "door-forced cleared"]
    assert gate.told(AlarmData)[1].by == "ops:wang"


def test_an_acknowledged_opening_is_over_when_the_door_shuts() -> None:
    gate = a_gate()
    tell(gate, "side-4", Position.OPEN)
    acknowledge(gate)
    assert gate.alarms[1:] == ["door-forced acknowledged"]
    tell(gate, "side-4", Position.CLOSED)
    assert gate.alarms[2:] == ["door-forced cleared"]


def test_an_opening_can_be_over_when_the_door_shuts() -> None:
    gate = a_gate(until_acknowledged=False)
    tell(gate, "side-4", Position.OPEN)
    tell(gate, "side-4", Position.CLOSED)
    assert gate.alarms == ["door-forced raised", "door-forced cleared"]
    tell(gate, "side-4", Position.OPEN)
    assert gate.alarms[2:] == ["door-forced raised"]


# ── Homes ──


def test_a_home_door_opened_outside_every_window_is_an_alarm_at_once() -> None:
    gate = a_gate()
    opened = tell(gate, "home-5", Position.OPEN)
    assert gate.alarms == ["home-door-opened raised"]
    assert gate.records[-1].correlation == opened


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-03-18T08:00:00+08:00", "2026-03-18T08:10:00+08:00"),
        ("2026-03-17T23:50:00Z", "2026-03-18T00:10:00Z"),
    ],
)
def test_a_home_door_opened_for_a_nurse_is_none(begins: str, ends: str) -> None:
    gate = a_gate()
    window(gate, ends, begins)
    gate.wait(60)
    tell(gate, "home-5", Position.OPEN)
    gate.wait(120)
    tell(gate, "home-5", Position.CLOSED)
    assert gate.alarms == []


def test_a_home_door_still_open_after_its_window_is_an_alarm_then() -> None:
    gate = a_gate()
    window(gate, "2026-03-18T08:10:00+08:00")
    opened = tell(gate, "home-5", Position.OPEN)
    gate.wait(599)
    assert gate.alarms == []
    gate.wait(60)
    assert gate.alarms == ["home-door-opened raised"]
    assert gate.records[-1].at.wall_ms == local("2026-03-18 08:10")
    assert gate.records[-1].correlation == opened


def test_a_window_is_made_longer_by_another() -> None:
    gate = a_gate()
    window(gate, "2026-03-18T08:10:00+08:00")
    tell(gate, "home-5", Position.OPEN)
    window(gate, "2026-03-18T08:20:00+08:00")
    gate.wait(900)
    assert gate.alarms == []
    gate.wait(600)
    assert gate.alarms == ["home-door-opened raised"]


@pytest.mark.parametrize("until", ["tomorrow", "2026-03-18T08:10:00", "", True, 1e300, None])
def test_a_window_that_nobody_understands_is_none(until: Any) -> None:
    gate = a_gate()
    window(gate, until)
    tell(gate, "home-5", Position.OPEN)
    assert gate.alarms == ["home-door-opened raised"]


def test_a_window_cannot_be_judged_by_a_clock_that_is_not_set() -> None:
    gate = a_gate()
    window(gate, "2026-03-18T08:10:00+08:00")
    gate.set_clock(gate.now.wall_ms, TimeQuality.UNSYNC)
    tell(gate, "home-5", Position.OPEN)
    [alarm] = gate.told(AlarmData)
    assert alarm.reason == "whether that was granted cannot be told: the clock is not set"


def test_a_home_door_found_open_after_a_power_cut_is_an_alarm() -> None:
    gate = a_gate()
    window(gate, "2026-03-18T08:10:00+08:00")
    tell(gate, "home-5", Position.OPEN)
    gate.boot(off_s=3600)
    tell(gate, "home-5", Position.OPEN)
    assert gate.alarms == ["home-door-opened raised"]


def test_a_home_door_whose_link_comes_back_after_its_window_is_an_alarm_then() -> None:
    gate = a_gate()
    window(gate, "2026-03-18T08:10:00+08:00")
    tell(gate, "home-5", Position.OPEN)
    tell(gate, "home-5", Position.UNKNOWN)
    gate.wait(700)
    assert gate.alarms == ["door-unknown raised", "door-unknown raised"]
    tell(gate, "home-5", Position.OPEN)
    assert gate.alarms[2:] == ["door-unknown cleared", "home-door-opened raised"]


def test_nothing_is_ever_done_to_a_home_door() -> None:
    gate = a_gate()
    order(gate, "release", "door/home-5")
    tell(gate, "home-5", Position.OPEN)
    assert gate.alarms == ["home-door-opened raised"]
    assert gate.done == []


# ── Any door ──


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_door_whose_link_is_lost_is_unknown_never_closed(name: str) -> None:
    gate = a_gate()
    tell(gate, name, Position.UNKNOWN)
    gate.wait(59)
    assert gate.alarms == []
    gate.wait(2)
    assert gate.alarms == ["door-unknown raised"]
    tell(gate, name, Position.CLOSED)
    assert gate.alarms == ["door-unknown raised", "door-unknown cleared"]


def test_a_door_of_which_nothing_is_heard_after_a_power_cut_is_unknown() -> None:
    gate = a_gate()
    gate.keep()
    gate.boot(off_s=10)
    for name in FACTS.keys() - {"home-5"}:
        tell(gate, name, Position.CLOSED)
    gate.wait(61)
    assert [each.subject for each in gate.records if each.kind is Kind.ALARM] == ["door/home-5"]
    assert gate.alarms == ["door-unknown raised"]


def test_a_door_without_a_contact_is_never_missed() -> None:
    gate = Gate(built({"arm": DoorFacts(Role.GATE, strike=True, contact=False)}))
    gate.wait(3600)
    assert gate.alarms == []


def test_a_link_that_comes_back_to_an_open_door_is_no_second_opening() -> None:
    gate = a_gate()
    tell(gate, "side-4", Position.OPEN)
    tell(gate, "side-4", Position.UNKNOWN)
    tell(gate, "side-4", Position.OPEN)
    gate.wait(REMIND_S)
    assert [each.count for each in gate.told(AlarmData)] == [None, None]


def test_a_gate_found_open_is_not_called_forced() -> None:
    gate = a_gate()
    tell(gate, "gate-1", Position.UNKNOWN)
    tell(gate, "gate-1", Position.OPEN)
    assert gate.alarms == []


def test_tampering_and_an_empty_battery_are_told_and_cleared() -> None:
    gate = a_gate()
    tell(gate, "home-5", Position.CLOSED, tamper=True, battery=9.0)
    tell(gate, "home-5", Position.CLOSED, tamper=True, battery=8.0)
    assert gate.alarms == ["tamper raised", "battery-low raised"]
    tell(gate, "home-5", Position.CLOSED, tamper=False, battery=17.0)
    assert gate.alarms[2:] == ["tamper cleared"]
    tell(gate, "home-5", Position.CLOSED, tamper=False, battery=100.0)
    assert gate.alarms[3:] == ["battery-low cleared"]


def test_a_contact_or_lock_that_is_broken_is_told_and_cleared() -> None:
    gate = a_gate()
    tell(gate, "gate-1", Position.CLOSED, lock=Lock.FAULT)
    tell(gate, "gate-1", Position.FAULT)
    tell(gate, "gate-1", Position.UNKNOWN)
    assert gate.alarms == ["door-fault raised"]
    tell(gate, "gate-1", Position.CLOSED)
    assert gate.alarms[1:] == ["door-fault cleared"]


def test_a_door_that_is_no_longer_configured_leaves_no_alarm_behind() -> None:
    gate = a_gate()
    tell(gate, "side-4", Position.OPEN)
    tell(gate, "side-4", Position.OPEN, tamper=True)
    gate.keep()
    gate.build = built({"gate-1": FACTS["gate-1"]})
    gate.restart()
    gate.wait(1)
    assert gate.alarms[2:] == ["door-forced cleared", "tamper cleared"]
    assert {each.reason for each in gate.told(AlarmData)[2:]} == {"no longer configured"}


# ── Properties ──

Deed = Callable[[Gate], None]

MOVES = st.builds(
    lambda name, position, more: lambda gate: tell(gate, name, position, **more) and None,
    st.sampled_from(sorted(FACTS)),
    st.sampled_from(Position),
    st.sampled_from([{}, {"tamper": True}, {"battery": 3.0}, {"commanded": Lock.UNLOCKED}]),
)
ORDERS = st.sampled_from(
    [
        lambda gate: grant(gate, "in-1"),
        lambda gate: grant(gate, "in-2"),
        lambda gate: order(gate, "release", "door/gate-1"),
        lambda gate: window(gate, rfc3339(gate.now.wall_ms + 90_000)),
    ]
)
ACKNOWLEDGEMENTS = st.integers(0, 5).map(
    lambda number: lambda gate: order(gate, "acknowledge-alarm", f"alarm/k3f9x2m7-{number + 6}")
)
DEEDS = st.lists(st.tuples(MOVES | ORDERS | ACKNOWLEDGEMENTS, st.integers(0, 700)), max_size=25)


@settings(deadline=None)
@given(DEEDS, st.lists(st.integers(0, 700_000).map(lambda ms: ms / 1000), max_size=5))
def test_however_often_time_is_asked_the_alarms_are_the_same(
    deeds: list[tuple[Deed, int]], steps: list[float]
) -> None:
    one, other = a_gate(), a_gate()
    for deed, wait_s in deeds:
        for gate, asked in ((one, []), (other, steps)):
            deed(gate)
            gate.wait(wait_s, asked)
    assert [(each.at, each.data) for each in one.records] == [
        (each.at, each.data) for each in other.records
    ]


@settings(deadline=None)
@given(DEEDS, st.data())
def test_however_often_the_gateway_is_started_anew_the_alarms_are_the_same(
    deeds: list[tuple[Deed, int]], data: st.DataObject
) -> None:
    one, other = a_gate(), a_gate()
    for deed, wait_s in deeds:
        for gate in (one, other):
            deed(gate)
            gate.wait(wait_s)
        match data.draw(st.sampled_from(["goes on", "is kept", "is started anew"])):
            case "is kept":
                other.keep()
            case "is started anew":
                other.restart()
    assert one.decided == other.decided


@settings(deadline=None)
@given(DEEDS)
def test_no_door_is_ever_told_anything(deeds: list[tuple[Deed, int]]) -> None:
    gate = a_gate()
    for deed, wait_s in deeds:
        deed(gate)
        gate.wait(wait_s)
    assert [each for each in gate.done if isinstance(each, Act)] == []


@settings(deadline=None)
@given(DEEDS)
def test_every_alarm_is_raised_once_before_it_is_cleared_once(
    deeds: list[tuple[Deed, int]],
) -> None:
    gate = a_gate()
    for deed, wait_s in deeds:
        deed(gate)
        gate.wait(wait_s)
    lives: dict[tuple[str, str | None], list[AlarmState]] = {}
    for each in gate.records:
        if isinstance(each.data, AlarmData) and not each.data.reminder:
            lives.setdefault((each.data.alarm, each.correlation), []).append(each.data.state)
    whole = [AlarmState.RAISED, AlarmState.ACKNOWLEDGED, AlarmState.CLEARED]
    for life in lives.values():
        assert life in (whole[:1], whole[:2], whole, [whole[0], whole[2]])
