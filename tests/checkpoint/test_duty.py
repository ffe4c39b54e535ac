"""Who is on post: badges, shifts, and posts that nobody is at."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checkpoint.alarms import Alarms, AlarmsState
from gateway.checkpoint.duty import Duty, DutySettings, DutyState
from gateway.checkpoint.machine import Machine, Say
from gateway.checkpoint.rota import Rota, Shift
from gateway.clock import TimeQuality
from gateway.events import AlarmData, Class, DutyAct, DutyData, ScanData, Verdict
from tests.checkpoint.gate import SHANGHAI, Build, Gate, Saved, local, state

POSTS = DutySettings(posts={"table": "badges"})
ROTA: Rota = (
    Shift("morning", "table", 8 * 60, 8 * 60, frozenset({"anna", "bert", "eve"})),
    Shift("evening", "table", 16 * 60, 8 * 60, frozenset({"carl", "eve"})),
    Shift("night", "table", 0, 8 * 60, frozenset({"dora"})),
)
MINUTE = 60.0
HOUR = 60 * MINUTE


def built(rota: Rota = ROTA, of: DutySettings = POSTS) -> Build:
    def build(saved: Saved) -> Mapping[str, Machine]:
        alarms = Alarms(86_400, state(AlarmsState, saved, "alarms"))
        duty = Duty(of, rota, SHANGHAI, alarms, state(DutyState, saved, "duty"))
        return {"duty": duty, "alarms": alarms}

    return build


def badge(
    gate: Gate,
    token: str,
    role: str = "guard",
    verdict: Verdict = Verdict.VALID,
    of: Class = Class.STAFF,
    device: str = "badges",
) -> None:
    data = ScanData(
        device=device, lane="in-1", medium="camera", symbology="qr", class_=of, verdict=verdict,
        token=token, role=role, decode_ms=None,
    )  # fmt: skip
    gate.tell(data, "lane/in-1")


def told(gate: Gate) -> list[tuple[str, str | None, str | None, str | None]]:
    return [(each.act.value, each.token, each.former, each.shift) for each in gate.told(DutyData)]


def test_a_badge_checks_in_and_the_second_time_out() -> None:
    gate = Gate(built())
    badge(gate, "anna")
    gate.wait(HOUR)
    badge(gate, "anna")
    assert told(gate) == [
        ("check-in", "anna", None, "morning"),
        ("check-out", "anna", None, "morning"),
    ]
    assert [each.prompt for each in gate.done if isinstance(each, Say)] == ["on-duty", "off-duty"]


def test_a_badge_read_again_at_once_was_shown_once() -> None:
    gate = Gate(built())
    for _ in range(5):
        badge(gate, "anna")
        gate.wait(50)
    assert told(gate) == [("check-in", "anna", None, "morning")]


def test_another_badge_of_the_post_takes_over_without_a_gap() -> None:
    gate = Gate(built(), "2026-03-18 15:50")
    badge(gate, "anna")
    badge(gate, "carl")
    gate.wait(HOUR)
    assert told(gate) == [
        ("check-in", "anna", None, "morning"),
        ("hand-over", "carl", "anna", "evening"),
    ]
    assert gate.alarms == []


def test_whoever_is_in_two_shifts_comes_for_the_one_that_is_on() -> None:
    gate = Gate(built(), "2026-03-18 17:00")
    badge(gate, "eve")
    assert told(gate) == [("check-in", "eve", None, "evening")]


@pytest.mark.parametrize(
    "badge_",
    [
        lambda gate: badge(gate, "stranger"),
        lambda gate: badge(gate, "anna", verdict=Verdict.EXPIRED),
        lambda gate: badge(gate, "anna", of=Class.RESIDENT),
        lambda gate: badge(gate, "anna", device="elsewhere"),
    ],
)
def test_no_other_badge_counts(badge_: Callable[[Gate], None]) -> None:
    gate = Gate(built())
    badge_(gate)
    assert told(gate) == []


@pytest.mark.parametrize(
    ("roles", "role", "counts"),
    [((), "guard", True), ((), "inspector", False), (("guard",), "cleaner", False)],
)
def test_without_a_rota_the_role_decides(roles: tuple[str, ...], role: str, counts: bool) -> None:
    of = DutySettings(posts={"table": "in-1"}, roles=frozenset(roles))
    gate = Gate(built((), of))
    badge(gate, "anyone", role)
    assert (told(gate) != []) is counts


def test_a_post_where_nobody_ever_came_is_an_alarm() -> None:
    gate = Gate(built())
    gate.wait(299)
    assert gate.alarms == []
    gate.wait(10)
    assert gate.alarms == ["post-unattended raised"]
    assert gate.records[-1].subject == "post/table"
    badge(gate, "anna")
    assert gate.alarms == ["post-unattended raised", "post-unattended cleared"]


def test_a_post_that_was_left_is_an_alarm_until_somebody_comes() -> None:
    gate = Gate(built())
    badge(gate, "anna")
    gate.wait(HOUR)
    badge(gate, "anna")
    left = gate.records[-2].id
    gate.wait(6 * MINUTE)
    assert gate.alarms == ["post-unattended raised"]
    assert [each.correlation for each in gate.records if isinstance(each.data, AlarmData)] == [left]
    badge(gate, "bert")
    assert gate.alarms[1:] == ["post-unattended cleared"]


def test_whoever_is_on_post_still_is_after_a_power_cut() -> None:
    gate = Gate(built())
    badge(gate, "anna")
    gate.keep()
    gate.boot(off_s=HOUR)
    gate.wait(HOUR)
    assert gate.alarms == []
    badge(gate, "anna")
    assert told(gate)[1:] == [("check-out", "anna", None, "morning")]


def test_a_shift_of_which_nobody_has_come_is_late_once() -> None:
    gate = Gate(built(), "2026-03-18 15:00")
    badge(gate, "anna")
    gate.wait(3 * HOUR)
    assert told(gate)[1:] == [("late", None, None, "evening")]
    assert gate.records[-1].at.wall_ms == local("2026-03-18 16:15")
    badge(gate, "carl")
    gate.wait(6 * HOUR + 14 * MINUTE)
    assert told(gate)[2:] == [("hand-over", "carl", "anna", "evening")]
    gate.wait(2 * MINUTE)
    assert told(gate)[3:] == [("late", None, None, "night")]


def test_a_shift_cannot_be_late_before_the_gate_is_back() -> None:
    gate = Gate(built(), "2026-03-18 15:00")
    badge(gate, "anna")
    gate.keep()
    gate.boot(off_s=90 * MINUTE)
    gate.wait(14 * MINUTE)
    assert told(gate)[1:] == []
    gate.wait(2 * MINUTE)
    assert told(gate)[1:] == [("late", None, None, "evening")]


def test_nobody_is_late_by_a_clock_that_is_not_set() -> None:
    gate = Gate(built(), "2026-03-18 15:00")
    badge(gate, "anna")
    gate.set_clock(gate.now.wall_ms, TimeQuality.UNSYNC)
    gate.wait(10 * HOUR)
    assert told(gate)[1:] == []


def test_a_post_that_is_no_longer_configured_leaves_no_alarm_behind() -> None:
    gate = Gate(built())
    gate.wait(301)
    gate.build = built((), DutySettings())
    gate.keep()
    gate.restart()
    assert gate.alarms == ["post-unattended raised", "post-unattended cleared"]


Deed = Callable[[Gate], None]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "carl", "dora", "eve", "stranger"]).map(
            lambda token: lambda gate: badge(gate, token)
        ),
        st.integers(0, 9 * 3600),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(DEEDS, st.data())
def test_however_often_the_gateway_is_started_anew_duty_is_the_same(
    deeds: list[tuple[Deed, int]], data: st.DataObject
) -> None:
    one, other = Gate(built()), Gate(built())
    for deed, wait_s in deeds:
        for gate, steps in ((one, []), (other, [wait_s / 3, wait_s / 2])):
            gate.wait(wait_s, [round(each, 3) for each in steps])
            deed(gate)
        match data.draw(st.sampled_from(["goes on", "is kept", "is started anew"])):
            case "is kept":
                other.keep()
            case "is started anew":
                other.restart()
    assert one.decided == other.decided


@settings(deadline=None)
@given(DEEDS)
def test_somebody_is_on_post_or_there_is_an_alarm(deeds: list[tuple[Deed, int]]) -> None:
    gate = Gate(built())
    for deed, wait_s in deeds:
        gate.wait(wait_s + 301)
        there = [each.act for each in gate.told(DutyData) if each.act is not DutyAct.LATE]
        attended = bool(there) and there[-1] is not DutyAct.CHECK_OUT
        told = [each.state.value for each in gate.told(AlarmData) if not each.reminder]
        assert told.count("raised") - told.count("cleared") == (not attended)
        deed(gate)
