"""Whether somebody may pass, by what they have shown so far; a function of its arguments."""

from datetime import tzinfo
from enum import StrEnum

from msgspec import Struct

from drivers.base import Quality
from gateway.checkpoint.memory import Memory, elapsed_s
from gateway.checkpoint.moments import local, sure
from gateway.checkpoint.options import Admit, Breach, Need
from gateway.checkpoint.policy import Policy, Rule
from gateway.checkpoint.prompts import Prompt
from gateway.checkpoint.reasons import OF_VERDICT, PROMPT_OF, Reason
from gateway.clock import Stamp
from gateway.events import Check, Class, Decision, Direction, Fever, Verdict

OK, MISSING, FAILED = Check.OK, Check.MISSING, Check.FAILED


class Subject(StrEnum):
    """Who goes through a lane."""

    PERSON = "person"
    VEHICLE = "vehicle"


class Code(Struct, frozen=True):
    """A code that was shown."""

    id: str
    at: Stamp
    token: str
    class_: Class
    verdict: Verdict
    former_token: str | None = None
    role: str | None = None
    until: int | None = None
    watched: bool | None = None
    registered: bool | None = None
    answered: bool = False
    """Whether its verdict is what somebody elsewhere has said, or what counts without that."""

    @property
    def is_unjudged(self) -> bool:
        """A health code that somebody may be asked about."""
        return self.is_health_code and self.verdict is Verdict.OPAQUE and not self.answered

    @property
    def is_health_code(self) -> bool:
        """It says nothing of who it is."""
        return self.class_ is Class.HEALTH_CODE


class Measured(Struct, frozen=True):
    """A temperature that was measured."""

    id: str
    at: Stamp
    device: str
    celsius: float
    quality: Quality


class Parts(Struct, frozen=True):
    """What one person has shown."""

    code: Code | None = None
    """Says who it is."""
    health_code: Code | None = None
    measured: Measured | None = None

    @property
    def who(self) -> Code | None:
        """What is known of who it is."""
        return self.code or self.health_code

    @property
    def tokens(self) -> list[str]:
        """Of the codes."""
        return [each.token for each in (self.code, self.health_code) if each]

    @property
    def all(self) -> list[Code | Measured]:
        """Whatever there is, the first one first."""
        found = [each for each in (self.code, self.health_code, self.measured) if each]
        return sorted(found, key=lambda each: each.at.mono_ns) if len(found) > 1 else found


class Gate(Struct, frozen=True):
    """By what is judged at a lane."""

    direction: Direction
    subject: Subject
    policy: Policy
    memory: Memory
    zone: tzinfo
    asks: bool = False
    """Whether somebody is asked about health codes that nobody here can judge."""


class Ruling(Struct, frozen=True):
    """What is to be done; without a decision, to wait for what is missing."""

    decision: Decision | None
    reason: Reason | None
    checks: dict[str, Check]
    prompt: Prompt
    minutes: int | None = None
    """How long to rest before being measured again."""


def judge(gate: Gate, parts: Parts, at: Stamp, *, final: bool = False) -> Ruling:
    """What becomes of somebody who has shown `parts`; `final`: nothing more will come."""
    who = parts.who
    if who is None:
        return _nobody(gate, parts, final=final)
    rule = gate.policy.rule(gate.direction, who.class_)
    if parts.code is None and rule.admit is Admit.NO and not final:
        return Ruling(None, None, {}, Prompt.SHOW_CODE)  # whose health code is it?
    checks: dict[str, Check] = {}
    reason = _of_the_code(gate, rule, who, at, checks) or _of_the_time(gate, rule, at, checks)
    if reason is None and rule.admit is Admit.DROP_OFF:
        reason = Reason.DROP_OFF
    reason = reason or _of_the_way(gate, rule, who, at, checks)
    if reason is None and Need.CODE in rule.needs and parts.health_code:
        reason = _of_the_health_code(gate, parts.health_code, at, checks)
    minutes = None
    if reason is None and Need.TEMPERATURE in rule.needs:
        reason, minutes = _of_the_temperature(gate, who, parts.measured, at, checks)
    if reason:
        prompt = Prompt.WAIT_AND_RE_CHECK if minutes is not None else PROMPT_OF[reason]
        return Ruling(Decision.DENIED, reason, checks, prompt, minutes)
    return _of_what_is_missing(rule, parts, who, checks, final=final)


def _nobody(gate: Gate, parts: Parts, *, final: bool) -> Ruling:
    """A temperature without a code."""
    fever = _fever(gate.policy, parts.measured)
    if final:
        measured = OK if fever is Fever.NORMAL else FAILED
        checks = {"pass": MISSING, "temperature": measured}
        return Ruling(Decision.DENIED, Reason.TIMEOUT, checks, PROMPT_OF[Reason.TIMEOUT])
    again = fever is Fever.INVALID
    return Ruling(None, None, {}, Prompt.MEASURE_AGAIN if again else Prompt.SHOW_CODE)


def _of_the_code(
    gate: Gate, rule: Rule, who: Code, at: Stamp, checks: dict[str, Check]
) -> Reason | None:
    vehicle = gate.subject is Subject.VEHICLE
    if vehicle != (who.class_ is Class.VEHICLE) and who.class_ is not Class.DELIVERY:
        checks["lane"] = FAILED
        return Reason.WRONG_LANE
    if Need.PASS in rule.needs or rule.admit is not Admit.YES:
        reason = _of_the_pass(gate, rule, who, at, checks)
        checks["pass"] = FAILED if reason and reason is not Reason.CLOCK else OK
        if reason:
            return reason
    if who.watched and not gate.policy.watched_pass:
        checks["watched"] = FAILED
        return Reason.REFUSED
    return None


