"""Several people, any order, any restarts: nobody gets another's temperature, nothing changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Position, Quality
from gateway.checkpoint.machine import Deed
from gateway.checkpoint.options import Admit, Need
from gateway.checkpoint.pairing import SETTLE_S
from gateway.checkpoint.policy import Policy
from gateway.events import (
    Class,
    Decision,
    Fever,
    PassageData,
    ScanData,
    TemperatureData,
    Verdict,
)
from tests.checkpoint.lanes import LANES, OPEN_LANES, Gate, policy

PEOPLE = {"li": Class.RESIDENT, "guest": Class.VISITOR, "zhao": Class.STAFF}


@dataclass(frozen=True)
class Step:
    """Somebody shows a part, so long after the one before."""

    person: str
    part: str
    gap_s: float


def do(gate: Gate, step: Step) -> None:
    gate.wait(step.gap_s)
    if step.part == "code":
        gate.scan(step.person, PEOPLE[step.person], registered=True)
    elif step.part == "health":
        token = f"{step.person}-health"
        gate.scan(token, Class.HEALTH_CODE, verdict=Verdict.OPAQUE)
    else:
        gate.measure(36 + list(PEOPLE).index(step.person) / 10)


def parts_of(person: str) -> list[str]:
    return ["code", "health", "warmth"] if person == "guest" else ["code", "warmth"]


@st.composite
def crowds(draw: st.DrawFn) -> list[Step]:
    """Two or three people, each with their parts in any order, mixed in any way."""
    people = draw(st.permutations(list(PEOPLE)))[: draw(st.integers(2, 3))]
    waiting = {each: draw(st.permutations(parts_of(each))) for each in people}
    steps = []
    while waiting:
        person = draw(st.sampled_from(sorted(waiting)))
        gap_s = draw(st.sampled_from([0.0, 0.2, 1.0, 2.5, 4.0, 9.0, 11.0]))
        steps.append(Step(person, waiting[person].pop(0), gap_s))
        if not waiting[person]:
            del waiting[person]
    return steps


def owner(event: Any) -> str:
    data = event.data
    if isinstance(data, TemperatureData):
        return list(PEOPLE)[round((data.celsius - 36) * 10)]
    return str(data.token).removesuffix("-health")


def sort(event: Any) -> str:
    if isinstance(event.data, TemperatureData):
        return "warmth"
    return "health" if event.data.class_ is Class.HEALTH_CODE else "code"


@given(crowds())
def test_parts_of_two_people_are_never_paired_where_it_can_be_known(steps: list[Step]) -> None:
    gate = Gate(lanes=OPEN_LANES)
    for step in steps:
        do(gate, step)
    gate.wait(60)
    parts = {each.id: each for each in gate.journal if not isinstance(each.data, PassageData)}
    for passage in gate.passages:
        mine = [parts[each] for each in passage.parts]
        if len({owner(each) for each in mine}) == 1:
            continue
        # Then one person had shown no code and the other none but that, for all anybody could see.
        first, last = min(each.seq for each in mine), max(each.seq for each in mine)
        meanwhile = [each for each in parts.values() if first <= each.seq <= last]
        assert sorted(map(sort, meanwhile)) == sorted({sort(each) for each in meanwhile})
        asked = [
            each.at.mono_ns
            for each in gate.journal[: first - 1]
            if isinstance(each.data, PassageData) and each.data.reason == "ambiguous"
        ]
        assert all(parts[passage.parts[0]].at.mono_ns - at >= SETTLE_S * 1e9 for at in asked)


@given(st.permutations(list(PEOPLE)), st.data())
def test_people_one_after_the_other_all_pass_with_what_is_theirs(
    people: list[str], data: st.DataObject
) -> None:
    gate = Gate(lanes=OPEN_LANES)
    for person in people:
        for part in data.draw(st.permutations(parts_of(person))):
            do(gate, Step(person, part, data.draw(st.sampled_from([0.2, 1.0, 8.0]))))
    assert [each.token for each in gate.passages] == people
    assert {each.decision for each in gate.passages} == {Decision.GRANTED}
    assert [round((each.celsius or 0) * 10 - 360) for each in gate.passages] == [
        list(PEOPLE).index(each) for each in people
    ]


@given(crowds(), st.integers(0, 6))
def test_the_same_code_read_again_is_nobody_new(steps: list[Step], again: int) -> None:
    once, often = Gate(lanes=OPEN_LANES), Gate(lanes=OPEN_LANES)
    for number, step in enumerate(steps):
        do(once, step)
        do(often, step)
        opened = often.machine.state.lanes["in-1"].open
        if number == again and step.part == "code" and opened:
            do(often, Step(step.person, "code", 0.0))
    once.wait(60)
    often.wait(60)
    assert [(each.token, each.decision, each.reason) for each in once.passages] == [
        (each.token, each.decision, each.reason) for each in often.passages
    ]


Action = Callable[[Gate], object]


def scan(token: str, class_: Class, lane: str, verdict: Verdict, facts: dict[str, Any]) -> Action:
    return lambda gate: gate.scan(token, class_, lane, verdict, **facts)


def measure(celsius: float, lane: str, device: str, quality: Quality) -> Action:
    return lambda gate: gate.measure(celsius, lane, device, quality)


def door(position: Position) -> Action:
    return lambda gate: gate.door(position)


LANE_NAMES = st.sampled_from(["in-1", "out-1"])
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "registered": st.booleans(),
        "watched": st.booleans(),
        "role": st.sampled_from(["guard", "cleaner"]),
        "former_token": st.sampled_from(["a", "b"]),
        "note": st.just("ambulance"),
    },
)
ACTIONS = st.one_of(
    st.builds(
        scan,
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(list(Class)),
        LANE_NAMES,
        st.sampled_from([Verdict.VALID, Verdict.VALID, *Verdict]),
        FACTS,
    ),
    st.builds(
        measure,
        st.sampled_from([33.5, 36.4, 36.6, 37.3, 38.5]),
        LANE_NAMES,
        st.sampled_from(["thermometer", "second"]),
        st.sampled_from(Quality),
    ),
    st.builds(door, st.sampled_from(Position)),
)
GAPS = st.sampled_from([0.0, 0.3, 2.0, 5.0, 9.9, 10.0, 15.0, 400.0, 30_000.0])
DAYS = st.lists(st.tuples(GAPS, ACTIONS), max_size=25)

NEEDS = st.lists(st.sampled_from(["registration", "temperature", "code"]), unique=True)
BREACHES = st.sampled_from(["off", "record", "refuse"])


def body(
    needs: list[str], hours: list[str], passback: str, over: str, when_unsync: str, admit: str
) -> Policy:
    entry = {"needs": ["pass", *needs], "hours": hours, "passback": passback, "when_late": over}
    going_out = {"per_day": 1, "over": over, "back_within_min": 5}
    return policy(
        when_unsync=when_unsync,
        override={"cards": {"x": "ambulance"}},
        entry={"resident": entry, "visitor": entry, "staff": entry, "unknown": {"admit": admit}},
        exit={"resident": going_out, "visitor": {"needs": needs}},
    )


POLICIES = st.builds(
    body,
    NEEDS,
    st.sampled_from([[], ["06:00-22:00"], ["22:00-06:00"]]),
    BREACHES,
    BREACHES,
    st.sampled_from(["allow", "refuse"]),
    st.sampled_from(["yes", "no"]),
)


@given(POLICIES, DAYS)
def test_no_rule_releases_a_door_for_somebody_whom_the_policy_refuses(
    rules: Policy, day: list[tuple[float, Action]]
) -> None:
    gate = Gate(rules, LANES)
    for gap_s, action in day:
        gate.wait(gap_s)
        action(gate)
    events = {each.id: each for each in gate.journal}
    decided = {
        each.correlation: each.data
        for each in gate.journal
        if isinstance(each.data, PassageData) and each.data.taken is None
    }
    for act in gate.releases:
        passage = decided[act.cause]
        assert passage.decision is Decision.GRANTED
        shown = [events[each].data for each in passage.parts]
        if passage.by == "policy":
            assert_met(rules, passage, shown)
        else:
            badge = next(each for each in shown if f"override:{token(each)}" == passage.by)
            assert isinstance(badge, ScanData)
            assert (badge.class_, badge.role, badge.verdict) == ("staff", "guard", "valid")
            assert badge.token != passage.token


def token(data: object) -> str | None:
    return data.token if isinstance(data, ScanData) else None


def assert_met(rules: Policy, passage: PassageData, shown: list[Any]) -> None:
    """By the rule itself, not by how the lanes went about it."""
    assert passage.class_ is not None
    rule = rules.rule(passage.direction, passage.class_)
    assert rule.admit is Admit.YES
    scans = [each for each in shown if isinstance(each, ScanData)]
    [who] = [each for each in scans if each.token == passage.token]
    warmth = [each for each in shown if isinstance(each, TemperatureData)]
    assert len(warmth) <= 1
    assert len(scans) <= 2
    if Need.PASS in rule.needs:
        assert who.verdict is Verdict.VALID
    if Need.REGISTRATION in rule.needs:
        assert who.registered
    if Need.CODE in rule.needs:
        codes = [each for each in scans if each.class_ is Class.HEALTH_CODE]
        assert [each.verdict for each in codes] in ([Verdict.VALID], [Verdict.OPAQUE])
    if Need.TEMPERATURE in rule.needs:
        assert [rules.fever(each.celsius, each.quality) for each in warmth] == [Fever.NORMAL]


@given(POLICIES, DAYS, st.data())
def test_restarts_and_looks_at_the_clock_change_no_passage(
    rules: Policy, day: list[tuple[float, Action]], data: st.DataObject
) -> None:
    calm, shaken = Gate(rules, LANES), Gate(rules, LANES)
    for gap_s, action in [*day, (60.0, door(Position.UNKNOWN))]:
        calm.wait(gap_s)
        for share in data.draw(st.sampled_from([[], [0.5, 0.5], [0.1, 0.7, 0.2]])) or [1.0]:
            shaken.wait(gap_s * share)
        match data.draw(st.sampled_from(["", "", "restart", "save", "crash", "lost"])):
            case "restart":
                shaken.restart()
                shaken.save()
            case "save":
                shaken.save()
            case "crash":
                shaken.crash()
            case "lost":
                shaken.crash(before_recording=True)
        action(calm)
        action(shaken)
    assert [each.data for each in shaken.journal] == [each.data for each in calm.journal]
    assert [each.at for each in shaken.journal] == [each.at for each in calm.journal]
    assert shaken.machine.state.passages.memory == calm.machine.state.passages.memory


def test_no_state_holds_a_door() -> None:
    """There is no word for it: the only deed lets somebody through."""
    assert list(Deed) == [Deed.RELEASE]
