"""JWS in its compact form (RFC 7515, section 7.1): `header.payload.signature` in base64url."""

import re
from typing import Final

from gateway.passes.cose import Signed
from gateway.passes.form import FormError, base64url, inflate, parse_json
from gateway.passes.trust import Algorithm

FORM: Final = re.compile(rb"eyJ[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{2,6144}\.[A-Za-z0-9_-]{80,700}")
"""`eyJ` is how `{"` begins in base64."""
_ALGORITHMS: Final = {each.value: each for each in Algorithm}


def parse(text: bytes) -> Signed:
    """Its parts; a payload that says so (`zip`: `DEF`) is inflated.

    Raises:
        FormError: it is none.
    """
    if not FORM.fullmatch(text):
        raise FormError("no JWS")
    signed, _, signature = text.rpartition(b".")
    first, _, payload = signed.partition(b".")
    header = parse_json(base64url(first))
    if "crit" in header or header.get("zip", "DEF") != "DEF":
        raise FormError("a header that asks for what is unknown here")
    kid, algorithm = header.get("kid"), header.get("alg")
    return Signed(
        _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None,
        kid.encode() if isinstance(kid, str) else None,
        inflate(base64url(payload), raw=True) if "zip" in header else base64url(payload),
        signed,
        base64url(signature),
    )
