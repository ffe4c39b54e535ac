"""The rules about doors, duty and reports, one test for each, in the words of those who stand
there; those of the topic tree and of announcements, too."""

from collections.abc import Mapping

from paho.mqtt.client import topic_matches_sub

from drivers.base import Lock, Position, Role
from gateway.checkpoint.alarms import Alarms, AlarmsState
from gateway.checkpoint.announcements import Announcements
from gateway.checkpoint.door import DoorFacts, DoorSettings
from gateway.checkpoint.doors import Doors, DoorsState
from gateway.checkpoint.duty import Duty, DutySettings, DutyState
from gateway.checkpoint.inspections import Inspections, InspectionSettings, InspectionsState
from gateway.checkpoint.machine import Machine, Say
from gateway.checkpoint.prompts import Prompt
from gateway.checkpoint.reports import Reports, ReportSettings, ReportsState
from gateway.checkpoint.rota import Shift
from gateway.config import Place
from gateway.events import (
    AlarmData,
    Class,
    CommandData,
    DoorData,
    DutyData,
    InspectionData,
    Kind,
    Period,
    ReportData,
    ScanData,
    Verdict,
)
from gateway.topics import Topics
from tests.checkpoint.gate import SHANGHAI, Gate, Saved, state

HOUR = 3600.0
DOORS = {"flat-12": DoorFacts(Role.HOME), "side-2": DoorFacts(Role.SEALED)}
ROTA = (
    Shift("early", "table", 6 * 60, 12 * 60, frozenset({"wang", "zhao"})),
    Shift("late", "table", 18 * 60, 12 * 60, frozenset({"li"})),
)


def build(saved: Saved) -> Mapping[str, Machine]:
    alarms = Alarms(86_400, state(AlarmsState, saved, "alarms"))
    duty = DutySettings(posts={"table": "badges"})
    return {
        "doors": Doors(DOORS, DoorSettings(), alarms, state(DoorsState, saved, "doors")),
        "duty": Duty(duty, ROTA, SHANGHAI, alarms, state(DutyState, saved, "duty")),
        "inspections": Inspections(
            InspectionSettings(), SHANGHAI, state(InspectionsState, saved, "inspections")
        ),
        "reports": Reports(ReportSettings(), ROTA, SHANGHAI, state(ReportsState, saved, "reports")),
        "alarms": alarms,
    }


def a_gate(start: str = "2026-03-18 08:00") -> Gate:
    """With both doors shut and Wang on post."""
    gate = Gate(build, start)
    for name in DOORS:
        door(gate, name, Position.CLOSED)
    badge(gate, "wang")
    return gate


def door(gate: Gate, name: str, position: Position) -> None:
    data = DoorData(
        device="board", door=name, role=DOORS[name].role, position=position, lock=Lock.UNKNOWN
    )
    gate.tell(data, f"door/{name}")


def badge(gate: Gate, token: str, role: str = "guard") -> None:
    data = ScanData(
        device="badges", medium="reader", symbology="card", class_=Class.STAFF,
        verdict=Verdict.VALID, token=token, role=role, decode_ms=None,
    )  # fmt: skip
    gate.tell(data, "device/badges")


def test_rule_9_a_quarantine_home_is_watched_and_an_opening_outside_a_window_is_an_alarm() -> None:
    gate = a_gate()
    args: dict[str, str | int | float | bool] = {
        "from": "2026-03-18T08:00:00+08:00",
        "until": "2026-03-18T09:00:00+08:00",
    }
    gate.tell(
        CommandData(id="1", command="grant-window", target="door/flat-12", status=200, args=args)
    )
    door(gate, "flat-12", Position.OPEN)
    door(gate, "flat-12", Position.CLOSED)
    assert gate.alarms == []
    gate.wait(2 * HOUR)
    door(gate, "flat-12", Position.OPEN)
    assert gate.alarms == ["home-door-opened raised"]
    assert gate.records[-1].at == gate.now


def test_rule_10_a_sealed_side_gate_must_stay_closed() -> None:
    gate = a_gate()
    door(gate, "side-2", Position.OPEN)
    assert gate.alarms == ["door-forced raised"]


def test_rule_11_shifts_round_the_clock_without_a_gap() -> None:
    gate = a_gate()
    gate.wait(10 * HOUR)
    badge(gate, "li")
    assert [each.act for each in gate.told(DutyData)] == ["check-in", "hand-over"]
    gate.wait(2 * HOUR)
    badge(gate, "li")
    gate.wait(600)
    assert gate.alarms == ["post-unattended raised"]


def test_rule_12_three_inspections_a_day_and_a_record_when_one_is_missed() -> None:
    gate = a_gate()
    gate.wait(HOUR)
    badge(gate, "inspector", "inspector")
    gate.wait(15 * HOUR)
    assert [(each.slot, each.state) for each in gate.told(InspectionData)] == [
        ("09:00", "done"),
        ("14:00", "missed"),
        ("22:00", "missed"),
    ]
    assert [each.act for each in gate.told(DutyData)] == ["check-in", "late"]


def test_rule_13_a_zero_report_every_day_also_when_nothing_happened() -> None:
    gate = Gate(lambda saved: {"reports": build(saved)["reports"]})
    gate.wait(48 * HOUR)
    days = [each for each in gate.told(ReportData) if each.period is Period.DAY]
    assert [(each.name, each.zero) for each in days] == [("2026-03-18", True), ("2026-03-19", True)]


def test_rule_13_it_counts_what_is_recorded_here_whoever_hears_of_it() -> None:
    gate = a_gate("2026-03-18 23:00")
    door(gate, "flat-12", Position.OPEN)
    gate.wait(HOUR)
    [report] = [each for each in gate.told(ReportData) if each.period is Period.DAY]
    assert not report.zero
    assert report.counts["alarm.raised.home-door-opened"] == len(gate.told(AlarmData)) == 1
    assert (report.first, report.last) == (1, gate.records[-1].seq - 1)


def test_rule_14_district_street_community_and_grid_subscribe_to_their_part() -> None:
    place = Place(id="410102011003007", district="410102", street="011", community="003")
    topic = Topics(place).alarm(Kind.ALARM)
    for own, others in (
        ("cg1/410102/#", "cg1/410103/#"),
        ("cg1/410102/011/#", "cg1/410102/012/#"),
        ("cg1/410102/011/003/#", "cg1/410102/011/004/#"),
        ("cg1/410102/+/+/+/up/alarm/#", "cg1/410102/+/+/+/up/event/#"),
    ):
        assert topic_matches_sub(own, topic)
        assert not topic_matches_sub(others, topic)


def test_rule_16_what_the_centre_announces_is_said_at_the_gate() -> None:
    gate = Gate(lambda _: {"announcements": Announcements()})
    for status, text in ((403, "refused"), (200, "今日全员核酸，请到东门")):
        gate.tell(
            CommandData(
                id="1", command="announce", target="lane/in-1", status=status, args={"text": text}
            )
        )
    said = {"text": "今日全员核酸，请到东门"}
    assert gate.done == [Say(Prompt.ANNOUNCEMENT, gate.now, "in-1", said)]
