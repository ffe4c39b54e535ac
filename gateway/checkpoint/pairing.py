"""Which parts can be one person's, and that nobody can know it where several people are at once."""

from msgspec.structs import replace

from drivers.base import Quality
from gateway.checkpoint.judging import Code, Gate, Measured, Parts, Ruling, judge
from gateway.checkpoint.lanestate import LaneState, Last, Muddle
from gateway.checkpoint.options import Need
from gateway.checkpoint.policy import Policy
from gateway.checkpoint.reasons import PROMPT_OF, Reason
from gateway.clock import Stamp
from gateway.events import Decision, Fever

SETTLE_S = 3.0
"""After several people at once nothing is paired until it has been quiet for so long: whoever has
heard that they are asked again steps back. The second thermometer of a lane has as long for its own
look at the same person."""


_BEGIN_ANEW = (Reason.TIMEOUT, Reason.UNREGISTERED, Reason.RE_CHECK, Reason.AMBIGUOUS)
"""After these somebody may show the same code again at once."""


def joined(gate: Gate, parts: Parts, part: Code | Measured) -> Parts | None:
    """`parts` with another `part` of the same person; None if it must be somebody else's.

    They are `parts` themselves if it tells nothing new.
    """
    if isinstance(part, Measured):
        return _with_measured(gate.policy, parts, part)
    known = parts.health_code if part.is_health_code else parts.code
    if known is not None:
        if known.token != part.token:
            return None
        same = (known.verdict, known.registered) == (part.verdict, part.registered)
        if known.answered or (same and not part.answered):
            return parts
    now = replace(parts, **{"health_code" if part.is_health_code else "code": part})
    if now.code and now.health_code:
        rule = gate.policy.rule(gate.direction, now.code.class_)
        return now if Need.CODE in rule.needs else None
    return now


def _with_measured(policy: Policy, parts: Parts, part: Measured) -> Parts | None:
    known = parts.measured
    if known is None or policy.fever(known.celsius, known.quality) is Fever.INVALID:
        return replace(parts, measured=part)
    if known.device == part.device or part.at.mono_ns - known.at.mono_ns > SETTLE_S * 1e9:
        return None
    # Two thermometers look at the same person: what is less favourable counts.
    higher = part.quality is not Quality.INVALID and part.celsius > known.celsius
    return replace(parts, measured=part) if higher else parts


def is_repeat(last: Last, policy: Policy, at: Stamp) -> bool:
    """Whether a code of the passage before was only read again."""
    if at.mono_ns - last.at.mono_ns > policy.repeat_s * 1e9:
        return False
    return last.data.reason not in _BEGIN_ANEW and last.taken is not False


def is_theirs(last: Last, measured: Measured, window_s: float) -> bool:
    """Whether a temperature is of whoever has passed already, or was refused: it must not be taken
    for that of the next person."""
    if last.taken or last.data.token is None or measured.device in last.thermometers:
        return False
    within_s = SETTLE_S if last.thermometers else window_s
    return measured.at.mono_ns - last.at.mono_ns <= within_s * 1e9


def alone(gate: Gate, part: Code | Measured, at: Stamp) -> tuple[Parts, Ruling]:
    """A part by itself, and that it stays so."""
    if isinstance(part, Measured):
        parts = Parts(measured=part)
    else:
        parts = Parts(health_code=part) if part.is_health_code else Parts(code=part)
    checks = judge(gate, parts, at, final=True).checks
    prompt = PROMPT_OF[Reason.AMBIGUOUS]
    return parts, Ruling(Decision.DENIED, Reason.AMBIGUOUS, checks, prompt)


def muddled(state: LaneState, at: Stamp, window_s: float) -> Muddle:
    """Several people are there at once, or still are."""
    now_ns = at.mono_ns
    muddle = state.muddle
    if muddle is None or now_ns >= muddle.until_ns:
        muddle = state.muddle = Muddle(now_ns, now_ns)
    # What began before can bring nothing more once the window is over.
    latest_ns = muddle.since_ns + round(window_s * 1e9)
    muddle.until_ns = min(now_ns + round(SETTLE_S * 1e9), latest_ns)
    return muddle
