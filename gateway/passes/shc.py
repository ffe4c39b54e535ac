"""SMART Health Cards (spec.smarthealth.cards 1.0): whether a known issuer has signed them.

`shc:/` and digits, two for each letter of a JWS, which is its ASCII code less 45. A long one may be
in several codes, `shc:/2/3/…` being the second of three.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from gateway.events import Class, Verdict
from gateway.passes import jws
from gateway.passes.cose import Signed
from gateway.passes.form import FormError, parse_json, seconds_of, text_of
from gateway.passes.trust import Judgement, Moment, Trust

PREFIX: Final = b"shc:/"
_PART: Final = re.compile(rb"shc:/([1-9][0-9]?)/([1-9][0-9]?)/([0-9]+)")
_LOWEST: Final = 45
_LEEWAY_S: Final = 60


def read(payload: bytes) -> Signed:
    """The message in a code that holds all of it.

    Raises:
        FormError: there is none.
    """
    digits = payload.removeprefix(PREFIX)
    if len(digits) % 2 or not digits.isdigit():
        raise FormError("not pairs of digits")
    letters = (_LOWEST + int(digits[at : at + 2]) for at in range(0, len(digits), 2))
    try:
        return jws.parse(bytes(letters))
    except ValueError:
        raise FormError("not pairs of digits") from None


def part(payload: bytes) -> tuple[int, int] | None:
    """Which of how many codes it is; None if it is whole."""
    found = _PART.fullmatch(payload)
    if not found or not int(found[1]) <= int(found[2]):
        return None
    return int(found[1]), int(found[2])


def assembled(payloads: Iterable[bytes]) -> bytes | None:
    """One code that holds what is in several, in whichever order; None while one is missing, or
    they are not of one card as far as can be seen."""
    found = [match for each in payloads if (match := _PART.fullmatch(each))]
    pieces = {int(match[1]): match[3] for match in found}
    counts = {int(match[2]) for match in found}
    if len(counts) != 1 or sorted(pieces) != [*range(1, counts.pop() + 1)]:
        return None
    return PREFIX + b"".join(pieces[number] for number in sorted(pieces))


def judge(payload: bytes, moment: Moment, trust: Trust) -> Judgement:
    """What to make of a code that begins with `PREFIX`.

    Raises:
        FormError: it is no card.
    """
    which = part(payload)
    if which or not trust.shc:
        return Judgement(Class.HEALTH_CODE, part=which)
    signed = read(payload)
    claims = parse_json(signed.payload)
    issuer, kid = text_of(claims, "iss"), (signed.kid or b"").decode()
    key = trust.shc.get(issuer or "", {}).get(kid)
    if not key or not key.verifies(signed.algorithm, signed.message, signed.signature):
        return Judgement(Class.HEALTH_CODE, Verdict.BAD_SIGNATURE)
    return _judged(claims, moment)


def _judged(claims: dict[str, Any], moment: Moment) -> Judgement:
    begin, end = seconds_of(claims, "nbf"), seconds_of(claims, "exp")
    if begin is None or not isinstance(claims.get("vc"), dict):
        raise FormError("a card says since when it is good, and what")
    verdict = Verdict.VALID
    if end is not None and moment.is_past(end):
        verdict = Verdict.EXPIRED
    elif moment.is_before(begin, _LEEWAY_S):
        verdict = Verdict.NOT_YET_VALID
    return Judgement(Class.HEALTH_CODE, verdict, until=end)
