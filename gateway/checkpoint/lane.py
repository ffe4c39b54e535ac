"""One lane: from what is shown and measured there to passages."""

from gateway.checkpoint.judging import Code, Gate, Measured, Parts, Ruling, judge
from gateway.checkpoint.lanestate import Card, LaneState, Last, Open
from gateway.checkpoint.machine import Ask, Outcome, Recorded, Say
from gateway.checkpoint.moments import later
from gateway.checkpoint.override import Override
from gateway.checkpoint.pairing import alone, is_repeat, is_theirs, joined, muddled
from gateway.checkpoint.passages import LaneSettings, Passages
from gateway.checkpoint.prompts import Prompt
from gateway.checkpoint.reasons import PROMPT_OF, Reason
from gateway.clock import Stamp
from gateway.events import (
    AlarmState,
    Decision,
    PassageData,
    ScanData,
    TemperatureData,
    alarm,
)

WATCHED = "watched-person"
"""The alarm when somebody on the watch list shows a code."""


class Lane:
    """Works on a state that is not its own."""

    def __init__(
        self, name: str, settings: LaneSettings, gate: Gate, passages: Passages, state: LaneState
    ) -> None:
        self.state = state
        self._name = name
        self._settings = settings
        self._gate = gate
        self._passages = passages
        self._override = Override(name, gate, passages, state)

    def scan(self, event: Recorded, data: ScanData) -> list[Outcome]:
        """A code was shown."""
        if data.note is not None:
            return self._override.card(Card(event.id, data.note), event.at)
        code = _code(event, data)
        if code.answered and not self._awaits(event.correlation):
            return []
        overridden = self._override.badge(code)
        if overridden is not None:
            return overridden
        last = self.state.last
        if last and code.token in last.tokens and is_repeat(last, self._gate.policy, event.at):
            return self._again(last, event.at)
        raised = self._raise_watched(code) if code.watched else []
        outcomes = [*raised, *self._add(code)]
        if self._settings.asks and code.is_unjudged and self._awaits(code.id):
            outcomes.append(Ask(data, code.id, event.at))
        return outcomes

    def measured(self, event: Recorded, data: TemperatureData) -> list[Outcome]:
        """Somebody was measured."""
        measured = Measured(event.id, event.at, data.device, data.celsius, data.quality)
        last = self.state.last
        if last and self.state.open is None and is_theirs(last, measured, self._settings.window_s):
            last.thermometers.append(measured.device)
            return []
        return self._add(measured)

    def expire(self) -> list[Outcome]:
        """Nothing more came in time."""
        opened = self.state.open
        if opened is None:
            return []
        ruling = judge(self._gate, opened.parts, opened.deadline, final=True)
        if ruling.decision is not Decision.DENIED:  # by another policy than when it was open
            prompt = PROMPT_OF[Reason.TIMEOUT]
            ruling = Ruling(Decision.DENIED, Reason.TIMEOUT, ruling.checks, prompt)
        return self._decide(opened.parts, ruling, opened.deadline)

    def settled(self, correlation: str, data: PassageData, at: Stamp) -> None:
        """A passage of this lane is recorded that was decided otherwise, or elsewhere."""
        opened = self.state.open
        if opened and any(each.id in data.parts for each in opened.parts.all):
            self.state.open = None
        tokens = [data.token] if data.token else []
        self.state.remember(Last(correlation, data, at, tokens=tokens))

    def ended(self, correlation: str, *, taken: bool) -> None:
        """The door has seen somebody go through, or nobody."""
        if self.state.last and self.state.last.correlation == correlation:
            self.state.last.taken = taken

    def _awaits(self, scan: str | None) -> bool:
        """Whether an answer about the health code of this scan can still make a difference."""
        known = self.state.open.parts.health_code if self.state.open else None
        return known is not None and known.id == scan

    def _raise_watched(self, code: Code) -> list[Outcome]:
        """Once, however often the code is read."""
        opened, muddle = self.state.open, self.state.muddle
        known = opened.parts.tokens if opened else []
        if code.token in known or (muddle and code.token in muddle.tokens):
            return []
        subject = f"lane/{self._name}"
        return [alarm(WATCHED, AlarmState.RAISED, None, subject, code.at, code.id)]

    def _again(self, last: Last, at: Stamp) -> list[Outcome]:
        if last.data.decision is Decision.GRANTED or last.data.reason is None:
            return []
        return [Say(PROMPT_OF[Reason(last.data.reason)], at, self._name)]

    def _add(self, part: Code | Measured) -> list[Outcome]:
        state, at = self.state, part.at
        before = state.open.parts if state.open else Parts()
        if state.muddle and at.mono_ns < state.muddle.until_ns:
            return self._muddle([part], at)
        parts = joined(self._gate, before, part)
        if parts is None:
            return self._muddle([*before.all, part], at)
        if parts is before:
            return []
        if state.last and (parts.who is None or parts.who.token != state.last.data.token):
            state.last.stands = True
        ruling = judge(self._gate, parts, at)
        if ruling.decision is not None:
            return self._decide(parts, ruling, at)
        state.open = Open(parts, later(at, self._settings.window_s))
        return [Say(ruling.prompt, at, self._name)]

    def _decide(self, parts: Parts, ruling: Ruling, at: Stamp) -> list[Outcome]:
        self.state.open = None
        decided, outcomes = self._passages.decide(self._name, parts, ruling, at)
        measured = parts.measured
        thermometers = [measured.device] if measured else []
        last = Last(parts.all[0].id, decided.data, at, decided.until, parts.tokens, thermometers)
        self.state.remember(last)
        values = {} if ruling.minutes is None else {"minutes": str(ruling.minutes)}
        return [*outcomes, Say(ruling.prompt, at, self._name, values)]

    def _muddle(self, parts: list[Code | Measured], at: Stamp) -> list[Outcome]:
        """Whose is whose cannot be known: nothing is paired, and everybody is asked again."""
        state = self.state
        state.open = None
        if state.last:
            state.last.stands = True
        muddle = muddled(state, at, self._settings.window_s)
        outcomes: list[Outcome] = []
        for part in parts:
            if isinstance(part, Code):
                if part.token in muddle.tokens:
                    continue
                muddle.tokens.append(part.token)
            outcomes += self._passages.decide(self._name, *alone(self._gate, part, at), at)[1]
        return [*outcomes, Say(Prompt.ONE_AT_A_TIME, at, self._name)]


def _code(event: Recorded, data: ScanData) -> Code:
    return Code(
        event.id,
        event.at,
        data.token,
        data.class_,
        data.verdict,
        data.former_token,
        data.role,
        data.until,
        data.watched,
        data.registered,
        answered=event.correlation is not None,
    )
