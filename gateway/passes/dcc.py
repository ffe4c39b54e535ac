"""EU Digital COVID Certificates: whether somebody who may do so has signed them, and nothing else.

`HC1:`, Base45, zlib, and in that a COSE_Sign1 whose payload is a CWT: 1 issuer, 4 end, 6 issued,
-260 the certificate, under 1 in it what `dccform` describes. (eHealth Network, Technical
Specifications for Digital Green Certificates, volumes 1 and 3.) A signer's certificate may name the
kinds that it is for; then it is for no other.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from gateway.events import Class, Verdict
from gateway.passes import base45, cose, dccform
from gateway.passes.cose import Signed
from gateway.passes.form import FormError, inflate, seconds_of
from gateway.passes.trust import HealthSigner, Judgement, Moment, Trust

PREFIX: Final = b"HC1:"
_EXP, _IAT, _HCERT, _V1 = 4, 6, -260, 1
_LEEWAY_S: Final = 60


class Certificate(Struct, frozen=True):
    """What is said in one."""

    issued: int
    end: int
    content: Mapping[Any, Any]


def unprefixed(payload: bytes) -> bytes:
    """What stands behind `PREFIX`.

    Raises:
        FormError: it stands behind nothing, or something else.
    """
    if not payload.startswith(PREFIX):
        raise FormError("not the prefix of a certificate")
    return payload.removeprefix(PREFIX)


def read(payload: bytes) -> Signed:
    """The message in a code.

    Raises:
        FormError: there is none.
    """
    return cose.parse(inflate(base45.decode(unprefixed(payload))))


def certificate(signed: Signed) -> Certificate:
    """What a message says, whatever that is.

    Raises:
        FormError: it is no certificate.
    """
    match cose.decode(signed.payload):
        case Mapping() as claims:
            issued, end = seconds_of(claims, _IAT), seconds_of(claims, _EXP)
        case _:
            raise FormError("no claims")
    match claims.get(_HCERT):
        case Mapping() as versions if isinstance(versions.get(_V1), Mapping):
            content = versions[_V1]
        case _:
            raise FormError("no certificate")
    if issued is None or end is None:
        raise FormError("a certificate says when it was issued, and until when it is good")
    return Certificate(issued, end, content)


def signers(signed: Signed, trust: Trust) -> list[HealthSigner]:
    """Who has signed it; empty if nobody did that is known."""
    known = trust.dcc.get(signed.kid, ()) if signed.kid is not None else ()
    return [
        each
        for each in known
        if each.key.verifies(signed.algorithm, signed.message, signed.signature)
    ]


def may_sign(signer: HealthSigner, content: Mapping[Any, Any]) -> bool:
    """Whether the kind of certificate is one that the signer is for."""
    return all(kind in signer.uses for kind in dccform.kinds(content))


def verdict_at(moment: Moment, said: Certificate) -> Verdict:
    """Whether it is good by its times."""
    if moment.is_past(said.end + 1):  # its last second is good, to all that read certificates
        return Verdict.EXPIRED
    if moment.is_before(said.issued, _LEEWAY_S):
        return Verdict.NOT_YET_VALID
    return Verdict.VALID


def judge(payload: bytes, moment: Moment, trust: Trust) -> Judgement:
    """What to make of a code that begins with `PREFIX`. Whom it is for is not told: that would be a
    name and a date of birth.

    Raises:
        FormError: it is no certificate.
    """
    if not trust.dcc:
        return Judgement(Class.HEALTH_CODE)
    signed = read(payload)
    found = signers(signed, trust)
    if not found:
        return Judgement(Class.HEALTH_CODE, Verdict.BAD_SIGNATURE)
    said = certificate(signed)
    dccform.check(said.content, said.issued)
    if not any(may_sign(each, said.content) for each in found):
        return Judgement(Class.HEALTH_CODE, Verdict.BAD_SIGNATURE)
    return Judgement(Class.HEALTH_CODE, verdict_at(moment, said), until=said.end)
