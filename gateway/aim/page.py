"""The page: `/` is what one technician's browser shows, `/picture` the live picture as Motion JPEG,
`/figures` the numbers as server-sent events (WHATWG HTML 9.2).
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Final, Self

from gateway.aim.board import Board, View
from gateway.errors import GatewayError
from gateway.web import NOT_FOUND, Request, Response, asset, serving

_ASSETS: Final = {"/": "aim.html", "/aim.css": "aim.css", "/aim.js": "aim.js"}


class Page:
    """Serves `board` at `listen`, "address:port"; use it as an asynchronous context manager."""

    def __init__(self, board: Board, listen: str) -> None:
        self.url = ""
        """Where the page is, once it is served."""
        self._board = board
        self._listen = listen
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            self.url = await self._exit.enter_async_context(serving(self._listen, self._answer))
        except (OSError, ValueError) as error:
            raise GatewayError(f"{self._listen} cannot be listened on: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    def _answer(self, request: Request) -> Response:
        match request.path:
            case "/picture":
                kind = "multipart/x-mixed-replace; boundary=frame"
                return Response(self._stream(_part), kind)
            case "/figures":
                return Response(self._stream(_event), "text/event-stream")
            case path if path in _ASSETS:
                return asset("gateway.aim", _ASSETS[path])
            case _:
                return NOT_FOUND

    async def _stream(self, form: Callable[[View], bytes]) -> AsyncIterator[bytes]:
        view = self._board.view
        while True:
            yield form(view)
            view = await self._board.next()


def _part(view: View) -> bytes:
    if view.picture is None:
        return b""
    head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
    return head % len(view.picture) + view.picture + b"\r\n"


def _event(view: View) -> bytes:
    told = json.dumps({"figures": view.figures, "advice": view.advice})
    return f"data: {told}\n\n".encode()
