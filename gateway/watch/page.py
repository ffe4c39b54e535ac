"""The page for whoever looks after a running gate, and the same for machines.

`/` in Chinese or English, `/status.json` what it shows, `/healthz` whether somebody must see to the
gate, `/metrics` for Prometheus.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gateway.config import PageConfig
from gateway.health import Health
from gateway.watch.findings import Finding, Level, findings, healthy
from gateway.watch.language import language
from gateway.web import NOT_FOUND, Answer, Request, Response, asset, serving

_log = logging.getLogger(__name__)

_ROOM: Final = "gateway.watch"
_JSON: Final = "application/json"
_ASSETS: Final = ("page.css", "page.js", "words.json", "icon.svg")

Picture = Callable[[], Health]


@asynccontextmanager
async def serving_page(config: PageConfig, picture: Picture) -> AsyncIterator[None]:
    """Show `picture` as `config` says; where it cannot be shown, that is said and left out."""
    async with AsyncExitStack() as stack:
        if config.listen != "off":
            try:
                url = await stack.enter_async_context(serving(config.listen, answering(picture)))
            except OSError as error:
                _log.warning("no page ([page] listen): %s; the gate goes on", error)
            else:
                _log.info("the page is at %s", url)
        yield


def answering(picture: Picture) -> Answer:
    """The page of the gateway whose `picture` it is."""

    def answer(request: Request) -> Response:
        match request.path:
            case "/":
                return _page(language(request))
            case "/status.json":
                return Response(status(picture()), _JSON)
            case "/healthz":
                return _healthz(picture())
            case "/metrics":
                # Not before somebody wants them: the library takes 4 MB.
                from gateway.watch import metrics

                return metrics.exposed(picture(), request.headers.get("accept", ""))
            case path if path[1:] in _ASSETS:
                return asset(_ROOM, path[1:])
            case _:
                return NOT_FOUND

    return answer


def status(seen: Health) -> bytes:
    """All that is known, and what is wrong with it, as JSON."""
    found = findings(seen)
    told = {"healthy": healthy(found), "findings": found, "health": seen.model_dump(mode="json")}
    return msgspec.json.encode(told)


def _page(tongue: str) -> Response:
    page = asset(_ROOM, "page.html")
    assert isinstance(page.body, bytes)
    body = page.body.replace(b'<html lang="en">', f'<html lang="{tongue}">'.encode(), 1)
    return replace(page, body=body, headers={"Vary": "Accept-Language"})


def _healthz(seen: Health) -> Response:
    """One line: 200 while the gate is healthy, 503 with what is wrong while it is not."""
    found = findings(seen)
    fine = healthy(found)
    faults: list[Finding] = [each for each in found if each.level is Level.FAULT]
    told: dict[str, Any] = {
        "status": "healthy" if fine else "unhealthy",
        "gateway": seen.gateway,
        "faults": faults,
    }
    code = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(msgspec.json.encode(told) + b"\n", _JSON, code)
