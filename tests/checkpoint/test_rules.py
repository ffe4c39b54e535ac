"""The rules at the gate, one test for each, in the words of those who stand there."""

from itertools import permutations

import pytest

from drivers.base import Position
from gateway.checkpoint.judging import Subject
from gateway.checkpoint.passages import LaneSettings
from gateway.checkpoint.prompts import Prompt
from gateway.events import Check, Class, Decision, Direction, PassageData, Verdict
from tests.checkpoint.lanes import OPEN_LANES, Gate, at, policy, told

NIGHT = at("03:00")


def test_rule_1_one_gate_both_directions_scanned() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    [entry] = gate.enter("li")
    gate.step_through()
    [out] = gate.scan("li", lane="out-1")
    assert (entry.direction, out.direction) == (Direction.ENTRY, Direction.EXIT)
    assert [each.door for each in gate.releases] == ["gate-1", "gate-1"]
    assert [(each.lane, each.taken) for each in gate.passages] == [
        ("in-1", None),
        ("in-1", True),
        ("out-1", None),
    ]


@pytest.mark.parametrize("code_first", [True, False])
def test_rule_2_code_and_temperature_belong_together_in_whichever_order(code_first: bool) -> None:
    gate = Gate(lanes=OPEN_LANES)
    if code_first:
        assert gate.scan("li") == []
        gate.wait(4)
        [passage] = gate.measure(36.4)
    else:
        assert gate.measure(36.4) == []
        gate.wait(4)
        [passage] = gate.scan("li")
    assert (passage.decision, passage.token, passage.celsius) == (Decision.GRANTED, "li", 36.4)
    assert passage.parts == ["epoch-1", "epoch-2"]
    assert gate.journal[-1].correlation == "epoch-1"
    assert passage.took_ms == 4000
    assert passage.checks == {"pass": "ok", "passback": "ok", "temperature": "ok"}


def test_rule_2_a_missing_temperature_is_recorded_as_missing() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.scan("li")
    [passage] = gate.wait(60)
    assert (passage.decision, passage.reason, passage.celsius) == ("denied", "timeout", None)
    assert passage.checks["temperature"] is Check.MISSING
    assert gate.journal[-1].at.mono_ns == gate.journal[0].at.mono_ns + 10 * 10**9


def test_rule_2_a_missing_code_is_recorded_as_missing() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.measure(36.4)
    [passage] = gate.wait(60)
    assert (passage.decision, passage.reason, passage.token) == ("denied", "timeout", None)
    assert passage.checks == {"pass": "missing", "temperature": "ok"}
    assert gate.said == [Prompt.SHOW_CODE, Prompt.TIMED_OUT]


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.EXPIRED, "expired"),
        (Verdict.NOT_YET_VALID, "not-yet-valid"),
        (Verdict.BAD_SIGNATURE, "bad-signature"),
        (Verdict.REVOKED, "revoked"),
        (Verdict.NOT_HERE, "not-here"),
        (Verdict.UNREADABLE, "unreadable"),
        (Verdict.OPAQUE, "refused"),
    ],
)
def test_rule_3_residents_pass_with_a_pass_that_is_good(verdict: Verdict, reason: str) -> None:
    gate = Gate()
    [refused] = gate.scan("li", verdict=verdict)
    assert (refused.decision, refused.reason) == ("denied", reason)
    assert refused.checks == {"pass": "failed"}
    assert gate.measure() == []  # it is theirs, and nobody else's
    assert gate.releases == []
    gate.wait(20)
    [granted] = gate.enter("li")
    assert granted.decision is Decision.GRANTED
    assert len(gate.releases) == 1


@pytest.mark.parametrize("order", [*permutations(["measured", "registered", "code"])])
def test_rule_4_visitors_are_measured_registered_and_show_a_code_in_any_order(
    order: tuple[str, ...],
) -> None:
    gate = Gate()
    registered = False
    passages: list[PassageData] = gate.scan("guest", Class.VISITOR, registered=False)
    for step in order:
        assert passages == []
        assert gate.releases == []
        gate.wait(3)
        match step:
            case "measured":
                passages = gate.measure()
            case "code":
                passages = gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE)
            case _:
                registered = True
                passages = gate.scan("guest", Class.VISITOR, registered=registered)
    [granted] = passages
    assert (granted.decision, granted.class_, granted.token) == ("granted", "visitor", "guest")
    assert granted.checks == {
        "pass": "ok",
        "passback": "ok",
        "code": "ok",
        "temperature": "ok",
        "registration": "ok",
    }
    assert len(gate.releases) == 1


@pytest.mark.parametrize("left_out", ["measured", "registered", "code"])
def test_rule_4_visitors_who_lack_one_of_the_three_do_not_enter(left_out: str) -> None:
    gate = Gate()
    gate.scan("guest", Class.VISITOR, registered=left_out != "registered")
    if left_out != "code":
        gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE)
    if left_out != "measured":
        gate.measure()
    [refused] = gate.wait(20)
    lacking = {"measured": "temperature", "registered": "registration"}.get(left_out, left_out)
    assert refused.checks[lacking] is Check.MISSING
    assert refused.reason == ("unregistered" if left_out == "registered" else "timeout")
    assert gate.releases == []


