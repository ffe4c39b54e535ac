"""Why somebody is refused, in the contract's words, and what they are told."""

from enum import StrEnum

from gateway.checkpoint.prompts import Prompt
from gateway.events import Verdict


class Reason(StrEnum):
    """Why a passage is denied."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    BAD_SIGNATURE = "bad-signature"
    NOT_HERE = "not-here"
    UNREADABLE = "unreadable"
    USED = "used"
    """An admission slip is good for once."""
    UNREGISTERED = "unregistered"
    RE_CHECK = "re-check"
    """To be measured again after a rest."""
    TEMPERATURE = "temperature"
    """Measured again as often as the policy says, or too warm with nobody to measure again."""
    PASSBACK = "passback"
    QUOTA = "quota"
    LATE = "late"
    NOT_PERMITTED_NOW = "not-permitted-now"
    CLOCK = "clock"
    """The clock is not right, and the policy lets nobody pass by it."""
    DROP_OFF = "drop-off"
    """A courier: what they bring stays at the drop-off point."""
    WRONG_LANE = "wrong-lane"
    """A vehicle where people walk, or the other way round."""
    REFUSED = "refused"
    """Nobody whom the policy lets in."""
    TIMEOUT = "timeout"
    """Something was missing until it was too late; `checks` says what."""
    AMBIGUOUS = "ambiguous"
    """Several people at once: whose it was cannot be known."""


OF_VERDICT = {
    Verdict.EXPIRED: Reason.EXPIRED,
    Verdict.NOT_YET_VALID: Reason.NOT_YET_VALID,
    Verdict.BAD_SIGNATURE: Reason.BAD_SIGNATURE,
    Verdict.REVOKED: Reason.REVOKED,
    Verdict.NOT_HERE: Reason.NOT_HERE,
    Verdict.UNREADABLE: Reason.UNREADABLE,
}
"""Of a code that is no good pass; the others are good, or no passes at all."""

PROMPT_OF = {
    Reason.EXPIRED: Prompt.EXPIRED,
    Reason.NOT_YET_VALID: Prompt.NOT_YET_VALID,
    Reason.REVOKED: Prompt.REVOKED,
    Reason.BAD_SIGNATURE: Prompt.BAD_SIGNATURE,
    Reason.NOT_HERE: Prompt.NOT_HERE,
    Reason.UNREADABLE: Prompt.UNREADABLE,
    Reason.USED: Prompt.SLIP_USED,
    Reason.UNREGISTERED: Prompt.REGISTER_FIRST,
    Reason.RE_CHECK: Prompt.TOO_WARM,
    Reason.TEMPERATURE: Prompt.REFUSED,
    Reason.PASSBACK: Prompt.ALREADY_INSIDE,
    Reason.QUOTA: Prompt.QUOTA_USED,
    Reason.LATE: Prompt.RETURN_LATE,
    Reason.NOT_PERMITTED_NOW: Prompt.CLOSED_NOW,
    Reason.CLOCK: Prompt.CLOCK_UNSURE,
    Reason.DROP_OFF: Prompt.LEAVE_GOODS,
    Reason.WRONG_LANE: Prompt.REFUSED,
    Reason.REFUSED: Prompt.REFUSED,
    Reason.TIMEOUT: Prompt.TIMED_OUT,
    Reason.AMBIGUOUS: Prompt.ONE_AT_A_TIME,
}
"""What is said to whoever is refused."""
