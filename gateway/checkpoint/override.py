"""A guard lets somebody pass who was refused: under their own badge, for a reason."""

from msgspec.structs import replace

from gateway.checkpoint.judging import Code, Gate
from gateway.checkpoint.lanestate import Card, LaneState
from gateway.checkpoint.machine import Outcome, Say
from gateway.checkpoint.passages import Passages
from gateway.checkpoint.prompts import Prompt
from gateway.clock import Stamp
from gateway.events import Class, Decision, Verdict

OVERRIDE = "override:"
"""How `PassageData.by` begins then; the pseudonym of the badge follows."""


class Override:
    """Of one lane; works on a state that is not its own."""

    def __init__(self, lane: str, gate: Gate, passages: Passages, state: LaneState) -> None:
        self._lane = lane
        self._gate = gate
        self._passages = passages
        self._state = state

    def card(self, card: Card, at: Stamp) -> list[Outcome]:
        """A reason card was shown; without a refusal before it, it means nothing."""
        if not self._is_open(at):
            return []
        self._state.card = card
        return self._grant(at)

    def badge(self, code: Code) -> list[Outcome] | None:
        """What follows if `code` is the badge of a guard who overrides; None if it is not."""
        if not self._is_open(code.at) or not self._may(code):
            return None
        self._state.badge = code
        return self._grant(code.at)

    def _is_open(self, at: Stamp) -> bool:
        """Whether there is a refusal that a guard may override, and nobody else has come since."""
        last, policy = self._state.last, self._gate.policy
        if last is None or last.stands or last.data.decision is not Decision.DENIED:
            return False
        opened = self._state.open
        if opened and (opened.parts.who is None or opened.parts.who.token != last.data.token):
            return False
        since_s = (at.mono_ns - last.at.mono_ns) / 1e9
        return since_s <= policy.override_within_s and last.data.reason not in policy.not_overridden

    def _may(self, badge: Code) -> bool:
        last, policy = self._state.last, self._gate.policy
        if badge.class_ is not Class.STAFF or badge.role not in policy.override_roles:
            return False
        good = badge.verdict is Verdict.VALID
        return good and last is not None and badge.token not in last.tokens  # nobody their own

    def _grant(self, at: Stamp) -> list[Outcome]:
        state, policy = self._state, self._gate.policy
        last, badge, card = state.last, state.badge, state.card
        if last is None or badge is None or (policy.card_required and card is None):
            return []
        shown = [badge.id, card.id] if card else [badge.id]
        data = replace(
            last.data,
            decision=Decision.GRANTED,
            reason=card.word if card else policy.override_reason,
            parts=[*last.data.parts, *shown],
            by=OVERRIDE + badge.token,
            policy=policy.version,
            took_ms=last.data.took_ms + max(0, at.mono_ns - last.at.mono_ns) // 1_000_000,
        )
        held, outcomes = self._passages.enter(badge.id, data, at, last.until)
        tokens = [*last.tokens, badge.token]
        state.open = None
        state.remember(
            replace(last, correlation=badge.id, data=held.data, at=at, tokens=tokens, taken=None)
        )
        return [*outcomes, Say(Prompt.OVERRIDE, at, self._lane)]
