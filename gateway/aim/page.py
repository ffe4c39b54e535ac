"""The page: a very small HTTP server for one technician's browser.

``/`` is the page, ``/picture`` the live picture as Motion JPEG, ``/figures`` the numbers as
server-sent events (WHATWG HTML 9.2).
"""

import asyncio
import json
from collections.abc import Callable
from typing import Final, Self
from urllib.parse import urlsplit

from gateway.aim.board import Board, View
from gateway.errors import GatewayError

_REQUEST_MOST: Final = 16 << 10
_OPEN_S: Final = 5.0
"""Within this time a request must have come."""
_HTML: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>aim</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
 body{margin:0;background:#111;color:#eee;font:18px/1.4 system-ui,sans-serif}
 main{max-width:960px;margin:auto;padding:8px}
 img{width:100%;min-height:120px;background:#000}
 #advice{font-size:26px;margin:8px 0;padding:0;list-style:none}
 dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:8px;margin:0}
 dt{color:#999} dd{margin:0;font-size:22px}
</style>
<main><img id="picture" alt="live picture">
<ul id="advice"></ul><dl id="figures"></dl></main>
<script>
 const put = (id, nodes) => document.getElementById(id).replaceChildren(...nodes);
 const node = (tag, text) => Object.assign(document.createElement(tag), {textContent: text});
 addEventListener("load", () => { document.getElementById("picture").src = "/picture"; });
 const events = new EventSource("/figures");
 events.onmessage = event => {
   const view = JSON.parse(event.data);
   put("advice", view.advice.map(text => node("li", text)));
   put("figures", Object.entries(view.figures).map(([name, text]) => {
     const cell = document.createElement("div");
     cell.append(node("dt", name), node("dd", text));
     return cell;
   }));
 };
 events.onerror = () => put("advice", [node("li", "aim has ended")]);
</script></html>
"""


class Page:
    """Serves ``board`` at ``listen``, "address:port"; use it as an asynchronous context manager."""

    def __init__(self, board: Board, listen: str) -> None:
        self._board = board
        self._listen = listen
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        try:
            place = urlsplit(f"//{self._listen}")
            self._server = await asyncio.start_server(
                self._accept, place.hostname, place.port or 0, limit=_REQUEST_MOST
            )
        except (OSError, ValueError) as error:
            raise GatewayError(f"{self._listen} cannot be listened on: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
        for visit in self._visits:
            visit.cancel()
        if self._visits:
            await asyncio.wait(self._visits)

    @property
    def url(self) -> str:
        """Where the page is."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.create_task(self._serve(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_OPEN_S):
                request = await reader.readuntil(b"\r\n\r\n")
            await self._answer(request.split(b" ")[1:2], writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the browser has left, or it is none
        finally:
            writer.close()

    async def _answer(self, path: list[bytes], writer: asyncio.StreamWriter) -> None:
        match path:
            case [b"/"]:
                writer.write(_head("200 OK", "text/html; charset=utf-8") + _HTML.encode())
                await writer.drain()
            case [b"/picture"]:
                writer.write(_head("200 OK", "multipart/x-mixed-replace; boundary=frame"))
                await self._stream(writer, _part)
            case [b"/figures"]:
                writer.write(_head("200 OK", "text/event-stream"))
                await self._stream(writer, _event)
            case _:
                writer.write(_head("404 Not Found", "text/plain") + b"nothing here\n")
                await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, form: Callable[[View], bytes]) -> None:
        view = self._board.view
        while True:
            writer.write(form(view))
            await writer.drain()
            view = await self._board.next()


def _head(status: str, kind: str) -> bytes:
    # Nothing from elsewhere, and nobody else may put the picture into a page of his own.
    policy = "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    return (
        f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\nCache-Control: no-store\r\n"
        f"Cross-Origin-Resource-Policy: same-origin\r\nContent-Security-Policy: {policy}\r\n\r\n"
    ).encode()


def _part(view: View) -> bytes:
    if view.picture is None:
        return b""
    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
    return head % len(view.picture) + view.picture + b"\r\n"


def _event(view: View) -> bytes:
    told = json.dumps({"figures": view.figures, "advice": view.advice})
    return f"data: {told}\n\n".encode()
