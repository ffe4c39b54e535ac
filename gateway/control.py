"""The local socket: one line of JSON asks, one line answers; for whoever looks after the box."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from enum import IntEnum
from hashlib import blake2s
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.errors import GatewayError

_log = logging.getLogger(__name__)

_SOCKET_NAME = "control.sock"
_SERVICE_DIRECTORY = Path("/run/checkpoint-gateway")
"""$RUNTIME_DIRECTORY of the unit, which whoever asks from a shell is not given."""
_LONGEST_SOCKET_PATH = 107  # bytes; sun_path in <sys/un.h> less its final NUL

_LONGEST_REQUEST = 4096
_LONGEST_ANSWER = 4 << 20
"""Bytes. A hundred mistakes are 20 kB, the picture of a gate with a hundred devices 40 kB."""
_MOST_AT_ONCE = 8
"""Connections: of 64 descriptors the gate needs most for itself."""


class Status(IntEnum):
    """What became of a request, in HTTP's numbers."""

    DONE = 200
    WRONG = 400
    """The request is not understood; nothing was done."""
    UNKNOWN = 404
    """There is no such request."""
    TOO_SLOW = 408
    CONFLICT = 409
    """Understood, and not possible as things are."""
    MISTAKES = 422
    """A file that the request is about is wrong; the text lists every mistake."""
    BUSY = 503


class Answer(BaseModel):
    """One line back: `text` is for people, `body` for programs."""

    model_config = ConfigDict(frozen=True)

    status: Status = Status.DONE
    text: str = ""
    body: Any = None


class _Request(BaseModel):
    """One line in; what else is in it is for the handler to check."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    request: str


Handler = Callable[[Mapping[str, Any]], Awaitable[Answer]]
"""Does what was asked; is given the whole request, of which only `request` has been checked."""


class NoAnswerError(GatewayError):
    """No gateway answers on the socket; the text says what was found and what to do."""


def socket_path(state_dir: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the gateway that works in `state_dir` can be asked.

    Not in there if it can be helped: a disk on which a socket is bound can neither be taken away
    nor repaired. With systemd it is the unit's own directory ($RUNTIME_DIRECTORY, the first of
    several), for a user logged in theirs ($XDG_RUNTIME_DIR).
    """
    own, _, _ = environment.get("RUNTIME_DIRECTORY", "").partition(":")
    if own:
        return Path(own) / _SOCKET_NAME
    shared = environment.get("XDG_RUNTIME_DIR")
    if shared and Path(shared).is_dir():
        name = blake2s(os.fsencode(os.path.realpath(state_dir)), digest_size=8).hexdigest()
        return Path(shared) / f"checkpoint-gateway-{name}.sock"
    return state_dir / _SOCKET_NAME


