"""Reports: at their time, whatever the clock and the power did, and true to the records."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Lock, Position, Role
from gateway.checkpoint.machine import Machine, Recorded
from gateway.checkpoint.reports import Reports, ReportSettings, ReportsState
from gateway.checkpoint.rota import Shift
from gateway.clock import Stamp, TimeQuality, rfc3339
from gateway.events import (
    AlarmData,
    AlarmState,
    Check,
    Class,
    Decision,
    Direction,
    DoorData,
    Draft,
    Kind,
    PassageData,
    Period,
    ReportData,
    ScanData,
    Verdict,
)
from tests.checkpoint.gate import SHANGHAI, Build, Gate, Saved, local, state

HOUR = 3600.0
DAY = 24 * HOUR
SHIFTS = (
    Shift("day", "table", 8 * 60, 12 * 60, frozenset()),
    Shift("night", "table", 20 * 60, 12 * 60, frozenset()),
)
SETTINGS = ReportSettings()


def built(of: ReportSettings = SETTINGS, shifts: tuple[Shift, ...] = ()) -> Build:
    def build(saved: Saved) -> Mapping[str, Machine]:
        remembered = state(ReportsState, saved, "reports")
        return {"reports": Reports(of, shifts, SHANGHAI, remembered)}

    return build


def passage(gate: Gate, decision: Decision = Decision.GRANTED, **more: object) -> None:
    told: dict[str, object] = {
        "lane": "in-1",
        "direction": Direction.ENTRY,
        "decision": decision,
        "policy": "1",
        "took_ms": 5,
    }
    gate.tell(PassageData(**(told | more)), "lane/in-1")  # type: ignore[arg-type]


def scan(gate: Gate) -> None:
    data = ScanData(
        device="c", medium="camera", symbology="qr", class_=Class.RESIDENT,
        verdict=Verdict.VALID, token="t", decode_ms=None,
    )  # fmt: skip
    gate.tell(data, "lane/in-1")


def reports(gate: Gate, period: Period = Period.DAY) -> list[ReportData]:
    return [each for each in gate.told(ReportData) if each.period is period]


# ── When ──


def test_a_report_is_made_when_nothing_has_happened() -> None:
    gate = Gate(built())
    gate.wait(16 * HOUR)
    [report] = reports(gate)
    assert (report.name, report.zero, report.counts) == ("2026-03-18", True, {})
    assert (report.first, report.last, report.late_s) == (None, None, None)
    assert gate.records[-1].at.wall_ms == local("2026-03-19 00:00")


def test_a_report_is_made_every_day_at_its_time() -> None:
    gate = Gate(built(ReportSettings(minute=18 * 60)))
    gate.wait(3 * DAY)
    assert [each.name for each in reports(gate)] == ["2026-03-18", "2026-03-19", "2026-03-20"]
    assert {each.at.wall_ms % 86_400_000 for each in gate.records} == {10 * 3600 * 1000}


def test_a_report_is_made_at_the_end_of_each_shift() -> None:
    gate = Gate(built(shifts=SHIFTS))
    gate.wait(DAY)
    names = [each.name for each in reports(gate, Period.SHIFT)]
    assert names == ["2026-03-18 day", "2026-03-18 night"]


def test_of_shifts_that_end_together_one_report_is_made() -> None:
    other = Shift("office", "lodge", 9 * 60, 11 * 60, frozenset())
    gate = Gate(built(shifts=(*SHIFTS, other)))
    gate.wait(13 * HOUR)
    assert [each.name for each in reports(gate, Period.SHIFT)] == ["2026-03-18 day+office"]


def test_shifts_can_go_without_reports() -> None:
    gate = Gate(built(ReportSettings(shifts=False), SHIFTS))
    gate.wait(DAY)
    assert reports(gate, Period.SHIFT) == []


@pytest.mark.parametrize("days", [1, 3, 300])
def test_a_box_that_was_off_at_the_time_makes_one_report_and_says_so(days: int) -> None:
    gate = Gate(built())
    passage(gate)
    gate.keep()
    gate.boot(off_s=(days - 1) * DAY + 18 * HOUR)
    gate.wait(HOUR)
    [report] = reports(gate)
    assert report.counts["passage"] == 1
    assert local(f"{report.name} 00:00") == local("2026-03-18 00:00") + (days - 1) * 86_400_000
    assert (report.since, report.late_s) == (rfc3339(local("2026-03-18 08:00")), 2 * HOUR)
    gate.wait(DAY)
    assert [each.late_s for each in reports(gate)[1:]] == [None]


def test_a_clock_that_is_not_set_makes_no_report_and_the_set_one_says_that_it_was_not() -> None:
    gate = Gate(built())
    passage(gate)
    gate.keep()
    gate.boot(off_s=HOUR)
    gate.set_clock(86_400_000, TimeQuality.UNSYNC)
    gate.wait(30 * HOUR)
    passage(gate)
    assert reports(gate) == []
    gate.set_clock(local("2026-03-19 15:00"))
    gate.wait(HOUR)
    [report] = reports(gate)
    assert (report.name, report.clock, report.late_s) == ("2026-03-18", "unsync", 15 * HOUR)
    assert report.counts["passage"] == 2
    gate.wait(DAY)
    assert [(each.name, each.clock) for each in reports(gate)[1:]] == [("2026-03-19", "sync")]


def test_a_clock_wrong_for_half_the_day_is_told_in_a_report_at_its_time() -> None:
    gate = Gate(built())
    gate.wait(1)
    gate.set_clock(0, TimeQuality.UNSYNC)
    scan(gate)
    gate.wait(12 * HOUR)
    gate.set_clock(local("2026-03-18 20:00"))
    gate.wait(4 * HOUR)
    [report] = reports(gate)
    assert (report.name, report.clock, report.late_s) == ("2026-03-18", "unsync", None)


def test_a_first_start_with_a_clock_that_is_not_set_waits_for_it() -> None:
    gate = Gate(built())
    gate.set_clock(0, TimeQuality.UNSYNC)
    scan(gate)
    gate.wait(2 * DAY)
    assert reports(gate) == []
    gate.set_clock(local("2026-03-20 08:00"))
    gate.wait(17 * HOUR)
    [report] = reports(gate)
    assert (report.name, report.first, report.clock) == ("2026-03-20", 1, "unsync")


@pytest.mark.parametrize("quality", [TimeQuality.SYNC, TimeQuality.HOLDOVER])
@pytest.mark.parametrize("days", [-3650, 400])
def test_a_clock_that_jumps_and_comes_back_makes_one_report_at_most(
    days: int, quality: TimeQuality
) -> None:
    gate = Gate(built())
    gate.wait(60)
    gate.set_clock(gate.now.wall_ms + days * 86_400_000, quality)
    gate.wait(60)
    assert len(reports(gate)) == (days > 0)
    gate.set_clock(gate.now.wall_ms - days * 86_400_000, quality)
    gate.wait(3 * DAY)
    names = [each.name for each in reports(gate) if each.late_s is None]
    assert names == ["2026-03-18", "2026-03-19", "2026-03-20"]


def test_a_clock_set_back_a_little_makes_no_second_report() -> None:
    gate = Gate(built(), "2026-03-18 23:59")
    gate.wait(70)
    gate.set_clock(gate.now.wall_ms - 30_000)
    gate.wait(HOUR)
    assert len(reports(gate)) == 1


def test_times_that_were_put_right_later_move_nothing() -> None:
    gate = Gate(built())
    gate.wait(1)
    gate.set_clock(local("2026-03-25 08:00"), TimeQuality.CORRECTED)
    scan(gate)
    assert reports(gate) == []


# ── What ──


def test_it_counts_by_decision_reason_class_and_direction() -> None:
    gate = Gate(built())
    passage(gate, class_=Class.RESIDENT)
    passage(gate, taken=True)
    passage(gate, taken=False)
    passage(gate, Decision.DENIED, reason="expired", direction=Direction.EXIT)
    passage(gate, by="override:x", reason="his mother is ill")
    scan(gate)
    gate.wait(16 * HOUR)
    assert reports(gate)[0].counts == {
        "passage": 5,
        "passage.granted": 2,
        "passage.denied": 1,
        "passage.denied.expired": 1,
        "passage.entry": 2,
        "passage.exit": 1,
        "passage.class.resident": 1,
        "passage.class.none": 2,
        "passage.taken": 1,
        "passage.not-taken": 1,
        "passage.override": 1,
        "scan": 1,
        "scan.class.resident": 1,
        "scan.verdict.valid": 1,
    }


def test_it_tells_what_was_missing() -> None:
    gate = Gate(built())
    passage(gate, checks={"temperature": Check.MISSING, "pass": Check.OK})
    passage(gate, checks={"temperature": Check.MISSING, "code": Check.MISSING})
    passage(gate, checks={"temperature": Check.MISSING}, taken=True)
    gate.wait(16 * HOUR)
    assert reports(gate)[0].missing == {"code": 1, "temperature": 2}


def test_it_counts_openings_and_not_what_else_a_door_tells() -> None:
    gate = Gate(built())
    for position in ("open", "open", "unknown", "open", "closed", "open", "closed"):
        data = DoorData(
            device="d",
            door="home-5",
            role=Role.HOME,
            position=Position(position),
            lock=Lock.UNKNOWN,
        )
        gate.tell(data, "door/home-5")
    gate.wait(16 * HOUR)
    [report] = reports(gate)
    assert report.counts == {"door": 7, "door.opened": 2, "door.opened.home-5": 2}
    assert report.zero


@pytest.mark.parametrize(("state_", "zero"), [(AlarmState.RAISED, False)])
def test_an_alarm_is_something_that_has_happened(state_: AlarmState, zero: bool) -> None:
    gate = Gate(built())
    gate.tell(AlarmData(alarm="tamper", state=state_), "door/a", "x")
    gate.tell(AlarmData(alarm="tamper", state=state_, reminder=1), "door/a", "x")
    gate.wait(16 * HOUR)
    [report] = reports(gate)
    assert report.zero is zero
    assert report.counts == {"alarm": 2, "alarm.raised.tamper": 1, "alarm.reminder": 1}


def test_it_counts_itself_in_the_next() -> None:
    gate = Gate(built())
    scan(gate)
    gate.wait(16 * HOUR)
    gate.wait(DAY)
    first, second = reports(gate)
    assert (first.first, first.last) == (1, 1)
    assert (second.first, second.last) == (2, 2)
    assert second.counts == {"report": 1, "report.day": 1}
    assert second.zero
    assert second.since == rfc3339(local("2026-03-19 00:00"))


def test_it_tells_how_long_the_gateway_was_at_work() -> None:
    gate = Gate(built())
    scan(gate)
    gate.wait(5 * HOUR)
    scan(gate)
    gate.keep()
    gate.boot(off_s=3 * HOUR)
    scan(gate)
    gate.wait(8 * HOUR)
    [report] = reports(gate)
    assert report.uptime_s == 13 * HOUR
    gate.wait(DAY)
    assert reports(gate)[1].uptime_s == DAY


def test_a_report_left_out_breaks_the_chain() -> None:
    gate = Gate(built())
    for _ in range(3):
        scan(gate)
        gate.wait(DAY)
    chain = ""
    for report in reports(gate):
        for seq in range(report.first or 1, (report.last or 0) + 1):
            chain = hashlib.sha256(f"{chain} k3f9x2m7-{seq}".encode()).hexdigest()
        assert report.chain == chain


def test_what_is_gone_through_twice_is_counted_once() -> None:
    gate = Gate(built())
    scan(gate)
    gate.take(gate.records[0])
    gate.wait(16 * HOUR)
    assert reports(gate)[0].counts["scan"] == 1


def test_a_new_journal_is_counted_anew() -> None:
    gate = Gate(built())
    scan(gate)
    scan(gate)
    at, data = gate.now, gate.records[0].data
    new = Recorded(1, "abcdefgh-1", gate.records[0].kind, "lane/in-1", at, data)
    gate.take(new)
    gate.wait(16 * HOUR)
    assert [(each.first, each.last, each.counts["scan"]) for each in reports(gate)] == [(1, 1, 1)]


# ── Properties ──

Deed = Callable[[Gate], None]


def _set(days: int) -> Deed:
    return lambda gate: gate.set_clock(gate.now.wall_ms + days * 86_400_000)


def _unset(gate: Gate) -> None:
    gate.set_clock(0, TimeQuality.UNSYNC)


def _boot(off_s: float) -> Deed:
    return lambda gate: gate.boot(off_s, TimeQuality.SYNC)


def _late(gate: Gate) -> None:
    """What was observed before the last moments, and comes through the journal after them."""
    now = gate.now
    gate.now = now.earlier(0.5)
    scan(gate)
    gate.now = now


DEEDS = st.sampled_from(
    [
        scan,
        passage,
        lambda gate: passage(gate, Decision.DENIED, reason="expired"),
        lambda gate: passage(gate, checks={"temperature": Check.MISSING}),
        _late,
        _set(0),
        _set(400),
        _set(-3650),
        _unset,
        _boot(60),
        _boot(3 * DAY),
        Gate.keep,
        Gate.restart,
    ]
)
WAITS = st.sampled_from([0, 1, 60, 3600, 6 * 3600, 12 * 3600])
DAYS = st.lists(st.tuples(DEEDS, WAITS), min_size=1, max_size=40)


def recount(records: list[Recorded]) -> tuple[Counter[str], Counter[str]]:
    """Kinds and decisions, counted without the product."""
    counts: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for each in records:
        counts[each.kind.value] += 1
        if isinstance(each.data, PassageData):
            counts[f"passage.{each.data.decision.value}"] += 1
            missing.update(name for name, how in each.data.checks.items() if how == "missing")
    return counts, missing


@settings(deadline=None)
@given(DAYS, st.booleans(), st.booleans())
def test_the_counts_of_all_reports_are_those_of_the_records(
    days: list[tuple[Deed, int]], in_shifts: bool, keeps: bool
) -> None:
    shifts = SHIFTS if in_shifts else ()
    gate = Gate(built(shifts=shifts), "2026-03-18 21:00", keeps=keeps)
    for deed, wait_s in days:
        deed(gate)
        gate.wait(wait_s)
    for period in Period:
        after, chain = 0, ""
        for report in reports(gate, period):
            last = after if report.last is None else report.last
            counted = gate.records[after:last]
            assert report.first == (counted[0].seq if counted else None)
            counts, missing = recount(counted)
            assert {name: report.counts.get(name, 0) for name in counts} == counts
            assert sum(n for name, n in report.counts.items() if "." not in name) == len(counted)
            assert report.missing == missing
            for each in counted:
                chain = hashlib.sha256(f"{chain} {each.id}".encode()).hexdigest()
            assert report.chain == chain
            after = last


@settings(deadline=None)
@given(DAYS)
def test_no_clock_makes_more_reports_than_there_were_days_and_steps(
    days: list[tuple[Deed, int]],
) -> None:
    gate = Gate(built(), "2026-03-18 21:00")
    for deed, wait_s in days:
        deed(gate)
        gate.wait(wait_s)
    lived_days = sum(wait_s for _, wait_s in days) / DAY
    assert len(reports(gate)) <= lived_days + len(days) + 1
    gate.set_clock(local("2026-05-01 12:00"))
    gate.wait(1)
    made = len(reports(gate))
    gate.wait(2 * DAY)
    assert [each.name for each in reports(gate)[made:]] == ["2026-05-01", "2026-05-02"]


def test_a_rota_that_was_away_for_days_leaves_no_hole_in_the_counts_of_shifts() -> None:
    remembered, seq = ReportsState(), 0
    reports: list[ReportData] = []
    for shifts, hours in ((SHIFTS, range(1, 5)), ((), range(5, 40)), (SHIFTS, range(40, 64))):
        machine = Reports(SETTINGS, shifts, SHANGHAI, remembered)
        for hour in hours:
            at = Stamp(1_773_792_000_000 + hour * 3_600_000, TimeQuality.SYNC, "b", hour * 10**12)
            made = [each.data for each in machine.advance(at) if isinstance(each, Draft)]
            reports += [each for each in made if isinstance(each, ReportData)]
            seq += 1
            data = ScanData(
                device="s",
                medium="o",
                symbology="QR",
                verdict=Verdict.OPAQUE,
                token="x",
                decode_ms=1,
            )
            machine.take(Recorded(seq, f"k-{seq}", Kind.SCAN, "device/s", at, data))
    of_shifts = [each for each in reports if each.period is Period.SHIFT and each.first]
    assert of_shifts
    for each in of_shifts:
        assert each.last is not None
        assert each.first is not None
        assert each.counts["scan"] == each.last - each.first + 1
