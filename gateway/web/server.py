"""The server: HTTP/1.1 by h11 on asyncio's streams, one request to a connection.

Whoever can reach it is a stranger: a request has to come soon and be small, an answer has to be
taken soon, there are few connections at a time, and nobody can write. A browser is told to load
nothing from elsewhere, and to show the page to no other.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import h11

from gateway.web.hosts import is_ours
from gateway.web.messages import Request, Response, request_of

_log = logging.getLogger(__name__)

_REQUEST_BYTES: Final = 16 << 10
_PART_S: Final = 1.0
"""So long a visitor that has been answered may take to go."""
_AT_A_TIME: Final = 16
"""Connections; a browser opens six. Each costs a descriptor, of which the gateway may have 64."""
_REFUSED: Final = 8
"""More of them, which are told that there are too many; any further one is cut off."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FULL: Final = Response(b"too many connections\n", status=503)

Answer = Callable[[Request], Response]
"""Answers a GET or HEAD; called for every path."""


@asynccontextmanager
async def serving(
    listen: str, answer: Answer, *, ask_s: float = 5.0, take_s: float = 10.0
) -> AsyncIterator[str]:
    """Let `answer` be asked at `listen`, "address:port"; gives the address for a browser.

    Within `ask_s` a request must have come, within `take_s` each piece of an answer been taken.

    Raises:
        OSError, ValueError: it cannot be listened on there.
    """
    place = urlsplit(f"//{listen}")
    visits: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(visits) >= _AT_A_TIME + _REFUSED:
            writer.transport.abort()
            return
        refusal = _FULL if len(visits) >= _AT_A_TIME else None
        new = _Visit(reader, writer, answer, ask_s, take_s)
        visit = asyncio.create_task(new.run(refusal), name="web")
        visits.add(visit)
        visit.add_done_callback(visits.discard)
        visit.add_done_callback(_report)

    server = await asyncio.start_server(
        accept, place.hostname, place.port or 0, backlog=_REFUSED
    )  # asyncio takes a whole backlog at once
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    finally:
        server.close()
        for visit in visits:
            visit.cancel()
        if visits:
            await asyncio.wait(visits)


def _report(visit: asyncio.Task[None]) -> None:
    """A bug in a page costs that visit; the gate goes on."""
    if not visit.cancelled() and (error := visit.exception()):
        _log.error("bug in a page", exc_info=error)


class _Visit:
    """One connection, and the one request that comes on it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Answer,
        ask_s: float,
        take_s: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._ask_s = ask_s
        self._take_s = take_s
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_REQUEST_BYTES)
        self._only_head = False

    async def run(self, refusal: Response | None) -> None:
        """Read, answer, close; with `refusal` nothing is read."""
        transport = self._writer.transport
        transport.set_write_buffer_limits(0)  # so that drain means that it has been taken
        try:
            if response := refusal or await self._answered():
                await self._send(response)
                await self._part()
        except (OSError, TimeoutError) as error:
            _log.debug("a visitor has left, or is too slow: %s", error)
            transport.abort()  # what it has not taken would be kept for it for ever
        finally:
            self._writer.close()

    async def _answered(self) -> Response | None:
        """The answer to what is asked; None if nothing is."""
        connection = self._connection
        try:
            async with asyncio.timeout(self._ask_s):
                while (event := connection.next_event()) is h11.NEED_DATA:
                    connection.receive_data(await self._reader.read(_REQUEST_BYTES))
            return self._judged(request_of(event)) if isinstance(event, h11.Request) else None
        except h11.RemoteProtocolError as error:
            return Response(f"{error}\n".encode(), status=error.error_status_hint)
        except ValueError as error:
            return Response(f"{error}\n".encode(), status=HTTPStatus.BAD_REQUEST)

    def _judged(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(b"this can only be read\n", status=405, headers={"Allow": "GET, HEAD"})
        self._only_head = request.method == "HEAD"
        if not is_ours(request.headers.get("host", "")):
            return Response(b"call this box by its address or its own name\n", status=421)
        return self._answer(request)

    async def _send(self, response: Response) -> None:
        headers = {"Content-Type": response.content_type, **_HEADERS, **response.headers}
        if isinstance(response.body, bytes):
            headers["Content-Length"] = str(len(response.body))
        await self._put(
            h11.Response(
                status_code=response.status,
                reason=HTTPStatus(response.status).phrase,
                headers=list(headers.items()),
            )
        )
        if isinstance(response.body, bytes):
            await self._put(h11.Data(data=b"" if self._only_head else response.body))
        elif not self._only_head:
            async for piece in response.body:
                await self._put(h11.Data(data=piece))
        await self._put(h11.EndOfMessage())

    async def _part(self) -> None:
        """Let the other end close first: with something still unread, closing would be a reset,
        and that can overtake the answer."""
        self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PART_S):
                while await self._reader.read(_REQUEST_BYTES):
                    pass

    async def _put(self, event: h11.Event) -> None:
        self._writer.write(self._connection.send(event) or b"")
        async with asyncio.timeout(self._take_s):
            await self._writer.drain()
