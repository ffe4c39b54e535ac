"""What a pass of ours says, whichever way it is written.

| claim | CWT | JWT | |
|---|---|---|---|
| issuer | 1 | `iss` | who signed it |
| subject | 2 | `sub` | whom it is for: a name for them that is nobody's name |
| place | 3 | `aud` | where it is good, and below; a text or several |
| end | 4 | `exp` | seconds since 1970 |
| begin | 5 | `nbf` | the same; without it, when it was issued |
| issued | 6 | `iat` | the same |
| number | 7 | `cti`, `jti` | which pass it is: 4 to 16 bytes, in a JWT as hexadecimal digits |
| kind | -65537 | `kind` | 1 resident, 2 visitor, 3 admission, 4 staff, 5 vehicle, 6 delivery |
| role | -65538 | `role` | of staff, for example `guard` |
| registered | -65539 | `registered` | of a visitor |
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from gateway.events import Class
from gateway.passes.form import FormError, seconds_of, text_of

_LEVEL = "[A-Za-z0-9-][A-Za-z0-9_-]{0,31}"
PLACE: Final = re.compile(rf"{_LEVEL}(/{_LEVEL}){{0,3}}")
"""District, street, community and gateway, as far as it is said."""
MOST_PLACES: Final = 8
LONGEST_NAME: Final = 64
"""Characters of an issuer's or a subject's name."""
ROLE: Final = re.compile("[a-z][a-z0-9-]{0,15}")
CTI_BYTES: Final = range(4, 17)

KINDS: Final = {
    1: Class.RESIDENT,
    2: Class.VISITOR,
    3: Class.ADMISSION,
    4: Class.STAFF,
    5: Class.VEHICLE,
    6: Class.DELIVERY,
}
_ISS, _SUB, _AUD, _EXP, _NBF, _IAT, _CTI = range(1, 8)
_KIND, _ROLE, _REGISTERED = -65537, -65538, -65539
"""Below -65536 labels are for private use (RFC 8392, section 9.1)."""
_NAMES: Final = {
    "iss": _ISS,
    "sub": _SUB,
    "aud": _AUD,
    "exp": _EXP,
    "nbf": _NBF,
    "iat": _IAT,
    "role": _ROLE,
    "registered": _REGISTERED,
}


class Claims(Struct, frozen=True, kw_only=True):
    """What a pass says."""

    issuer: str
    subject: str
    places: tuple[str, ...]
    kind: Class
    issued: int
    begin: int
    end: int
    number: bytes
    role: str | None = None
    registered: bool | None = None


def from_cwt(claims: object) -> Claims:
    """What is said by labels, as in a CWT. What else is said counts for nothing.

    Raises:
        FormError: something is missing, or is none of what it can be.
    """
    if not isinstance(claims, Mapping):
        raise FormError("no claims")
    issuer, subject = text_of(claims, _ISS, LONGEST_NAME), text_of(claims, _SUB, LONGEST_NAME)
    issued, end = seconds_of(claims, _IAT), seconds_of(claims, _EXP)
    begin, number, kind = seconds_of(claims, _NBF), claims.get(_CTI), claims.get(_KIND)
    if issuer is None or subject is None or issued is None or end is None:
        raise FormError("a pass says who issued it, when, for whom and until when")
    if not isinstance(number, bytes) or len(number) not in CTI_BYTES:
        raise FormError("a pass has a number")
    if type(kind) is not int or kind not in KINDS:
        raise FormError("no kind of pass that is known")
    return Claims(
        issuer=issuer,
        subject=subject,
        places=_places(claims.get(_AUD)),
        kind=KINDS[kind],
        issued=issued,
        begin=issued if begin is None else begin,
        end=end,
        number=number,
        role=_role(claims),
        registered=_registered(claims),
    )


def from_jwt(claims: Mapping[str, Any]) -> Claims:
    """What is said by names, as in a JWT.

    Raises:
        FormError: as `from_cwt` does.
    """
    labelled = {label: claims[name] for name, label in _NAMES.items() if name in claims}
    number, kind = claims.get("jti", claims.get("cti")), claims.get("kind")
    if isinstance(number, str):
        try:
            labelled[_CTI] = bytes.fromhex(number)
        except ValueError:
            raise FormError("a number is written in hexadecimal digits") from None
    labelled[_KIND] = next((label for label, name in KINDS.items() if name == kind), None)
    return from_cwt(labelled)


def to_cwt(claims: Claims) -> dict[int, Any]:
    """The labels and what they say; nothing that goes without saying."""
    [kind] = [label for label, name in KINDS.items() if name is claims.kind]
    said: dict[int, Any] = {
        _ISS: claims.issuer,
        _SUB: claims.subject,
        _AUD: claims.places[0] if len(claims.places) == 1 else list(claims.places),
        _EXP: claims.end,
        _IAT: claims.issued,
        _CTI: claims.number,
        _KIND: kind,
    }
    if claims.begin != claims.issued:
        said[_NBF] = claims.begin
    if claims.role is not None:
        said[_ROLE] = claims.role
    if claims.registered is not None:
        said[_REGISTERED] = claims.registered
    return said


def _places(value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_PLACES:
        raise FormError("a pass is for a place, or several")
    for each in listed:
        if not isinstance(each, str) or not PLACE.fullmatch(each):
            raise FormError("no place")
    return tuple(listed)


def _role(claims: Mapping[Any, Any]) -> str | None:
    role = text_of(claims, _ROLE)
    if role is not None and not ROLE.fullmatch(role):
        raise FormError("no role")
    return role


def _registered(claims: Mapping[Any, Any]) -> bool | None:
    registered = claims.get(_REGISTERED)
    if registered is not None and not isinstance(registered, bool):
        raise FormError("registered or not")
    return registered
