"""ICAO's visible digital seals for travel documents, as JSON (VDS-NC, Technical Report 1.4).

    {"data": {"hdr": {"t": "icao.vacc", "v": 1, "is": "UTO"}, "msg": {…}},
     "sig": {"alg": "ES256", "sigvl": …, "cer": …}}

The signature is of `data` in canonical JSON (RFC 8785). The signer's certificate comes with it, and
counts if an authority that is known has signed it.
"""

import json
from typing import Any, Final

from gateway.events import Class, Verdict
from gateway.passes import certificates
from gateway.passes.form import FormError, base64url, parse_json
from gateway.passes.trust import Algorithm, Judgement, Moment, Trust

PREFIX: Final = b'{"data"'
_ALGORITHMS: Final = {each.value: each for each in Algorithm}


def judge(payload: bytes, moment: Moment, trust: Trust) -> Judgement:
    """What to make of a code that begins with `PREFIX`.

    Raises:
        FormError: it is no seal.
    """
    if not trust.icao:
        return Judgement(Class.HEALTH_CODE)
    match parse_json(payload):
        case {
            "data": {"hdr": {"t": str(), "v": int(), "is": str()}, "msg": dict()} as data,
            "sig": {"alg": str(algorithm), "sigvl": str(signature), "cer": str(certificate)},
        }:
            signer = certificates.signer(to_bytes(certificate), trust.icao)
        case _:
            raise FormError("no seal")
    if not signer or not signer.key.verifies(
        _ALGORITHMS.get(algorithm), canonical(data), to_bytes(signature)
    ):
        return Judgement(Class.HEALTH_CODE, Verdict.BAD_SIGNATURE)
    verdict = Verdict.VALID
    if moment.is_past(signer.end):
        verdict = Verdict.EXPIRED
    elif moment.is_before(signer.begin):
        verdict = Verdict.NOT_YET_VALID
    return Judgement(Class.HEALTH_CODE, verdict)


def canonical(data: dict[str, Any]) -> bytes:
    """As RFC 8785 has it, for what occurs in a seal: texts and whole numbers.

    Raises:
        FormError: a number in it is not whole.
    """
    _refuse_fractions(data)
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character, spelt out
        raise FormError("no text that could be written") from None


def _refuse_fractions(value: object) -> None:
    if isinstance(value, float):
        raise FormError("a number that is not whole")
    inside = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for each in inside:  # type: ignore[attr-defined]
            _refuse_fractions(each)


def to_bytes(text: str) -> bytes:
    """Base64 of either alphabet, padded or not: all are met.

    Raises:
        FormError: it is not.
    """
    return base64url(text.rstrip("=").replace("+", "-").replace("/", "_").encode(errors="replace"))
