"""Somebody is asked about a health code: their word counts, if it comes in time."""

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from gateway.config.passes import Answer, ResolverConfig
from gateway.errors import GatewayError
from gateway.resolving import Resolution, resolving

CODE = b"https://code.example.cn/440300/somebody-4711"


class Authority:
    """Answers every request with the same bytes, or not at all, and remembers what it was asked."""

    def __init__(self, body: bytes | None, status: str = "200 OK", more: str = "") -> None:
        self.answer = body
        self._head = f"HTTP/1.1 {status}\r\n{more}"
        self.asked: list[bytes] = []

    async def talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                [length] = [
                    int(line.partition(b":")[2])
                    for line in head.splitlines()
                    if line.lower().startswith(b"content-length")
                ]
                self.asked.append(head + await reader.readexactly(length))
                if self.answer is not None:
                    size = f"Content-Length: {len(self.answer)}\r\n\r\n"
                    writer.write((self._head + size).encode() + self.answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(authority: Authority) -> AsyncIterator[str]:
    server = await asyncio.start_server(authority.talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/check"


@pytest.mark.parametrize("answer", Answer)
async def test_what_is_answered_counts(answer: Answer) -> None:
    authority = Authority(b'{"answer": "%s", "more": 1}' % answer.encode())
    async with listening(authority) as url, resolving(ResolverConfig(url=url)) as resolver:
        assert await resolver.resolve(CODE) == Resolution(answer, answered=True)
        assert await resolver.resolve(CODE) == Resolution(answer, answered=True)
    assert all(each.endswith(b"\r\n\r\n" + CODE) for each in authority.asked)
    assert all(each.startswith(b"POST /check HTTP/1.1\r\n") for each in authority.asked)


async def test_whoever_asks_says_who_they_are(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-4712\n")
    authority = Authority(b'{"answer": "pass"}')
    async with listening(authority) as url, resolving(asking(url, tmp_path)) as resolver:
        await resolver.resolve(CODE)
    assert b"Authorization: Bearer secret-4712\r\n" in authority.asked[0]


def asking(url: str, directory: Path) -> ResolverConfig:
    return ResolverConfig(url=url, token_file=directory / "token")


async def test_a_token_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    config = ResolverConfig(url="http://127.0.0.1:1/", token_file=tmp_path / "absent")
    with pytest.raises(GatewayError, match="absent cannot be read"):
        async with resolving(config):
            pass


@pytest.mark.parametrize("unanswered", Answer)
async def test_nobody_waits_longer_than_the_time_out(unanswered: Answer) -> None:
    authority = Authority(None)
    async with listening(authority) as url:
        config = ResolverConfig(url=url, timeout_s=0.2, unanswered=unanswered)
        async with resolving(config) as resolver:
            started = monotonic()
            found = await asyncio.gather(*(resolver.resolve(CODE) for _ in range(10)))
            assert monotonic() - started < 2
    assert found == [Resolution(unanswered, answered=False)] * 10


@pytest.mark.parametrize(
    "authority",
    [
        Authority(b""),
        Authority(b"{"),
        Authority(b"[]"),
        Authority(b'"pass"'),
        Authority(b'{"answer": "ill"}'),
        Authority(b'{"answer": ["pass"]}'),
        Authority(b"{}"),
        Authority(b"\xff"),
        Authority(b" " * 100_000 + b'{"answer": "pass"}'),
        Authority(b'{"a":' + b"[" * 4000),
        Authority(b'{"answer": "pass"}', "500 Error"),
        Authority(b'{"answer": "pass"}', "302 Found", "Location: http://127.0.0.1:1/\r\n"),
        Authority(b'{"answer": "pass"}', "not HTTP"),
    ],
    ids=range(13),
)
async def test_what_is_no_answer_is_none(authority: Authority) -> None:
    async with listening(authority) as url, resolving(ResolverConfig(url=url)) as resolver:
        found = await resolver.resolve(CODE)
    assert found == Resolution(Answer.UNKNOWN, answered=False)


async def test_it_is_said_once_that_nobody_answers_and_never_what_was_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    authority = Authority(b"busy")
    async with listening(authority) as url, resolving(ResolverConfig(url=url)) as resolver:
        for _ in range(3):
            await resolver.resolve(CODE)
        authority.answer = b'{"answer": "pass"}'
        await resolver.resolve(CODE)
    told = [record for record in caplog.records if record.name == "gateway.resolving"]
    assert [record.levelname for record in told] == ["WARNING", "INFO", "DEBUG"]
    assert told[0].getMessage() == "about health codes there is no answer: ValueError"
    assert "4711" not in caplog.text


async def test_without_a_network_the_answer_is_that_of_the_configuration() -> None:
    config = ResolverConfig(url="http://127.0.0.1:1/check", unanswered=Answer.REFUSE)
    async with resolving(config) as resolver:
        assert await resolver.resolve(CODE) == Resolution(Answer.REFUSE, answered=False)