def sockets(state_dir: Path, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Where whoever asks has to look, in this order: the service runs in another environment."""
    service = {"RUNTIME_DIRECTORY": str(_SERVICE_DIRECTORY)}
    places = [socket_path(state_dir, each) for each in (environment, service, {})]
    return list(dict.fromkeys(places))


def found(state_dir: Path) -> Path:
    """Where the gateway that works in `state_dir` can be asked, or where it should be."""
    places = sockets(state_dir)
    return next((each for each in places if _is_there(each)), places[0])


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # whoever asks there is told what to do
        return True


@asynccontextmanager
async def serve(
    path: Path, handlers: Mapping[str, Handler], *, patience_s: float = 5.0
) -> AsyncIterator[None]:
    """Answer on the socket `path`, each request by the handler of its name.

    `patience_s` is for a request to arrive, and for an answer to be taken.

    Where there can be no socket, that costs the control and not the gate: it is said and left out.
    """
    if len(bytes(path)) > _LONGEST_SOCKET_PATH:
        _log.warning("no control: %s is longer than a socket's path may be", path)
        yield
        return
    desk = _Desk(handlers, patience_s)
    try:
        server = await asyncio.start_unix_server(
            desk.take, sock=_bound(path), limit=_LONGEST_REQUEST
        )
    except OSError as error:
        _log.warning("no control on %s: %s", path, error.strerror or error)
        yield
        return
    try:
        yield
    finally:
        server.close()
        await desk.close()
        with suppress(OSError):
            _clear(path)


class _Desk:
    """The connections of one socket; each is for one request."""

    def __init__(self, handlers: Mapping[str, Handler], patience_s: float) -> None:
        self._handlers = handlers
        self._patience_s = patience_s
        self._open: set[asyncio.Task[None]] = set()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection, or tell it that there are too many."""
        if len(self._open) >= _MOST_AT_ONCE:
            writer.write(_line(Answer(status=Status.BUSY, text="too many ask at once; try again")))
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="control")
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """End every connection."""
        tasks = list(self._open)
        for each in tasks:
            each.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(reader)
            writer.write(_line(answer))
            with suppress(OSError, TimeoutError):  # whoever asked has gone, or does not read
                async with asyncio.timeout(self._patience_s):
                    await writer.drain()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            async with asyncio.timeout(self._patience_s):
                request = _understood(await _first_line(reader))
        except TimeoutError:
            text = f"no request within {self._patience_s:g} seconds; expected one line of JSON"
            return Answer(status=Status.TOO_SLOW, text=text)
        except ValueError as error:
            return Answer(status=Status.WRONG, text=str(error))
        handler = self._handlers.get(request.request)
        if handler is None:
            known = ", ".join(f'"{name}"' for name in sorted(self._handlers))
            return Answer(status=Status.UNKNOWN, text=f"no such request; expected one of {known}")
        return await handler(request.model_dump())


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    """What comes up to the first line's end.

    Raises:
        ValueError: it is too long, or cut short.
    """
    try:
        line = await reader.readline()
    except ValueError as error:
        raise ValueError(f"the request is longer than {_LONGEST_REQUEST} bytes") from error
    except OSError as error:
        raise ValueError("the connection was lost") from error
    if not line.endswith(b"\n"):
        raise ValueError("the request has no end; expected one line of JSON")
    return line


def _understood(line: bytes) -> _Request:
    """The request in `line`.

    Raises:
        ValueError: there is none.
    """
    try:
        return _Request.model_validate_json(line)
    except ValidationError as error:
        example = '{"request":"health"}'
        raise ValueError(f"this is no request; expected one line like {example}") from error


def _line(answer: Answer) -> bytes:
    return answer.model_dump_json().encode() + b"\n"


def _bound(path: Path) -> socket.socket:
    """A socket at `path` that its own user and group, and root, may connect to."""
    _clear(path)
    with ExitStack() as undo:
        listener = undo.enter_context(socket.socket(socket.AF_UNIX))
        # With a chmod after the bind, everybody could connect in between.
        former = os.umask(0o117)
        try:
            listener.bind(bytes(path))
        finally:
            os.umask(former)
        undo.pop_all()
    return listener


def _clear(path: Path) -> None:
    path.unlink(missing_ok=True)


async def ask(path: Path, request: str, *, timeout_s: float = 2.0, **arguments: Any) -> Answer:
    """What the gateway on the socket `path` answers to `request`.

    Raises:
        NoAnswerError: none does.
    """
    question = json.dumps({"request": request, **arguments}).encode() + b"\n"
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST_ANSWER)
            try:
                writer.write(question)
                return Answer.model_validate_json(await reader.readline())
            finally:
                writer.close()
    except FileNotFoundError as error:
        raise NoAnswerError(f"no gateway runs here: there is no socket {path}") from error
    except PermissionError as error:
        advice = "be root, or in the group of the gateway's user"
        raise NoAnswerError(f"you may not ask the gateway on {path}; {advice}") from error
    except TimeoutError as error:
        raise NoAnswerError(f"no answer on {path} within {timeout_s:g} seconds") from error
    except (OSError, ValueError) as error:
        raise NoAnswerError(f"the gateway on {path} has ended") from error
