"""What a policy says, rule by rule: fever, hours, passback, outings, overrides, the clock."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from drivers.base import Position, Quality
from gateway.checkpoint.options import PolicyDocument
from gateway.checkpoint.policy import BUILT_IN
from gateway.checkpoint.prompts import Prompt
from gateway.clock import TimeQuality
from gateway.events import AlarmState, Check, Class, Decision, Fever, Verdict
from tests.checkpoint.lanes import OPEN_LANES, ZONE, Gate, at, policy, told


@pytest.mark.parametrize(
    ("celsius", "quality", "fever"),
    [
        (36.5, Quality.OK, Fever.NORMAL),
        (37.29, Quality.OK, Fever.NORMAL),
        (37.3, Quality.OK, Fever.RE_CHECK),
        (36.5, Quality.SUSPECT, Fever.NORMAL),
        (36.5, Quality.INVALID, Fever.INVALID),
        (33.4, Quality.OK, Fever.INVALID),
        (34.99, Quality.OK, Fever.INVALID),
        (35.0, Quality.OK, Fever.NORMAL),
        (float("nan"), Quality.OK, Fever.INVALID),
    ],
)
def test_a_measurement_is_normal_to_be_checked_again_or_invalid(
    celsius: float, quality: Quality, fever: Fever
) -> None:
    assert BUILT_IN.fever(celsius, quality) is fever


def test_cold_skin_is_measured_again_and_is_nobody_new() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.scan("li")
    assert gate.measure(33.6) == []
    gate.wait(8)
    assert gate.measure(34.1) == []
    gate.wait(8)
    [passage] = gate.measure(36.2)
    assert (passage.decision, passage.celsius) == ("granted", 36.2)
    assert gate.said == [
        Prompt.MEASURING, Prompt.MEASURE_AGAIN, Prompt.MEASURE_AGAIN, Prompt.PASS
    ]  # fmt: skip


def test_cold_skin_alone_is_no_measurement() -> None:
    gate = Gate(lanes=OPEN_LANES)
    gate.scan("li")
    gate.measure(33.6)
    [passage] = gate.wait(20)
    assert (passage.reason, passage.celsius) == ("timeout", 33.6)
    assert passage.checks["temperature"] is Check.MISSING


def test_who_is_too_warm_rests_is_measured_again_and_then_refused() -> None:
    gate = Gate(policy(fever={"rechecks": 1, "wait_min": 5}), OPEN_LANES)
    [first] = [*gate.scan("li"), *gate.measure(37.8)]
    gate.wait(120)
    [too_early] = gate.scan("li")
    assert gate.said[-1] == Prompt.WAIT_AND_RE_CHECK
    gate.wait(200)
    [second] = [*gate.scan("li"), *gate.measure(37.6)]
    gate.wait(600)
    [third] = gate.scan("li")
    assert [told(each) for each in (first, too_early, second, third)] == [
        "re-check",
        "re-check",
        "temperature",
        "temperature",
    ]
    assert [each.checks["temperature"] for each in (first, too_early)] == ["failed", "missing"]
    gate.wait(5 * 3600)
    [later] = gate.enter("li")
    assert later.decision is Decision.GRANTED


def test_who_is_normal_after_the_rest_passes() -> None:
    gate = Gate(lanes=OPEN_LANES)
    [*gate.scan("li"), *gate.measure(37.8)]
    gate.restart()
    gate.wait(301)
    [passage] = gate.enter("li")
    assert passage.decision is Decision.GRANTED
    assert gate.machine.state.passages.memory.rechecks == {}


HOURS = {"resident": {"hours": ["06:00-09:30", "22:00-01:00"]}}


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [
        ("05:59", False), ("06:00", True), ("09:29", True), ("09:30", False),
        ("21:59", False), ("22:00", True), ("00:30", True), ("01:00", False),
    ],
)  # fmt: skip
def test_opening_hours_are_local_several_and_over_midnight(clock: str, is_open: bool) -> None:
    gate = Gate(policy(entry=HOURS), OPEN_LANES, start=at(clock))
    passages = gate.enter("li")
    assert [told(each) for each in passages] == ["granted" if is_open else "not-permitted-now"]
    assert passages[0].checks["hours"] is (Check.OK if is_open else Check.FAILED)


@pytest.mark.parametrize(
    ("passback", "expected", "check"),
    [("off", "granted", None), ("record", "granted", "failed"), ("refuse", "passback", "failed")],
)
def test_the_same_pass_comes_in_twice_without_having_gone_out(
    passback: str, expected: str, check: str | None
) -> None:
    gate = Gate(policy(entry={"resident": {"passback": passback}}), OPEN_LANES)
    gate.enter("li")
    gate.wait(600)
    [passage] = gate.enter("li") if passback != "refuse" else gate.scan("li")
    assert told(passage) == expected
    assert passage.checks.get("passback") == check


@pytest.mark.parametrize("after", ["exit", "hours", "midnight", "not-taken"])
def test_passback_ends_with_an_exit_after_a_time_and_with_the_day(after: str) -> None:
    body = {"entry": {"resident": {"passback": "refuse"}}, "passback": {"forget_min": 120}}
    gate = Gate(policy(**body), start=at("23:00" if after == "midnight" else "10:00"))
    gate.door(Position.CLOSED)
    gate.enter("li")
    if after == "not-taken":
        assert [each.taken for each in gate.wait(20)] == [False]
    else:
        gate.step_through()
        gate.wait(20)
    if after == "exit":
        gate.scan("li", lane="out-1")
        gate.step_through()
        gate.wait(20)
    gate.wait({"hours": 7200, "midnight": 3600}.get(after, 0))
    [passage] = gate.enter("li")
    assert passage.decision is Decision.GRANTED


OUTINGS = {"exit": {"resident": {"per_day": 2, "over": "refuse"}}}


def out_and_in(gate: Gate) -> list[str]:
    passages = gate.scan("li", lane="out-1")
    gate.wait(1800)
    passages += gate.enter("li")
    gate.wait(1800)
    return [told(each) for each in passages]


def test_outings_are_counted_by_the_day() -> None:
    gate = Gate(policy(**OUTINGS), OPEN_LANES)
    assert [out_and_in(gate) for _ in range(3)] == [
        ["granted", "granted"],
        ["granted", "granted"],
        ["quota", "granted"],
    ]
    gate.wait_until(at("08:00", day=19))
    assert out_and_in(gate) == ["granted", "granted"]


def test_a_day_may_begin_later_than_at_midnight() -> None:
    gate = Gate(policy(day_begins="04:00", **OUTINGS), OPEN_LANES, start=at("22:00"))
    assert out_and_in(gate) + out_and_in(gate) == ["granted"] * 4
    gate.wait_until(at("03:59", day=19))
    assert out_and_in(gate)[0] == "quota"
    assert out_and_in(gate)[0] == "granted"


def test_an_outing_too_many_is_recorded_unless_the_policy_refuses_it() -> None:
    gate = Gate(policy(exit={"resident": {"per_day": 1}}), OPEN_LANES)
    out_and_in(gate)
    [again] = gate.scan("li", lane="out-1")
    assert (again.decision, again.checks) == ("granted", {"outings": "failed"})


@pytest.mark.parametrize(
    ("rule", "back", "late"),
    [
        ({"back_by": "21:00"}, at("20:59"), False),
        ({"back_by": "21:00"}, at("21:01"), True),
        ({"back_by": "21:00"}, at("07:00", day=19), True),
        ({"back_within_min": 120}, at("11:59"), False),
        ({"back_within_min": 120}, at("12:01"), True),
    ],
)
def test_who_comes_back_late_is_let_in_and_it_is_recorded(
    rule: dict[str, object], back: datetime, late: bool
) -> None:
    gate = Gate(policy(exit={"resident": rule}), OPEN_LANES)
    gate.scan("li", lane="out-1")
    gate.wait_until(back)
    [passage] = gate.enter("li")
    assert passage.decision is Decision.GRANTED
    assert passage.checks["return"] == ("failed" if late else "ok")


def test_who_comes_back_late_is_refused_only_where_the_policy_says_so() -> None:
    body = {
        "exit": {"resident": {"back_by": "21:00"}},
        "entry": {"resident": {"when_late": "refuse"}},
    }
    gate = Gate(policy(**body), OPEN_LANES)
    gate.scan("li", lane="out-1")
    gate.wait_until(at("22:00"))
    assert [told(each) for each in gate.scan("li")] == ["late"]
    assert "keeps out" in " ".join(PolicyDocument.model_validate(body).notices())


def test_by_default_nobody_who_goes_out_is_refused() -> None:
    gate = Gate(lanes=OPEN_LANES)
    for number, class_ in enumerate(set(Class) - {Class.VEHICLE}):
        for verdict in Verdict:
            token = f"{class_}-{verdict}-{number}"
            [passage] = gate.scan(token, class_, lane="out-1", verdict=verdict)
            assert passage.decision is Decision.GRANTED
    assert PolicyDocument().notices() == []


OVERRIDE = {"override": {"cards": {"CARD AMBULANCE": "ambulance"}, "within_s": 30}}


@pytest.mark.parametrize("card_first", [True, False])
def test_an_override_has_the_reason_of_the_card_that_is_shown(card_first: bool) -> None:
    gate = Gate(policy(override={**OVERRIDE["override"], "card_required": True}))
    gate.scan("menu", Class.UNKNOWN, verdict=Verdict.OPAQUE)
    gate.wait(5)

    def card() -> None:
        passages.extend(gate.scan("paper", Class.UNKNOWN, note="ambulance"))

    def badge() -> None:
        passages.extend(gate.scan("zhao", Class.STAFF, role="guard"))

    passages = gate.passages[:0]
    for step in (card, badge) if card_first else (badge, card):
        assert passages == []
        step()
    assert [(each.by, each.reason) for each in passages] == [("override:zhao", "ambulance")]
    assert len(passages[0].parts) == 3


@pytest.mark.parametrize("why", ["too late", "wrong role", "expired badge", "own", "not for this"])
def test_an_override_that_is_none(why: str) -> None:
    gate = Gate(policy(override={"within_s": 30, "not_for": ["revoked"]}))
    role = "cleaner" if why == "wrong role" else "guard"
    verdict = Verdict.EXPIRED if why == "expired badge" else Verdict.VALID
    badge = "menu" if why == "own" else "zhao"
    bad = Verdict.REVOKED if why == "not for this" else Verdict.EXPIRED
    gate.scan("menu", verdict=bad)
    gate.wait(31 if why == "too late" else 5)
    gate.scan(badge, Class.STAFF, role=role, verdict=verdict)
    gate.wait(20)
    assert {each.by for each in gate.passages} == {"policy"}
    assert gate.releases == []


def test_an_override_is_for_whoever_was_refused_last_and_nobody_else() -> None:
    gate = Gate()
    gate.scan("menu", Class.UNKNOWN, verdict=Verdict.OPAQUE)
    gate.wait(12)
    gate.scan("li")
    gate.scan("zhao", Class.STAFF, role="guard")
    assert gate.said[-1] == Prompt.ONE_AT_A_TIME
    assert gate.releases == []


def test_a_refusal_is_overridden_once() -> None:
    gate = Gate()
    gate.scan("menu", Class.UNKNOWN, verdict=Verdict.OPAQUE)
    gate.scan("zhao", Class.STAFF, role="guard")
    gate.wait(12)
    gate.scan("zhao", Class.STAFF, role="guard")
    gate.measure()
    assert [each.by for each in gate.passages] == ["policy", "override:zhao", "policy"]


def test_a_card_without_a_refusal_means_nothing() -> None:
    gate = Gate(policy(**OVERRIDE))
    assert gate.scan("paper", Class.UNKNOWN, note="ambulance") == []
    [passage] = gate.enter("li")
    assert passage.decision is Decision.GRANTED


@pytest.mark.parametrize("action", ["alarm", "refuse"])
def test_who_is_on_the_watch_list_raises_an_alarm(action: str) -> None:
    gate = Gate(policy(watched=action), OPEN_LANES)
    passages = gate.scan("li", watched=True)
    gate.scan("li", watched=True)
    passages += gate.measure()
    assert [(each.alarm, each.state) for each in gate.alarms] == [
        ("watched-person", AlarmState.RAISED)
    ]
    assert gate.journal[1].correlation == "epoch-1"
    assert [told(each) for each in passages] == ["granted" if action == "alarm" else "refused"]


@pytest.mark.parametrize("when_unsync", ["allow", "refuse"])
def test_while_the_clock_is_not_right_times_are_not_judged(when_unsync: str) -> None:
    body = {"when_unsync": when_unsync, "entry": {"resident": {"hours": ["06:00-07:00"]}}}
    gate = Gate(policy(**body), OPEN_LANES, quality=TimeQuality.UNSYNC)
    passages = [*gate.scan("li"), *gate.measure()]
    assert [told(each) for each in passages] == ["granted" if when_unsync == "allow" else "clock"]
    assert passages[0].checks["clock"] is Check.MISSING


@pytest.mark.parametrize("verdict", [Verdict.BAD_SIGNATURE, Verdict.EXPIRED])
def test_what_is_bad_for_certain_is_bad_by_any_clock(verdict: Verdict) -> None:
    """A pass is called expired then only if the time floor is past its end."""
    gate = Gate(lanes=OPEN_LANES, quality=TimeQuality.UNSYNC)
    assert [told(each) for each in gate.scan("li", verdict=verdict)] == [verdict.value]


def test_a_badge_that_is_expired_for_certain_overrides_nothing() -> None:
    gate = Gate(lanes=OPEN_LANES, quality=TimeQuality.UNSYNC)
    gate.scan("wang", class_=Class.UNKNOWN, verdict=Verdict.OPAQUE)
    shown = gate.scan("zhao", class_=Class.STAFF, role="guard", verdict=Verdict.EXPIRED)
    assert [told(each) for each in shown] == ["expired"]


def test_quotas_and_passback_wait_for_a_right_clock() -> None:
    body = {
        "entry": {"resident": {"passback": "refuse"}},
        "exit": {"resident": {"per_day": 1, "over": "refuse", "back_within_min": 1}},
    }
    gate = Gate(policy(**body), OPEN_LANES, quality=TimeQuality.UNSYNC)
    assert out_and_in(gate) + out_and_in(gate) == ["granted"] * 4
    [passage] = gate.enter("li")
    assert passage.checks["passback"] is Check.MISSING


@pytest.mark.parametrize(
    "body", [{"fevr": {}}, {"fever": {"threshold_celsius": "37.3"}}, {"repeat_s": True}]
)
def test_a_policy_is_strict(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        policy(**body)


def test_the_built_in_policy_names_itself() -> None:
    gate = Gate()
    [passage] = gate.enter("li")
    assert passage.policy == "built-in"
    midnight_ms = round(at("00:00").timestamp() * 1000)
    assert BUILT_IN.day(midnight_ms, ZONE) == at("10:00").toordinal()
    assert BUILT_IN.day(midnight_ms - 1, ZONE) == at("10:00", day=17).toordinal()
