"""Opens the socket to a broker, with or without TLS, on the asyncio loop.

paho's own connect blocks: for its time-out if the broker does not answer, for as long as it takes
if the resolver does not. So the socket is opened here and handed to paho ready for use.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

from drivers.wire import names
from gateway.errors import LinkError
from gateway.uplink.tls import Tls

_PER_ADDRESS_S = 5.0
"""A name may have an address that swallows packets (IPv6 on many 4G links) before a good one."""


async def dial(host: str, port: int, tls: Tls | None) -> socket.socket:
    """A connected non-blocking socket to `host`, its certificate verified if `tls` is given.

    Raises:
        LinkError: with the reason of the last address tried.
    """
    try:
        found = await names.resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise LinkError(f"the name {host} cannot be resolved: {error}") from error
    failure = LinkError(f"the name {host} has no address")
    for *kind, _, address in found:
        try:
            async with asyncio.timeout(_PER_ADDRESS_S):
                return await _secured(kind, address, host, tls)
        except OSError as error:  # a time-out is one
            failure = LinkError(f"{host} port {port}: {_words(error)}")
    raise failure


async def _secured(kind: list[Any], address: Any, host: str, tls: Tls | None) -> socket.socket:
    try:
        return await _open(socket.socket(*kind), address, host, tls.strict if tls else None)
    except OSError as error:
        if tls is None or not tls.may_relent(error):
            raise
    sock = await _open(socket.socket(*kind), address, host, tls.lenient)
    with ExitStack() as undo:
        undo.callback(sock.close)
        tls.admit(cast(ssl.SSLSocket, sock))
        undo.pop_all()
    return sock


async def _open(
    sock: socket.socket, address: Any, host: str, tls: ssl.SSLContext | None
) -> socket.socket:
    with ExitStack() as undo:
        undo.callback(sock.close)
        sock.setblocking(False)
        # Without it a small message waits for the acknowledgement of the one before.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            undo.callback(sock.close)
            await _handshake(sock)
        undo.pop_all()
    return sock


async def _handshake(sock: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(sock, loop.add_reader, loop.remove_reader)
        except ssl.SSLWantWriteError:
            await _ready(sock, loop.add_writer, loop.remove_writer)
        else:
            return


async def _ready(
    sock: socket.socket, watch: Callable[..., None], unwatch: Callable[[socket.socket], bool]
) -> None:
    ready = asyncio.Event()
    watch(sock, ready.set)
    try:
        await ready.wait()
    finally:
        unwatch(sock)


def _words(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"no TLS: {error.reason or error}"
        case TimeoutError():
            return "no answer"
        case _:  # asyncio puts a text of its own where the system's words would be
            return os.strerror(error.errno) if error.errno else str(error)
