"""A visitor that speaks HTTP byte by byte, so that it can also speak it badly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Answered:
    """What came back until the connection ended."""

    status: int
    headers: dict[str, str]
    body: bytes


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the server of `url`."""
    host, _, port = url.removeprefix("http://").strip("/").rpartition(":")
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def said(url: str, request: bytes, *, within_s: float = 20.0) -> bytes:
    """Everything that comes when `request` is sent to the server of `url`."""
    async with visiting(url) as (reader, writer), asyncio.timeout(within_s):
        writer.write(request)
        return await reader.read()


async def asked(
    url: str, path: str = "/", *, method: str = "GET", host: str = "127.0.0.1", **headers: str
) -> Answered:
    """The answer to one request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return parsed(await said(url, "\r\n".join([*lines, "", ""]).encode()))


def parsed(answer: bytes) -> Answered:
    """An answer that is not sent in pieces."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Answered(int(first.split(" ")[1]), headers, body)
