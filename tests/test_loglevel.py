"""The log's level is changed for a while, and comes back by itself."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from gateway import log
from gateway.control import Status
from gateway.loglevel import LogLevel


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    log.set_level(logging.INFO)
    yield
    log.set_level(logging.NOTSET)


async def test_it_counts_at_once_and_comes_back() -> None:
    level = LogLevel(minute_s=0.2)
    told = level.change("debug", 1)
    assert told == "logging from debug up for 1 minute, then from info up"
    for name in ("gateway.recorder", "drivers.wire.serialport"):
        assert logging.getLogger(name).isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("aiomqtt").isEnabledFor(logging.DEBUG)
    async with asyncio.timeout(10):
        while log.level() != logging.INFO:
            await asyncio.sleep(0.01)
    assert not logging.getLogger("drivers.wire.serialport").isEnabledFor(logging.DEBUG)


async def test_the_last_word_counts() -> None:
    level = LogLevel(minute_s=0.2)
    level.change("debug", 1)
    level.change("error", 1000)
    await asyncio.sleep(0.5)
    assert log.level() == logging.ERROR
    assert level.change("info", 1) == "logging from info up"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"level": "loud"},
        {"level": "DEBUG"},
        {"level": 10},
        {"level": "debug", "minutes": 0},
        {"level": "debug", "minutes": 10_081},
        {"level": "debug", "minutes": "5"},
        {"level": "debug", "minutes": True},
    ],
)
async def test_a_wrong_request_changes_nothing(request_: dict[str, object]) -> None:
    answer = await LogLevel().answer(request_)
    assert answer.status is Status.WRONG
    assert answer.text.startswith('expected "level", one of "debug", "info"')
    assert log.level() == logging.INFO