def test_rule_5_an_admission_slip_is_good_for_once() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    [granted] = gate.enter("slip", class_=Class.ADMISSION)
    gate.step_through()
    gate.wait(60)
    gate.restart()
    [again] = gate.scan("slip", Class.ADMISSION)
    assert (granted.decision, again.reason) == ("granted", "used")
    assert gate.said[-1] == Prompt.SLIP_USED


def test_rule_5_a_slip_is_not_used_up_by_somebody_who_did_not_go_in() -> None:
    gate = Gate()
    gate.door(Position.CLOSED)
    gate.enter("slip", class_=Class.ADMISSION)
    [not_taken] = gate.wait(20)
    assert not_taken.taken is False
    [granted] = gate.enter("slip", class_=Class.ADMISSION)
    assert granted.decision is Decision.GRANTED


def test_rule_5_a_slip_is_used_where_no_door_tells() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.enter("slip", class_=Class.ADMISSION)
    gate.wait(60)
    assert [told(each) for each in gate.scan("slip", Class.ADMISSION)] == ["used"]


def test_rule_5_a_slip_stays_used_when_the_key_of_the_pseudonyms_changes() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.enter("slip", class_=Class.ADMISSION, until=gate.now.wall_ms // 1000 + 86_400)
    gate.reboot()
    again = gate.scan("slip-by-new-key", Class.ADMISSION, former_token="slip")
    assert [told(each) for each in again] == ["used"]


def test_rule_6_others_are_refused() -> None:
    gate = Gate()
    [refused] = gate.scan("menu", Class.UNKNOWN, verdict=Verdict.OPAQUE)
    assert (refused.decision, refused.reason, refused.class_) == ("denied", "refused", "unknown")
    assert gate.said == [Prompt.REFUSED]
    assert gate.releases == []


def test_rule_6_a_guard_may_override_under_their_own_badge() -> None:
    gate = Gate()
    [refused] = gate.scan("menu", Class.UNKNOWN, verdict=Verdict.OPAQUE)
    gate.wait(20)
    [passage] = gate.scan("zhao", Class.STAFF, role="guard")
    assert (passage.decision, passage.by) == ("granted", "override:zhao")
    assert (passage.token, passage.class_, passage.reason) == ("menu", "unknown", "guard")
    assert passage.parts == [*refused.parts, "epoch-3"]
    assert [(each.door, each.cause) for each in gate.releases] == [("gate-1", "epoch-3")]
    assert gate.said[-1] == Prompt.OVERRIDE


def test_rule_7_couriers_scan_and_do_not_enter() -> None:
    gate = Gate()
    [passage] = gate.scan("rider", Class.DELIVERY)
    assert (passage.decision, passage.reason, passage.class_) == ("denied", "drop-off", "delivery")
    assert gate.said == [Prompt.LEAVE_GOODS]
    assert gate.releases == []


def test_rule_7_couriers_enter_where_the_policy_says_so() -> None:
    gate = Gate(policy(entry={"delivery": {"admit": "yes", "needs": ["pass"]}}))
    [passage] = gate.scan("rider", Class.DELIVERY)
    assert passage.decision is Decision.GRANTED


def test_rule_8_vehicles_are_checked_in_a_lane_of_their_own() -> None:
    lanes = {
        "in-1": LaneSettings(direction=Direction.ENTRY),
        "cars": LaneSettings(
            direction=Direction.ENTRY, subject=Subject.VEHICLE, door="barrier", strike=True
        ),
    }
    gate = Gate(lanes=lanes)
    [car] = gate.scan("plate", Class.VEHICLE, lane="cars")
    [on_foot] = gate.scan("li", lane="cars")
    [astray] = gate.scan("plate", Class.VEHICLE, lane="in-1")
    [late] = gate.scan("old", Class.VEHICLE, lane="cars", verdict=Verdict.EXPIRED)
    assert [told(each) for each in (car, on_foot, astray, late)] == [
        "granted",
        "wrong-lane",
        "wrong-lane",
        "expired",
    ]
    assert [each.door for each in gate.releases] == ["barrier"]


def test_rule_15_rules_change_daily_and_apply_without_a_restart() -> None:
    gate = Gate(policy(fever={"threshold_celsius": 37.3}), OPEN_LANES)
    [before] = [*gate.scan("li"), *gate.measure(37.1)]
    gate.restart(policy(fever={"threshold_celsius": 37.0}))
    gate.wait(60)
    [after] = [*gate.scan("wang"), *gate.measure(37.1)]
    assert [told(each) for each in (before, after)] == ["granted", "re-check"]
    assert before.policy == "test-1"


def test_rule_16_whoever_stands_there_is_told_what_to_do() -> None:
    gate = Gate()
    gate.scan("li")
    gate.measure(36.5)
    gate.step_through()
    gate.wait(60)
    gate.scan("old", verdict=Verdict.EXPIRED)
    assert gate.said == [Prompt.MEASURING, Prompt.PASS, Prompt.EXPIRED]
