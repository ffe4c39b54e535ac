"""The life of alarms, whoever raised them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.checkpoint.alarms import Alarms, AlarmsState, Trouble
from gateway.checkpoint.machine import Machine
from gateway.events import AlarmData, AlarmState, CommandData, Draft
from tests.checkpoint.gate import Gate, Saved, state

TEN_MINUTES = 600.0


class Bell:
    """A machine that raises an alarm at every order `ring`, and clears it at `hush`."""

    def __init__(self, alarms: Alarms) -> None:
        self.state = AlarmsState()
        self._alarms = alarms

    def take(self, event: Any) -> list[Draft]:
        match event.data:
            case CommandData(command="ring"):
                return self._alarms.raise_(Trouble.TAMPER, "door/a", event.at, event.id, "it rang")
            case CommandData(command="hush"):
                return self._alarms.clear(Trouble.TAMPER, "door/a", event.at)
        return []

    def advance(self, now: Any) -> list[Draft]:
        return []

    def due(self, now: Any) -> None:
        return None


def build(saved: Saved) -> Mapping[str, Machine]:
    alarms = Alarms(TEN_MINUTES, state(AlarmsState, saved, "alarms"))
    return {"bell": Bell(alarms), "alarms": alarms}


def order(gate: Gate, command: str, status: int = 200, alarm: str = "") -> str:
    target = f"alarm/{alarm}" if alarm else None
    data = CommandData(id="c", command=command, target=target, by="ops:wang", status=status)
    return gate.tell(data).id


def said(gate: Gate) -> list[tuple[AlarmState, int | None]]:
    return [(each.state, each.reminder) for each in gate.told(AlarmData)]


RAISED, ACKNOWLEDGED, CLEARED = AlarmState


def test_an_alarm_is_raised_once_under_the_id_of_what_caused_it() -> None:
    gate = Gate(build)
    rang = order(gate, "ring")
    order(gate, "ring")
    assert said(gate) == [(RAISED, None)]
    assert gate.records[1].correlation == rang
    assert gate.told(AlarmData)[0].reason == "it rang"


def test_it_overtakes_everything_on_the_way_up() -> None:
    alarms = Alarms(TEN_MINUTES, AlarmsState())
    now = Gate(build).now
    drafts = alarms.raise_(Trouble.TAMPER, "door/a", now, "k3f9x2m7-1")
    drafts += alarms.clear(Trouble.TAMPER, "door/a", now)
    assert [each.alarm for each in drafts] == [True, True]


def test_it_is_reminded_of_until_somebody_acknowledges_it() -> None:
    gate = Gate(build)
    rang = order(gate, "ring")
    gate.wait(1250)
    assert said(gate) == [(RAISED, None), (RAISED, 1), (RAISED, 2)]
    order(gate, "acknowledge-alarm", alarm=rang)
    gate.wait(3600)
    assert said(gate)[3:] == [(ACKNOWLEDGED, None)]
    assert gate.told(AlarmData)[3].by == "ops:wang"
    order(gate, "hush")
    assert said(gate)[4:] == [(CLEARED, None)]
    assert {each.correlation for each in gate.records if isinstance(each.data, AlarmData)} == {rang}


def test_it_can_be_acknowledged_once_and_by_its_own_correlation_only() -> None:
    gate = Gate(build)
    rang = order(gate, "ring")
    order(gate, "acknowledge-alarm", alarm="k3f9x2m7-9")
    order(gate, "acknowledge-alarm")
    order(gate, "acknowledge-alarm", status=403, alarm=rang)
    assert said(gate) == [(RAISED, None)]
    order(gate, "acknowledge-alarm", alarm=rang)
    order(gate, "acknowledge-alarm", alarm=rang)
    assert said(gate)[1:] == [(ACKNOWLEDGED, None)]


def test_what_comes_again_after_it_was_cleared_is_another_alarm() -> None:
    gate = Gate(build)
    first = order(gate, "ring")
    order(gate, "hush")
    second = order(gate, "ring")
    alarms = [each for each in gate.records if isinstance(each.data, AlarmData)]
    assert [each.correlation for each in alarms] == [first, first, second]
    gate.wait(700)
    assert said(gate)[3:] == [(RAISED, 1)]


def test_it_survives_a_restart_and_a_power_cut() -> None:
    gate = Gate(build)
    rang = order(gate, "ring")
    gate.wait(650)
    gate.restart()
    gate.keep()
    gate.wait(600)
    gate.boot(off_s=3600)
    gate.wait(650)
    assert said(gate) == [(RAISED, None), (RAISED, 1), (RAISED, 2), (RAISED, 3)]
    order(gate, "acknowledge-alarm", alarm=rang)
    order(gate, "hush")
    assert said(gate)[4:] == [(ACKNOWLEDGED, None), (CLEARED, None)]


def test_reminders_that_nobody_was_there_to_give_are_one() -> None:
    gate = Gate(build)
    order(gate, "ring")
    gate.keep()
    gate.now = gate.now.earlier(-3 * 86_400)  # the service was stopped, the box was not
    gate.restart()
    gate.wait(1)
    assert said(gate) == [(RAISED, None), (RAISED, 1)]


def test_a_clock_that_is_set_reminds_of_nothing() -> None:
    gate = Gate(build)
    order(gate, "ring")
    gate.set_clock(gate.now.wall_ms + 400 * 86_400_000)
    gate.wait(1)
    gate.set_clock(0)
    gate.wait(1)
    assert said(gate) == [(RAISED, None)]


def foreign(gate: Gate, alarm_state: AlarmState, correlation: str = "0123456789abcdef") -> None:
    data = AlarmData(alarm="disk-full", state=alarm_state)
    gate.tell(data, "journal", correlation)


def test_alarms_of_the_gateway_itself_can_be_acknowledged_and_are_not_reminded_of() -> None:
    gate = Gate(build)
    foreign(gate, RAISED)
    gate.wait(3600)
    order(gate, "acknowledge-alarm", alarm="0123456789abcdef")
    assert said(gate) == [(RAISED, None), (ACKNOWLEDGED, None)]
    foreign(gate, CLEARED)
    order(gate, "acknowledge-alarm", alarm="0123456789abcdef")
    assert said(gate)[2:] == [(CLEARED, None)]


def test_alarms_of_others_that_are_never_cleared_are_forgotten_in_the_end() -> None:
    memory = AlarmsState()
    gate = Gate(lambda saved: {"alarms": Alarms(TEN_MINUTES, memory)})
    for number in range(100):
        foreign(gate, RAISED, f"{number:016x}")
    assert len(memory.standing) == 64
    assert Alarms(TEN_MINUTES, memory).known(f"{99:016x}")
    assert not Alarms(TEN_MINUTES, memory).known(f"{0:016x}")


def test_an_alarm_that_only_the_journal_knows_counts_like_any_other() -> None:
    gate = Gate(build)
    data = AlarmData(alarm="tamper", state=RAISED)
    gate.tell(data, "door/a", "k3f9x2m7-77")
    order(gate, "ring")
    assert said(gate) == [(RAISED, None)]
    order(gate, "hush")
    assert said(gate)[1:] == [(CLEARED, None)]


def test_a_reminder_that_only_the_journal_knows_is_not_given_again() -> None:
    gate = Gate(build)
    rang = order(gate, "ring")
    gate.wait(590)
    gate.tell(AlarmData(alarm="tamper", state=RAISED, reminder=1), "door/a", rang)
    gate.wait(20)
    assert said(gate) == [(RAISED, None), (RAISED, 1)]
    gate.wait(590)
    assert said(gate)[2:] == [(RAISED, 2)]


@pytest.mark.parametrize("page", ["operations.md", "doors-and-duty.md"])
def test_every_alarm_is_in_the_manual(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text()
    assert [each for each in Trouble if f"`{each}`" not in text] == []
