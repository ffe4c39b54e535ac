"""The lanes between the rules: muddles, doors that tell or do not, repeats, restarts."""

import pytest
from msgspec.structs import replace

from drivers.base import Position
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.prompts import Prompt
from gateway.events import Check, Class, Decision, Direction, Kind, PassageData, Verdict
from tests.checkpoint.lanes import IN, OPEN_LANES, Gate, policy, told


def test_two_people_at_once_are_both_asked_again() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.scan("li")
    gate.wait(1)
    refused = gate.scan("wang")
    assert [(each.token, each.reason, each.parts) for each in refused] == [
        ("li", "ambiguous", ["epoch-1"]),
        ("wang", "ambiguous", ["epoch-2"]),
    ]
    assert gate.said[-1] == Prompt.ONE_AT_A_TIME
    gate.wait(1)
    [nobodys] = gate.measure()
    assert (nobodys.token, nobodys.reason) == (None, "ambiguous")
    gate.wait(4)
    [granted] = gate.enter("li")
    assert granted.decision is Decision.GRANTED


def test_two_measurements_before_any_code_are_two_people() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.measure(36.4)
    gate.wait(1)
    assert [each.reason for each in gate.measure(36.6)] == ["ambiguous", "ambiguous"]


def test_a_muddle_lasts_no_longer_than_the_window() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.scan("li")
    gate.scan("wang")
    for _ in range(7):
        gate.wait(1.5)
        gate.measure()
    [granted] = gate.scan("li")
    assert granted.decision is Decision.GRANTED


def test_two_thermometers_of_a_lane_look_at_the_same_person() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.measure(36.4, device="one")
    gate.wait(0.5)
    gate.measure(37.6, device="two")
    [passage] = gate.scan("li")
    assert (passage.reason, passage.celsius) == ("re-check", 37.6)
    gate.wait(20)
    gate.scan("wang")
    [granted] = gate.measure(36.5, device="one")
    assert granted.decision is Decision.GRANTED
    assert gate.measure(36.6, device="two") == []
    assert gate.wait(60) == []


def test_a_measurement_after_the_passage_is_not_the_next_persons() -> None:
    gate = Gate(policy(entry={"staff": {"needs": ["pass"]}}), OPEN_LANES)
    [granted] = gate.scan("zhao", Class.STAFF)
    assert granted.decision is Decision.GRANTED
    gate.wait(1)
    gate.measure(38.0)
    gate.wait(1)
    assert gate.scan("li") == []
    assert gate.said[-1] == Prompt.MEASURING


def test_a_code_that_stays_before_the_camera_is_no_second_passage() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.enter("li")
    gate.wait(5)
    assert gate.scan("li") == []
    gate.wait(6)
    assert gate.scan("li") == []
    assert len(gate.measure()) == 1


def test_a_refused_code_is_told_again_and_recorded_once() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.scan("li", verdict=Verdict.EXPIRED)
    gate.wait(3)
    assert gate.scan("li", verdict=Verdict.EXPIRED) == []
    assert gate.said == [Prompt.EXPIRED, Prompt.EXPIRED]


def test_who_did_not_go_through_may_come_again_at_once() -> None:
    gate = Gate(lanes={"in-1": replace(IN, passage_s=3.0)})
    gate.door(Position.CLOSED)
    gate.enter("li")
    gate.wait(4)
    [granted] = gate.enter("li")
    assert [each.taken for each in gate.passages] == [None, False, None]
    assert granted.decision is Decision.GRANTED


def test_lanes_do_not_know_of_each_other() -> None:
    lanes = {f"in-{n}": LaneSettings(direction=Direction.ENTRY) for n in range(8)}
    gate = Gate(lanes=lanes)
    for lane in lanes:
        gate.scan(f"p-{lane}", lane=lane)
    for lane in reversed(lanes):
        gate.measure(lane=lane)
    assert [(each.token, each.decision) for each in gate.passages] == [
        (f"p-{lane}", "granted") for lane in reversed(lanes)
    ]


def test_two_who_may_pass_and_a_door_that_opens_once() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    gate.enter("li")
    gate.wait(1)
    gate.scan("wang", lane="out-1")
    gate.door(Position.OPEN)
    gate.door(Position.CLOSED)
    gate.wait(60)
    # The first has gone; the other may have gone with them, or not: that stays open.
    assert [(each.token, each.taken) for each in gate.passages if each.taken is not None] == [
        ("li", True)
    ]


