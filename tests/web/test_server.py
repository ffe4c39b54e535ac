"""The web server in front of strangers: bounded, read-only, and never a danger to the gate."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest

from gateway.web import NOT_FOUND, Request, Response, serving
from tests.brokers import until
from tests.ports import free_port
from tests.web.talking import asked, parsed, said, visiting

ANYWHERE = "127.0.0.1:0"


def echo(request: Request) -> Response:
    """Says what it was asked."""
    match request.path:
        case "/":
            return Response(b"hello", "text/html")
        case "/query":
            return Response(repr(sorted(request.query.items())).encode())
        case "/bug":
            raise ZeroDivisionError
        case "/large":
            return Response(b"x" * (32 << 20))
        case "/pieces":
            return Response(pieces(), "text/event-stream")
        case _:
            return NOT_FOUND


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b""
    yield b"two"


async def test_a_page_with_what_keeps_a_browser_from_mischief() -> None:
    async with serving(ANYWHERE, echo) as url:
        answer = await asked(url)
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-length"] == "5"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_head_is_the_page_without_its_body() -> None:
    async with serving(ANYWHERE, echo) as url:
        answer = await asked(url, method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert (await asked(url, "/pieces", method="HEAD")).body == b""


async def test_a_body_in_pieces() -> None:
    async with serving(ANYWHERE, echo) as url:
        whole = await said(url, b"GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n")
        old = await said(url, b"GET /pieces HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert whole.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert old.endswith(b"\r\n\r\nonetwo")


async def test_the_query_is_taken_apart() -> None:
    async with serving(ANYWHERE, echo) as url:
        answer = await asked(url, "/query?lang=zh&a=%E4%B8%AD&empty")
    assert answer.body.decode() == "[('a', '中'), ('lang', 'zh')]"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
async def test_nothing_can_be_written(method: str) -> None:
    async with serving(ANYWHERE, echo) as url:
        answer = await asked(url, method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "host", ["localhost:8080", "127.0.0.1", "[::1]:8080", "192.168.1.5:80", socket.gethostname()]
)
async def test_by_its_own_names_it_is_called(host: str) -> None:
    async with serving(ANYWHERE, echo) as url:
        assert (await asked(url, host=host)).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[", ""]
)
async def test_a_foreign_name_for_this_address_opens_nothing(host: str) -> None:
    """DNS rebinding: the page of another has its name resolved to this box."""
    async with serving(ANYWHERE, echo) as url:
        assert (await asked(url, host=host)).status == 421


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /?" + b"a&a=1&" * 30 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000 + b"\r\n\r\n", 431),
    ],
)
async def test_what_is_no_sound_request(request_: bytes, status: int) -> None:
    async with serving(ANYWHERE, echo) as url:
        assert parsed(await said(url, request_)).status == status


async def test_whoever_says_nothing_is_let_go() -> None:
    async with serving(ANYWHERE, echo, ask_s=0.2) as url:
        assert await said(url, b"GET / HT") == b""
        assert (await asked(url)).status == 200


async def test_whoever_takes_nothing_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(ANYWHERE, echo, take_s=0.5) as url:
        async with visiting(url) as (_, writer):
            writer.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await until(lambda: "too slow" in caplog.text)
        assert (await asked(url)).status == 200


async def test_there_are_few_at_a_time() -> None:
    async with serving(ANYWHERE, echo, ask_s=60) as url:
        async with AsyncExitStack() as idle:
            for _ in range(16):
                await idle.enter_async_context(visiting(url))
            assert (await asked(url)).status == 503
        async with asyncio.timeout(10):
            while (await asked(url)).status != 200:
                await asyncio.sleep(0.02)


async def test_a_crowd_gets_few_descriptors() -> None:
    async with serving(ANYWHERE, echo, ask_s=60) as url, AsyncExitStack() as crowd:
        before = len(os.listdir("/proc/self/fd"))
        visitors = [await crowd.enter_async_context(visiting(url)) for _ in range(60)]
        reader, _ = visitors[-1]
        with suppress(ConnectionError):
            async with asyncio.timeout(10):
                assert await reader.read() == b""
        assert len(os.listdir("/proc/self/fd")) - before - len(visitors) <= 24


async def test_a_bug_costs_one_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(ANYWHERE, echo) as url:
        assert await said(url, b"GET /bug HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        assert (await asked(url)).status == 200
    assert "bug in a page" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_port_that_is_taken() -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with serving(listen, echo):
        with pytest.raises(OSError, match="address already in use"):
            async with serving(listen, echo):
                pass


async def test_over_ipv6() -> None:
    async with serving("[::1]:0", echo) as url:
        assert url.startswith("http://[::1]:")
        assert (await asked(url, host="[::1]")).status == 200
