"""Files that a page is made of, from the `assets` directory of the room that they belong to."""

from functools import cache
from importlib.resources import files
from typing import Final

from gateway.web.messages import Response

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}


@cache
def asset(package: str, name: str) -> Response:
    """The file `name` of `package`, with the type that its ending says."""
    body = (files(package) / "assets" / name).read_bytes()
    return Response(body, _TYPES[name.rpartition(".")[2]])
