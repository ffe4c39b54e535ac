"""What every kind of pass is read with: strict forms, bounded sizes, one error without content."""

import json
import zlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

MOST_BYTES: Final = 8192
"""The largest QR code holds 2,953 bytes, 4,296 letters or 7,089 digits."""
MOST_INFLATED: Final = 65_536
"""The largest certificate known is 2 kB inflated; a bomb of 3 kB would make 3 MB."""
_LARGEST: Final = 1 << 53
"""Numbers beyond it are read differently by different programs (RFC 8259, section 6)."""
_DEEPEST: Final = 16
_BASE64URL: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class FormError(Exception):
    """It is not what it begins like. The text says in which way, and nothing of the content."""


def inflate(data: bytes, *, raw: bool = False) -> bytes:
    """zlib's (RFC 1950) or, `raw`, DEFLATE's (RFC 1951) content, within bounds.

    Raises:
        FormError: damaged, cut short, with something behind it, or too large.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    try:
        content = stream.decompress(data, MOST_INFLATED)
    except zlib.error:
        raise FormError("damaged compression") from None
    if not stream.eof or stream.unused_data:
        raise FormError("too large, cut short or followed by something else")
    return content


def base64url(text: bytes) -> bytes:
    """Base64 for addresses (RFC 4648, section 5), without padding.

    Raises:
        FormError: it is not.
    """
    if not _BASE64URL.issuperset(text) or len(text) % 4 == 1:
        raise FormError("not base64url")
    return b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_")


def to_base64url(data: bytes) -> str:
    """`data` in it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def parse_json(text: bytes) -> dict[str, Any]:
    """A JSON object: no name twice, no number that programs read differently, not deep.

    Raises:
        FormError: it is none.
    """
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise FormError("no JSON, or with a name twice, or a number that is too large") from None
    if not isinstance(value, dict):
        raise FormError("JSON, but no object")
    _bound(value, _DEEPEST)
    return value


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise ValueError("twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > _LARGEST:
        raise ValueError("too large")
    return int(digits)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _bound(value: object, depth: int) -> None:
    if not depth:
        raise FormError("too deep")
    inside = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for each in inside:  # type: ignore[attr-defined]
            _bound(each, depth - 1)


def text_of(claims: Mapping[Any, Any], name: object, most: int = 256) -> str | None:
    """A text of printable characters under `name`; None if there is nothing.

    Raises:
        FormError: it is something else, empty or too long.
    """
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise FormError("no plain text where one belongs")
    return value


def seconds_of(claims: Mapping[Any, Any], name: object) -> int | None:
    """A moment under `name`, in seconds since 1970; fractions are cut.

    Raises:
        FormError: it is no moment between 1970 and 9999.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormError("no moment where one belongs")
    if not 0 <= value < 253_402_300_800:  # false for NaN, too
        raise FormError("a moment that has no date")
    return int(value)
