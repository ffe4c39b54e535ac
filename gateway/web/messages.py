"""What is asked and what is answered."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import h11

TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A GET or HEAD; names of headers are in small letters, of several alike the last counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """`body` is all of it, or its pieces as they come, without an end known beforehand."""

    body: bytes | AsyncIterator[bytes] = field(repr=False)
    content_type: str = TEXT
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_FOUND: Final = Response(b"nothing here\n", status=404)


def request_of(event: h11.Request) -> Request:
    """The request that h11 has read; what is no ASCII in its address is replaced."""
    target = urlsplit(event.target.decode("ascii", "replace"))
    return Request(
        method=event.method.decode("ascii"),
        path=target.path,
        query=dict(parse_qsl(target.query, max_num_fields=20)),
        headers={name.decode(): value.decode("latin-1") for name, value in event.headers},
    )
