"""COSE_Sign1 (RFC 9052, section 4.2), and the CBOR (RFC 8949) in it.

    [ protected: bytes that hold a map · unprotected: a map · payload: bytes · signature: bytes ]

with or without tag 18, and for a CWT (RFC 8392) tag 61 around that. What is signed is
`["Signature1", protected, b"", payload]`.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final, NoReturn

import cbor2
from msgspec import Struct

from gateway.passes.form import FormError
from gateway.passes.trust import Algorithm

_ALG, _CRIT, _KID = 1, 2, 4
_DEEPEST: Final = 12
_SIGN1: Final = 18
_ALGORITHMS: Final = {
    -8: Algorithm.EDDSA,
    -7: Algorithm.ES256,
    -37: Algorithm.PS256,
}
"""RFC 9053, section 2, and RFC 8230."""
_NUMBERS: Final = {algorithm: number for number, algorithm in _ALGORITHMS.items()}


class Signed(Struct, frozen=True):
    """A message whose signature nobody has looked at yet."""

    algorithm: Algorithm | None
    """None: one that counts for nothing here."""
    kid: bytes | None
    payload: bytes
    message: bytes
    """What the signature is of."""
    signature: bytes


class _Tags(dict[int, Callable[[Any, bool], Any]]):
    """What becomes of a tag. The library's own answers would make regular expressions, mail and
    numbers of any size of what a stranger wrote."""

    def __missing__(self, tag: int) -> Callable[[Any, bool], NoReturn]:
        return _refuse


def _refuse(value: object, _: bool) -> NoReturn:
    raise ValueError


_TAGS: Final = _Tags(dict.fromkeys((0, 1, _SIGN1, 61), lambda value, _: value))
"""A moment as text or number, COSE_Sign1, CWT: they say what follows, and are dropped."""


def decode(data: bytes) -> Any:
    """One item of CBOR and nothing behind it, bounded, and no name twice.

    Raises:
        FormError: it is damaged, or has something in it that has no place in a pass.
    """
    source = BytesIO(data)
    decoder = cbor2.CBORDecoder(
        source,
        max_depth=_DEEPEST,
        allow_duplicate_keys=False,
        semantic_decoders=_TAGS,
    )
    try:
        value = decoder.decode()
    except cbor2.CBORDecodeError:
        raise FormError("damaged CBOR, or with what has no place in a pass") from None
    if source.read(1):
        raise FormError("something behind the end of CBOR")
    return value


def parse(data: bytes) -> Signed:
    """The parts of a COSE_Sign1. A header that is signed counts before one that is not.

    Raises:
        FormError: it is none.
    """
    match decode(data):
        case [bytes(protected), Mapping() as unprotected, bytes(payload), bytes(signature)]:
            header = decode(protected) if protected else {}
        case _:
            raise FormError("no COSE_Sign1")
    if not isinstance(header, Mapping) or _CRIT in header:
        raise FormError("a header that asks for what is unknown here")
    algorithm = header.get(_ALG, unprotected.get(_ALG))
    kid = header.get(_KID, unprotected.get(_KID))
    return Signed(
        _ALGORITHMS.get(algorithm) if isinstance(algorithm, int) else None,
        kid if isinstance(kid, bytes) else None,
        payload,
        to_be_signed(protected, payload),
        signature,
    )


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """What a signature is made of."""
    return cbor2.dumps(["Signature1", protected, b"", payload])


def protected_header(algorithm: Algorithm, kid: bytes) -> bytes:
    """The header that is signed with the payload."""
    return cbor2.dumps({_ALG: _NUMBERS[algorithm], _KID: kid})


def assembled(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """A whole COSE_Sign1, with its tag."""
    return cbor2.dumps(cbor2.CBORTag(_SIGN1, [protected, {}, payload, signature]))