@pytest.mark.parametrize("position", [Position.UNKNOWN, Position.FAULT, None])
def test_a_door_that_cannot_tell_is_not_guessed_at(position: Position | None) -> None:
    gate = Gate()
    if position:
        gate.door(position)
    gate.enter("li")
    gate.wait(60)
    assert [each.taken for each in gate.passages] == [None]
    assert len(gate.releases) == 1


def test_a_door_whose_link_is_lost_meanwhile_is_not_guessed_at() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    gate.enter("li")
    gate.wait(2)
    gate.door(Position.UNKNOWN)
    gate.door(Position.CLOSED)
    gate.wait(60)
    assert [each.taken for each in gate.passages] == [None]


def test_a_door_without_a_strike_is_watched_and_not_released() -> None:
    gate = Gate(lanes={"in-1": LaneSettings(direction=Direction.ENTRY, door="gate-1")})
    gate.door(Position.CLOSED)
    gate.enter("li")
    gate.step_through()
    assert [each.taken for each in gate.passages] == [None, True]
    assert gate.releases == []


def test_another_boot_ends_every_window() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    gate.enter("li")
    gate.scan("wang", lane="out-1", class_=Class.VEHICLE)
    gate.scan("chen")
    gate.reboot()
    gate.measure()
    gate.wait(60)
    assert [(each.token, each.reason, each.taken) for each in gate.passages][2:] == [
        ("chen", "timeout", None),
        (None, "timeout", None),
    ]
    ended = next(
        each
        for each in gate.journal
        if isinstance(each.data, PassageData) and each.data.token == "chen"
    )
    assert (ended.at.boot, ended.at.mono_ns) == ("boot-1", 1010 * 10**9)


def test_a_recorded_passage_counts_though_another_policy_would_decide_otherwise() -> None:
    gate = Gate(policy(entry={"resident": {"passback": "refuse"}}), OPEN_LANES)
    gate.save()
    gate.enter("li")
    strict = policy(entry={"resident": {"needs": ["pass", "registration", "temperature"]}})
    gate._policy = strict
    gate.crash()
    gate.wait(60)
    assert [told(each) for each in gate.passages] == ["granted"]
    assert gate.machine.state.passages.memory.people["li"].inside


def test_what_was_decided_otherwise_is_undone() -> None:
    gate = Gate(policy(entry={"admission": {"needs": ["pass"]}}), OPEN_LANES)
    event = gate.scan("slip", Class.ADMISSION)
    gate.machine.state.passages.decided.clear()
    gate.restart()
    gate.save()
    gate._saved = (b"{}", 0)
    refused = replace(event[0], decision=Decision.DENIED, reason="revoked")
    gate.journal[1] = replace(gate.journal[1], data=refused)
    gate.crash()
    gate.wait(60)
    assert gate.machine.state.passages.memory.slips == {}
    assert [told(each) for each in gate.scan("slip", Class.ADMISSION)] == ["granted"]


def test_a_passage_from_elsewhere_is_remembered() -> None:
    gate = Gate(policy(entry={"resident": {"passback": "refuse"}}), OPEN_LANES)
    data = PassageData(
        lane="in-1",
        direction=Direction.ENTRY,
        decision=Decision.GRANTED,
        class_=Class.RESIDENT,
        token="li",
        checks={"pass": Check.OK},
        by="remote",
        policy="test-1",
        took_ms=0,
    )
    gate.record(Kind.PASSAGE, "lane/in-1", data)
    gate.wait(60)
    assert [told(each) for each in gate.scan("li")] == ["passback"]


def test_a_lane_that_is_no_longer_configured_ends_in_silence() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    gate.enter("li")
    gate._lanes = {"out-1": OPEN_LANES["out-1"]}
    gate.restart()
    assert [each.taken for each in gate.wait(60)] == [False]
    assert gate.scan("li", lane="in-1") == []


def test_nothing_is_due_where_nobody_is() -> None:
    gate = Gate()
    assert gate.machine.due(gate.now) is None
    gate.scan("li")
    gate.wait(4)
    assert gate.machine.due(gate.now) == 6.0
    gate.wait(60)
    assert gate.machine.due(gate.now) is None
