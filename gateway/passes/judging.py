"""What a code is, and whether it is good: by what it begins with, and then by its own rules."""

from collections.abc import Callable
from typing import Final

from msgspec import structs

from gateway.clock import Stamp
from gateway.events import Class, Verdict
from gateway.passes import claims, dcc, healthcodes, icao, jws, own, shc
from gateway.passes.claims import Claims
from gateway.passes.form import MOST_BYTES, FormError, parse_json
from gateway.passes.trust import PERSON, Judgement, Moment, Trust

_Judge = Callable[[bytes, Moment, Trust], Judgement]
_UNKNOWN: Final = Judgement()


def judge(payload: bytes, stamp: Stamp, trust: Trust, *, floor_ms: int = 0) -> Judgement:
    """What `payload` is at the moment `stamp`, to a gateway that believes `trust`; never an error.

    `floor_ms` is the earliest time it can be: while the clock is not right, a pass ends when even
    that is past its end, and none is too early.
    """
    if len(payload) > MOST_BYTES:
        return _UNKNOWN
    if payload.startswith(PERSON):
        return Judgement(subject=PERSON + payload)  # else a stranger could pass for somebody
    moment = Moment.of(stamp, floor_ms)
    for begins, class_, judged in _KINDS:
        if payload.startswith(begins):
            try:
                return judged(payload, moment, trust)
            except FormError:
                return Judgement(class_, Verdict.UNREADABLE)
    if healthcodes.matches(payload, trust.health_codes):
        return Judgement(Class.HEALTH_CODE)
    return _jws(payload, moment, trust) if jws.FORM.fullmatch(payload) else _UNKNOWN


def _own(payload: bytes, moment: Moment, trust: Trust) -> Judgement:
    if not trust.issuers:
        return _UNKNOWN
    return own.judge(own.read_cwt(payload), own.claims_of_cwt, moment, trust)


def _jws(payload: bytes, moment: Moment, trust: Trust) -> Judgement:
    """Anybody may show a JWS: it is a pass of ours if it names a key of ours, in hexadecimal."""
    try:
        signed = jws.parse(payload)
        kid = bytes.fromhex((signed.kid or b"").decode("ascii"))
    except (FormError, ValueError):
        return _UNKNOWN
    if not any(kid in issuer.keys for issuer in trust.issuers):
        return _UNKNOWN
    try:
        return own.judge(structs.replace(signed, kid=kid), _claims_of_jwt, moment, trust)
    except FormError:
        return Judgement(verdict=Verdict.UNREADABLE)


def _claims_of_jwt(payload: bytes) -> Claims:
    return claims.from_jwt(parse_json(payload))


_KINDS: Final[tuple[tuple[bytes, Class, _Judge], ...]] = (
    (own.PREFIX, Class.UNKNOWN, _own),
    (dcc.PREFIX, Class.HEALTH_CODE, dcc.judge),
    (shc.PREFIX, Class.HEALTH_CODE, shc.judge),
    (icao.PREFIX, Class.HEALTH_CODE, icao.judge),
)
