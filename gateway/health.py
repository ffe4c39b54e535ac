"""What is alive: one picture of the gateway, given on a local socket to whoever may read it."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from hashlib import blake2s
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drivers.base import DeviceState
from gateway.clock import TimeQuality

_log = logging.getLogger(__name__)

_SOCKET_NAME = "status.sock"
_LONGEST_SOCKET_PATH = 107  # bytes; sun_path in <sys/un.h> less its final NUL


class _Picture(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeviceHealth(_Picture):
    """One device; `state` is None until it has first been heard of."""

    state: DeviceState | None
    reason: str | None
    counted: dict[str, int] = {}
    """What its driver met besides good frames, and how often it came back, since the start."""


class JournalHealth(_Picture):
    """Numbers of events: `recorded` = `confirmed` + `waiting`; `in_flight` of those waiting."""

    recorded: int
    in_flight: int
    confirmed: int
    waiting: int
    failing: str | None = None
    """What the disk says while it takes nothing."""
    held: int = 0
    """Events in memory until it does."""
    lost: int = 0
    """Events that memory had no room for since the start."""
    check: str = "not checked yet"
    """What the last look over the whole file came to."""
    damaged: int = 0
    """Events of this life that were recorded and can no longer be read."""
    carried: int = 0
    """Events saved from journals that were set aside, which have yet to be delivered."""


class LinkHealth(_Picture):
    """The way to the centre."""

    online: bool
    reason: str | None
    set_aside: int = 0
    """Events that no broker would take; the journal keeps them."""
    refused: dict[str, int] = {}
    """Messages that the broker did not accept, by reason code."""
    alarms: dict[str, str] = {}
    """What somebody must act on: name and reason."""


class Health(_Picture):
    """The whole picture."""

    gateway: str
    epoch: str
    clock: TimeQuality
    devices: dict[str, DeviceHealth]
    journal: JournalHealth
    link: LinkHealth


def status_socket(state_dir: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the gateway that works in `state_dir` says how it is.

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


@asynccontextmanager
async def serve(path: Path, picture: Callable[[], Health]) -> AsyncIterator[None]:
    """Answer each connection to the socket `path` with the picture as one line of JSON.

    Where there can be no socket, that costs the status and not the gate: it is said and left out.
    """
    if len(bytes(path)) > _LONGEST_SOCKET_PATH:
        _log.warning("no status: %s is longer than a socket's path may be", path)
        yield
        return

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(picture().model_dump_json().encode() + b"\n")
        writer.close()

    try:
        server = await asyncio.start_unix_server(answer, sock=_bound(path))
    except OSError as error:
        _log.warning("no status on %s: %s", path, error.strerror or error)
        yield
        return
    try:
        yield
    finally:
        server.close()
        _clear(path)


def _bound(path: Path) -> socket.socket:
    """A socket at `path` that its own user and group may connect to."""
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


async def ask(path: Path, *, timeout_s: float = 2.0) -> Health | None:
    """The picture of the gateway that answers on the socket `path`; None if none does."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                line = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return Health.model_validate_json(line) if line else None
