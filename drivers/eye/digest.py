"""Answers a server's question for user name and password: HTTP Digest, or Basic if it must be.

RFC 7616 with SHA-256 and MD5, ``qop=auth`` or none (RFC 2069, as old cameras have it), and RFC
7617. Digest is preferred: with Basic the password itself goes over the wire.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Final

_CHALLENGE: Final = re.compile(r"(?im)^www-authenticate:[ \t]*(basic|digest)\b(.*)$")
_PARAMETER: Final = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: Final = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}  # best first


def authorization(
    head: bytes, target: str, credentials: str, *, method: str = "GET", cnonce: str | None = None
) -> str | None:
    """The header's value for ``method target``, in answer to the head of a 401.

    ``credentials`` is "user:password", ``cnonce`` any text never used before; ``None`` if the
    server asks in no way known here.
    """
    user, _, password = credentials.partition(":")
    basic = False
    offers = []
    for scheme, parameters in _challenges(head):
        basic |= scheme == "basic"
        if scheme == "digest" and _algorithm(parameters) in _HASHES:
            offers.append(parameters)
    if offers:
        best = min(offers, key=lambda offer: [*_HASHES].index(_algorithm(offer)))
        asked = f"{method}:{target}"
        return _digest(best, asked, user, password, cnonce or secrets.token_hex(16))
    return f"Basic {base64.b64encode(credentials.encode()).decode()}" if basic else None


def _challenges(head: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    for scheme, rest in _CHALLENGE.findall(head.decode("utf-8", "replace")):
        parameters = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare
            for name, quoted, bare in _PARAMETER.findall(rest)
        }
        yield scheme.lower(), parameters


def _algorithm(parameters: dict[str, str]) -> str:
    return parameters.get("algorithm", "MD5").upper()


def _digest(offer: dict[str, str], asked: str, user: str, password: str, cnonce: str) -> str:
    def hashed(*parts: str) -> str:
        return _HASHES[_algorithm(offer)](":".join(parts).encode()).hexdigest()

    realm, nonce = offer.get("realm", ""), offer.get("nonce", "")
    secret, what = hashed(user, realm, password), hashed(asked)
    target = asked.partition(":")[2]
    quoted = {"username": user, "realm": realm, "nonce": nonce, "uri": target}
    plain = {"algorithm": offer["algorithm"]} if "algorithm" in offer else {}
    if "auth" in re.split(r"[\s,]+", offer.get("qop", "")):
        quoted["cnonce"] = cnonce
        quoted["response"] = hashed(secret, nonce, "00000001", cnonce, "auth", what)
        plain |= {"qop": "auth", "nc": "00000001"}
    else:
        quoted["response"] = hashed(secret, nonce, what)
    if "opaque" in offer:
        quoted["opaque"] = offer["opaque"]
    values = [f"{name}={_quoted(value)}" for name, value in quoted.items()]
    return "Digest " + ", ".join(values + [f"{name}={value}" for name, value in plain.items()])


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
