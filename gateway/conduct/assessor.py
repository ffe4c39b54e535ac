"""Judges what is observed at the moment at which it is recorded, by the rules then in force."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from drivers.base import CodeScanned, TemperatureMeasured
from gateway.checkpoint.policy import BUILT_IN, Policy
from gateway.clock import Clock, Stamp
from gateway.events import Class, Fever, Judged, Verdict
from gateway.passes.trust import Judgement, Trust
from gateway.pseudonyms import Keyring
from gateway.seal import seal_to

_CONTEXT = b"checkpoint-gateway code 1"
_UNKNOWN = Judgement()


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is judged by; another one takes its place as a whole."""

    policy: Policy = BUILT_IN
    trust: Trust | None = None
    """Whose passes count; without it no code is more than a code."""
    watched: frozenset[bytes] = frozenset()
    """Subjects of passes, see `passes.subject_of`."""
    registered: frozenset[bytes] = frozenset()
    clear: bool = False
    """Whether codes are recorded in clear."""
    sealed_to: X25519PublicKey | None = None
    """Whether, and for whom, codes are recorded sealed."""


class Assessor:
    """By `grounds`; see `gateway.events.Assessor`."""

    def __init__(self, keyring: Keyring, clock: Clock, grounds: Grounds) -> None:
        self.grounds = grounds
        self.unjudged: Callable[[str, bytes], None] = lambda token, code: None
        """Is given each health code that nobody here can judge, with its pseudonym."""
        self._keyring = keyring
        self._clock = clock

    def code(self, code: CodeScanned, stamp: Stamp) -> Judged:
        """Whose code it is, and whether it is good."""
        grounds, found = self.grounds, _UNKNOWN
        if grounds.trust is not None:
            from gateway.passes.judging import judge  # 2 MB, for those only whose passes count

            found = judge(code.payload, stamp, grounds.trust, floor_ms=self._clock.floor_ms)
        subject = found.subject
        named = code.payload if subject is None else subject
        slip = found.class_ is Class.ADMISSION
        if slip and found.cti:  # somebody's next slip is another: each is good for once
            named += found.cti
        token = self._keyring.token(named)
        if found.class_ is Class.HEALTH_CODE and found.verdict is Verdict.OPAQUE:
            self.unjudged(token, code.payload)
        return Judged(
            token=token,
            class_=found.class_,
            verdict=found.verdict,
            former_token=self._keyring.former(named) if slip else None,
            role=found.role,
            until=found.until,
            watched=True if subject in grounds.watched else None,
            registered=True if found.registered or subject in grounds.registered else None,
            note=grounds.policy.cards.get(code.payload.decode(errors="replace")),
            content=code.payload.decode(errors="backslashreplace") if grounds.clear else None,
            sealed=self._sealed(code.payload),
        )

    def fever(self, measured: TemperatureMeasured) -> tuple[float, Fever]:
        """The threshold in °C, and what that makes of the measurement."""
        policy = self.grounds.policy
        return policy.threshold_celsius, policy.fever(measured.celsius, measured.quality)

    def _sealed(self, payload: bytes) -> str | None:
        if self.grounds.sealed_to is None:
            return None
        seal = seal_to(self.grounds.sealed_to)
        return b64encode(bytes.fromhex(seal.sender) + seal.close(payload, _CONTEXT)).decode()
