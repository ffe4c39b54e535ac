"""Somebody elsewhere is asked about health codes: the answer counts where a code is needed."""

from msgspec import structs

from gateway.checkpoint.machine import Ask
from gateway.checkpoint.prompts import Prompt
from gateway.events import Class, Verdict
from tests.checkpoint.lanes import IN, Gate

ASKING = {"in-1": structs.replace(IN, asks=True)}


def asked(gate: Gate) -> list[str]:
    """The scans about which somebody was asked."""
    return [each.cause for each in gate.outcomes if isinstance(each, Ask)]


def waiting() -> Gate:
    """A visitor has shown and done all that is needed; the answer has not come."""
    gate = Gate(lanes=ASKING)
    gate.scan("guest", Class.VISITOR, registered=True)
    gate.measure()
    assert gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE) == []
    assert gate.said[-1] == Prompt.ONE_MOMENT
    assert gate.releases == []
    return gate


def test_who_is_asked_about_gets_in_when_that_is_the_answer() -> None:
    gate = waiting()
    [scan] = asked(gate)
    gate.wait(1)
    [granted] = gate.answer(Verdict.VALID, scan)
    assert (granted.decision, granted.checks["code"]) == ("granted", "ok")
    assert len(gate.releases) == 1


def test_no_word_from_there_counts_as_the_code_itself() -> None:
    gate = waiting()
    [granted] = gate.answer(Verdict.OPAQUE, *asked(gate))
    assert granted.decision == "granted"


def test_a_refusal_from_there_is_one_here() -> None:
    gate = waiting()
    [refused] = gate.answer(Verdict.REVOKED, *asked(gate))
    assert (refused.decision, refused.reason) == ("denied", "revoked")
    assert refused.checks["code"] == "failed"
    assert gate.releases == []


def test_an_answer_that_comes_first_counts_when_the_rest_is_there() -> None:
    gate = Gate(lanes=ASKING)
    gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE)
    assert gate.answer(Verdict.REVOKED, *asked(gate)) == []
    [refused] = gate.scan("guest", Class.VISITOR, registered=True)
    assert refused.reason == "revoked"


def test_a_code_that_is_read_again_is_asked_about_once() -> None:
    gate = waiting()
    gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE)
    [scan] = asked(gate)
    gate.answer(Verdict.VALID, scan)
    assert asked(gate) == [scan]


def test_an_answer_that_comes_too_late_is_nobody_new() -> None:
    gate = waiting()
    [scan] = asked(gate)
    [refused] = gate.wait(20)
    assert (refused.reason, refused.checks["code"]) == ("timeout", "missing")
    assert gate.answer(Verdict.VALID, scan) == []
    assert gate.wait(60) == []
    assert gate.releases == []


def test_a_restart_while_somebody_is_asked_changes_nothing() -> None:
    gate = waiting()
    [scan] = asked(gate)
    gate.restart()
    [granted] = gate.answer(Verdict.VALID, scan)
    assert granted.decision == "granted"


def test_nobody_is_asked_where_the_code_cannot_matter() -> None:
    gate = Gate(lanes=ASKING)
    gate.enter("resident")
    gate.wait(60)
    gate.scan("resident-2")
    gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE)  # residents need none
    assert asked(gate) == []
    gate = Gate()
    gate.scan("health", Class.HEALTH_CODE, verdict=Verdict.OPAQUE)
    assert asked(gate) == []