def _of_the_pass(
    gate: Gate, rule: Rule, who: Code, at: Stamp, checks: dict[str, Check]
) -> Reason | None:
    bad = _verdict(gate, who, at, checks)
    if bad:
        return bad
    if who.verdict is Verdict.OPAQUE or rule.admit is Admit.NO:
        return Reason.REFUSED
    if who.class_ is Class.ADMISSION and gate.direction is Direction.ENTRY:
        return Reason.USED if gate.memory.is_used(who.token, who.former_token) else None
    return None


def _verdict(gate: Gate, code: Code, at: Stamp, checks: dict[str, Check]) -> Reason | None:
    """What is wrong with a code. While the clock is not right it is called expired only if it is
    for certain; that it is good still cannot be known."""
    bad = OF_VERDICT.get(code.verdict)
    if bad or sure(at) or code.verdict is Verdict.OPAQUE:
        return bad
    return _unjudged(gate, checks)


def _of_the_health_code(
    gate: Gate, code: Code, at: Stamp, checks: dict[str, Check]
) -> Reason | None:
    if gate.asks and code.is_unjudged:  # until there is an answer
        checks["code"] = MISSING
        return None
    bad = _verdict(gate, code, at, checks)
    checks["code"] = FAILED if bad and bad is not Reason.CLOCK else OK
    return bad


def _of_the_time(gate: Gate, rule: Rule, at: Stamp, checks: dict[str, Check]) -> Reason | None:
    if not rule.hours:
        return None
    if not sure(at):
        return _unjudged(gate, checks)
    is_open = rule.open_at(local(at.wall_ms, gate.zone)[1])
    checks["hours"] = OK if is_open else FAILED
    return None if is_open else Reason.NOT_PERMITTED_NOW


def _unjudged(gate: Gate, checks: dict[str, Check]) -> Reason | None:
    checks["clock"] = MISSING
    return None if gate.policy.unsync_passes else Reason.CLOCK


def _of_the_way(
    gate: Gate, rule: Rule, who: Code, at: Stamp, checks: dict[str, Check]
) -> Reason | None:
    """Whether this way agrees with those before."""
    memory, policy, zone = gate.memory, gate.policy, gate.zone
    if gate.direction is Direction.EXIT:
        if rule.per_day is None or rule.over is Breach.OFF:
            return None
        if not sure(at):
            return _unjudged(gate, checks)
        over = memory.outings(who.token, policy.day(at.wall_ms, zone)) >= rule.per_day
        return _breach(rule.over, over, "outings", Reason.QUOTA, checks)
    reason = None
    if rule.passback is not Breach.OFF:
        twice = memory.comes_twice(who.token, at, policy, zone)
        reason = _breach(rule.passback, twice, "passback", Reason.PASSBACK, checks)
    out = policy.rule(Direction.EXIT, who.class_)
    if rule.when_late is not Breach.OFF and out.has_return:
        late = memory.is_late(who.token, out, at, policy, zone)
        reason = reason or _breach(rule.when_late, late, "return", Reason.LATE, checks)
    return reason


def _breach(
    rule: Breach, breached: bool | None, name: str, reason: Reason, checks: dict[str, Check]
) -> Reason | None:
    checks[name] = MISSING if breached is None else FAILED if breached else OK
    return reason if breached and rule is Breach.REFUSE else None


def _of_the_temperature(
    gate: Gate, who: Code, measured: Measured | None, at: Stamp, checks: dict[str, Check]
) -> tuple[Reason | None, int | None]:
    """Too warm, or measured again too early; and then how many minutes there are to wait."""
    policy = gate.policy
    known = gate.memory.recheck(who.token, at, policy)
    if known:
        checks["temperature"] = MISSING
        if known.count > policy.rechecks:
            return Reason.TEMPERATURE, None
        since = elapsed_s(known.at, at)
        if since is not None and since < policy.recheck_wait_s:
            return Reason.RE_CHECK, max(1, round((policy.recheck_wait_s - since) / 60))
    fever = _fever(policy, measured)
    checks["temperature"] = OK if fever is Fever.NORMAL else MISSING
    if fever is not Fever.RE_CHECK:
        return None, None
    checks["temperature"] = FAILED
    count = known.count + 1 if known else 1
    return (Reason.TEMPERATURE if count > policy.rechecks else Reason.RE_CHECK), None


def _of_what_is_missing(
    rule: Rule, parts: Parts, who: Code, checks: dict[str, Check], *, final: bool
) -> Ruling:
    if Need.REGISTRATION in rule.needs:
        checks["registration"] = OK if who.registered else MISSING
    if Need.CODE in rule.needs:
        checks.setdefault("code", MISSING)
    registered = checks.get("registration") is not MISSING
    shown = checks.get("code") is not MISSING
    measured = Need.TEMPERATURE not in rule.needs or checks["temperature"] is OK
    if registered and shown and measured:
        told = Prompt.PASS if Need.TEMPERATURE in rule.needs else Prompt.PASS_UNMEASURED
        return Ruling(Decision.GRANTED, None, checks, told)
    if final:
        reason = Reason.TIMEOUT if registered else Reason.UNREGISTERED
        return Ruling(Decision.DENIED, reason, checks, PROMPT_OF[reason])
    if not registered:
        prompt = Prompt.REGISTER_FIRST
    elif not shown:
        prompt = Prompt.ONE_MOMENT if parts.health_code else Prompt.SHOW_CODE
    else:
        prompt = Prompt.MEASURE_AGAIN if parts.measured else Prompt.MEASURING
    return Ruling(None, None, checks, prompt)


def _fever(policy: Policy, measured: Measured | None) -> Fever:
    if measured is None:
        return Fever.INVALID
    return policy.fever(measured.celsius, measured.quality)
