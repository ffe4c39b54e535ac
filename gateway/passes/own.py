"""Passes of our own: `CG1:` and a CWT in Base45, signed with EdDSA; or a JWS that says the same.

`CG1:` is what tells it from any other code. Behind it stands a COSE_Sign1 whose protected header
names algorithm and key (`kid`); its payload is the map that `claims` describes.
"""

from collections.abc import Callable
from typing import Final

import cbor2

from gateway.events import Verdict
from gateway.passes import base45, claims, cose
from gateway.passes.claims import Claims
from gateway.passes.cose import Signed
from gateway.passes.trust import (
    Algorithm,
    Issuer,
    Judgement,
    Moment,
    Trust,
    is_within,
    subject_of,
)

PREFIX: Final = b"CG1:"
_LEEWAY_S: Final = 60
"""What was issued a moment ago, by a clock that is a little ahead, is good at once (RFC 8392)."""


def read_cwt(payload: bytes) -> Signed:
    """The message behind `PREFIX`.

    Raises:
        FormError: there is none.
    """
    return cose.parse(base45.decode(payload.removeprefix(PREFIX)))


def claims_of_cwt(payload: bytes) -> Claims:
    """What the payload of such a message says.

    Raises:
        FormError: it is none of ours.
    """
    return claims.from_cwt(cose.decode(payload))


def judge(
    signed: Signed, read: Callable[[bytes], Claims], moment: Moment, trust: Trust
) -> Judgement:
    """What to make of a pass; nothing in it is believed, or even read, before its signature is.

    Raises:
        FormError: it is signed well, and says nothing that a pass says.
    """
    issuer = _signer(signed, trust)
    if issuer is None:
        return Judgement(verdict=Verdict.BAD_SIGNATURE)
    said = read(signed.payload)
    if said.issuer != issuer.name or not all(is_within(each, issuer.place) for each in said.places):
        return Judgement(verdict=Verdict.BAD_SIGNATURE)
    return Judgement(
        said.kind,
        _verdict(said, issuer, moment, trust.place),
        subject=subject_of(said.issuer, said.subject),
        cti=said.number,
        role=said.role,
        until=said.end,
        registered=said.registered,
    )


def write(said: Claims, kid: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """The text of a code that says this; `sign` makes an Ed25519 signature of 64 bytes."""
    protected = cose.protected_header(Algorithm.EDDSA, kid)
    payload = cbor2.dumps(claims.to_cwt(said), canonical=True)
    signature = sign(cose.to_be_signed(protected, payload))
    return PREFIX + base45.encode(cose.assembled(protected, payload, signature))


def _signer(signed: Signed, trust: Trust) -> Issuer | None:
    for issuer in trust.issuers:
        key = issuer.keys.get(signed.kid) if signed.kid is not None else None
        if key and key.verifies(signed.algorithm, signed.message, signed.signature):
            return issuer
    return None


def _verdict(said: Claims, issuer: Issuer, moment: Moment, place: str) -> Verdict:
    """The first that holds, the gravest first."""
    if said.number in issuer.revoked:
        return Verdict.REVOKED
    if said.issued <= issuer.revoked_subjects.get(said.subject, -1):
        return Verdict.REVOKED
    if not any(is_within(place, each) for each in said.places):
        return Verdict.NOT_HERE
    if moment.is_past(said.end):
        return Verdict.EXPIRED
    if moment.is_before(said.begin, _LEEWAY_S):
        return Verdict.NOT_YET_VALID
    return Verdict.VALID
