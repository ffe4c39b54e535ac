"""HTTP to devices on the site that ask for user and password, by Digest or Basic."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from drivers.base import DeviceError
from drivers.eye.digest import authorization
from drivers.wire import names

CONNECT_S: Final = 10.0
"""How long a connection may take to be made."""
_DIGITS: Final = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


@asynccontextmanager
async def session(
    url: str, credentials: str, ca_file: Path | None, silence_s: float
) -> AsyncIterator[aiohttp.ClientSession]:
    """Requests to ``url`` as "user:password"; none takes longer than ``silence_s`` between two
    pieces of its answer.

    Raises:
        DeviceError: ``ca_file`` cannot be used.
    """
    password = _Password(credentials)
    connector = aiohttp.TCPConnector(ssl=_tls(ca_file), resolver=_Names())
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
    async with aiohttp.ClientSession(
        url, connector=connector, timeout=timeout, middlewares=(password,)
    ) as requests:
        yield requests


def _tls(ca_file: Path | None) -> ssl.SSLContext | bool:
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else True
    except OSError as error:  # ssl.SSLError is one
        raise DeviceError(f"{ca_file} cannot be used: {error}") from error


class _Names(AbstractResolver):
    """aiohttp's own one would hold up the end of the gateway."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                # As digits, and with the interface where an address needs one; asks nobody.
                host=socket.getnameinfo(address, _DIGITS)[0],
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in await names.resolve(host, port, family)
        ]

    async def close(self) -> None:
        pass


class _Password:
    """Answers the terminal's question for user and password, whichever way it asks."""

    def __init__(self, credentials: str) -> None:
        self._credentials = credentials

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        answer = await handler(request)
        if answer.status != 401:
            return answer
        asked = answer.headers.getall("WWW-Authenticate", ())
        header = authorization(
            "\n".join(f"WWW-Authenticate: {each}" for each in asked).encode(),
            request.url.raw_path_qs,
            self._credentials,
            method=request.method,
        )
        if header is None:
            return answer
        answer.close()
        request.headers["Authorization"] = header
        return await handler(request)


def credentials(file: Path) -> str:
    """The first line of ``file``.

    Raises:
        DeviceError: it cannot be read.
    """
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(f"{file} cannot be read: {error}") from error
