"""What becomes due is not looked up at every event; that this changes nothing."""

from collections.abc import Callable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Lock, Position, Role
from gateway.checkpoint.alarms import Alarms, AlarmsState
from gateway.checkpoint.checkpoint import Checkpoint
from gateway.checkpoint.door import DoorFacts, DoorSettings
from gateway.checkpoint.doors import Doors, DoorsState
from gateway.checkpoint.duty import Duty, DutySettings, DutyState
from gateway.checkpoint.inspections import Inspections, InspectionSettings, InspectionsState
from gateway.checkpoint.machine import Machine, Recorded
from gateway.checkpoint.reports import Reports, ReportSettings, ReportsState
from gateway.checkpoint.rota import Shift
from gateway.clock import TimeQuality
from gateway.events import Class, CommandData, DoorData, ScanData, Verdict
from tests.checkpoint.gate import SHANGHAI, Gate, Saved, state

DOORS = {
    "front": DoorFacts(Role.GATE, {"in": 10.0}, strike=True),
    "flat": DoorFacts(Role.HOME),
    "yard": DoorFacts(Role.SEALED),
}
ROTA = (
    Shift("early", "table", 6 * 60, 12 * 60, frozenset({"wang"})),
    Shift("late", "table", 18 * 60, 12 * 60, frozenset({"li"})),
)
Deed = Callable[[Gate], object]


class Anew(Gate):
    """Has nothing but what the machines remember, at whatever happens."""

    def take(self, event: Recorded) -> None:
        self._begin()
        super().take(event)

    def _ask(self) -> None:
        self._begin()
        super()._ask()

    def _begin(self) -> None:
        self._checkpoint = Checkpoint(self.build(self._checkpoint.saved()))


def build(saved: Saved) -> Mapping[str, Machine]:
    alarms = Alarms(1800, state(AlarmsState, saved, "alarms"))
    posts = DutySettings(posts={"table": "badges"})
    slots, reports = InspectionSettings(), ReportSettings()
    return {
        "doors": Doors(DOORS, DoorSettings(), alarms, state(DoorsState, saved, "doors")),
        "duty": Duty(posts, ROTA, SHANGHAI, alarms, state(DutyState, saved, "duty")),
        "inspections": Inspections(slots, SHANGHAI, state(InspectionsState, saved, "inspections")),
        "reports": Reports(reports, ROTA, SHANGHAI, state(ReportsState, saved, "reports")),
        "alarms": alarms,
    }


def moved(name: str, position: Position) -> Deed:
    role = DOORS[name].role
    data = DoorData(device="board", door=name, role=role, position=position, lock=Lock.UNKNOWN)
    return lambda gate: gate.tell(data, f"door/{name}")


def shown(token: str, role: str) -> Deed:
    data = ScanData(
        device="badges", medium="reader", symbology="card", class_=Class.STAFF,
        verdict=Verdict.VALID, token=token, role=role, decode_ms=None,
    )  # fmt: skip
    return lambda gate: gate.tell(data, "device/badges")


def acknowledged(number: int) -> Deed:
    target = f"alarm/k3f9x2m7-{number}"
    order = CommandData(id="1", command="acknowledge-alarm", target=target, status=200, by="li")
    return lambda gate: gate.tell(order)


def clock_set(by_s: float, quality: TimeQuality) -> Deed:
    return lambda gate: gate.set_clock(gate.now.wall_ms + round(by_s * 1000), quality)


def booted(off_s: float) -> Deed:
    def boot(gate: Gate) -> None:
        gate.keep()
        gate.boot(off_s)

    return boot


DEEDS = st.one_of(
    st.builds(moved, st.sampled_from(sorted(DOORS)), st.sampled_from(Position)),
    st.builds(shown, st.sampled_from(["wang", "li"]), st.just("guard")),
    st.builds(shown, st.just("chen"), st.just("inspector")),
    st.builds(acknowledged, st.integers(1, 12)),
    st.builds(
        clock_set,
        st.sampled_from([-90_000.0, -3600.0, -30.0, 0.0, 30.0, 3600.0, 90_000.0]),
        st.sampled_from([TimeQuality.SYNC, TimeQuality.HOLDOVER, TimeQuality.UNSYNC]),
    ),
    st.builds(booted, st.sampled_from([20.0, 7200.0, 100_000.0])),
)
GAPS = st.sampled_from([0.0, 0.0004, 5.0, 59.0, 61.0, 600.0, 4000.0, 20_000.0])


@given(st.lists(st.tuples(GAPS, DEEDS), max_size=20))
def test_whoever_looks_everything_up_anew_decides_the_same(day: list[tuple[float, Deed]]) -> None:
    usual, anew = Gate(build), Anew(build)
    for gap_s, deed in day:
        for gate in (usual, anew):
            gate.wait(gap_s)
            deed(gate)
    assert usual.records == anew.records
    assert usual.done == anew.done
