"""Questions about health codes: a code is held for as long as an answer may take, no longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.checkpoint.machine import Ask
from gateway.clock import Clock
from gateway.conduct.questions import Questions
from gateway.config.passes import Answer, ResolverConfig
from gateway.events import Class, Draft, ScanData, Verdict
from tests.brokers import until
from tests.test_resolving import CODE, Authority, listening

CLOCK = Clock()


def ask(token: str = "t") -> Ask:
    scan = ScanData(
        device="scanner",
        lane="in-1",
        medium="scanner",
        symbology="qr",
        class_=Class.HEALTH_CODE,
        verdict=Verdict.OPAQUE,
        token=token,
        content="in clear",
        decode_ms=3.0,
    )
    return Ask(scan, "epoch-7", CLOCK.now())


@asynccontextmanager
async def asking(config: ResolverConfig | None) -> AsyncIterator[tuple[Questions, list[Draft]]]:
    noted: list[Draft] = []

    async def note(event: Draft) -> None:
        noted.append(event)

    questions = Questions(config, note, CLOCK)
    running = asyncio.create_task(questions.run())
    try:
        yield questions, noted
    finally:
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()


def verdict(event: Draft) -> Verdict:
    assert isinstance(event.data, ScanData)
    return event.data.verdict


async def test_the_answer_is_another_scan_of_the_same_code() -> None:
    authority = Authority(b'{"answer": "refuse"}')
    async with (
        listening(authority) as url,
        asking(ResolverConfig(url=url)) as (questions, noted),
    ):
        questions.hold("t", CODE)
        questions.ask(ask())
        await until(lambda: noted)
    [event] = noted
    assert (event.kind, event.subject, event.correlation) == ("scan", "lane/in-1", "epoch-7")
    assert isinstance(event.data, ScanData)
    assert (event.data.token, event.data.verdict) == ("t", Verdict.REVOKED)
    assert event.data.content is None
    assert [each.endswith(CODE) for each in authority.asked] == [True]


async def test_without_an_answer_the_word_for_that_counts() -> None:
    authority = Authority(None)
    async with listening(authority) as url:
        config = ResolverConfig(url=url, timeout_s=0.1, unanswered=Answer.PASS)
        async with asking(config) as (questions, noted):
            questions.hold("t", CODE)
            questions.ask(ask())
            await until(lambda: noted)
            assert len(authority.asked) == 1
            questions.hold("t", CODE)
            await asyncio.sleep(0.2)  # for longer it is not held
            questions.ask(ask())
            await until(lambda: len(noted) == 2)
            assert len(authority.asked) == 1
    assert list(map(verdict, noted)) == [Verdict.VALID, Verdict.VALID]


async def test_of_very_many_codes_the_latest_are_held() -> None:
    authority = Authority(b'{"answer": "pass"}')
    async with listening(authority) as url, asking(ResolverConfig(url=url)) as (questions, noted):
        for number in range(100):
            questions.hold(f"t-{number}", CODE)
        questions.ask(ask("t-0"))
        questions.ask(ask("t-99"))
        await until(lambda: len(noted) == 2)
        assert len(authority.asked) == 1
    assert sorted(map(verdict, noted)) == [Verdict.OPAQUE, Verdict.VALID]


async def test_somebody_else_is_asked_from_a_change_on() -> None:
    former, later = Authority(b'{"answer": "pass"}'), Authority(b'{"answer": "refuse"}')
    async with (
        listening(former) as first,
        listening(later) as second,
        asking(ResolverConfig(url=first)) as (questions, noted),
    ):
        questions.hold("t", CODE)
        questions.ask(ask())
        await until(lambda: noted)
        questions.change(ResolverConfig(url=second))
        questions.hold("t", CODE)
        questions.ask(ask())
        await until(lambda: len(noted) == 2)
    assert list(map(verdict, noted)) == [Verdict.VALID, Verdict.REVOKED]


async def test_a_token_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    config = ResolverConfig(url="http://127.0.0.1:1/", token_file=tmp_path / "absent")
    async with asking(config) as (questions, noted):
        questions.hold("t", CODE)
        questions.ask(ask())
        await until(lambda: noted)
    assert verdict(noted[0]) is Verdict.OPAQUE
