"""Names looked up in threads that nobody waits for."""

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any


async def resolve(host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Any]:
    """What `socket.getaddrinfo` finds for a stream to `host`.

    As the loop's own `getaddrinfo`, but that works in the loop's executor, and at its end
    asyncio.run joins the threads of it: with name servers that do not answer ten to twenty seconds,
    and longer than a service manager's patience.

    Raises:
        OSError: there is no such name, or nobody who knows.
        UnicodeError: it cannot be a name.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Any]] = loop.create_future()

    def settle(found: list[Any], error: Exception | None) -> None:
        if answer.done():  # nobody waits any more
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def ask() -> None:
        found: list[Any] = []
        failure: Exception | None = None
        try:
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failure = error
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(settle, found, failure)

    threading.Thread(target=ask, name=f"resolve-{host}", daemon=True).start()
    return await answer
