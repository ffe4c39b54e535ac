"""How often a gate knocks, and what it says about it."""

import asyncio
import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import LinkError
from gateway.uplink.reconnect import Reconnector, Waits

seeds = st.integers(0, 10_000)
LOST = LinkError("lost")
REFUSED = LinkError("bad password", unauthorised=True)
RIVAL = LinkError("taken over", rival=True)


def waits(seed: int) -> Waits:
    return Waits(random.Random(seed))


@given(seeds)
def test_the_first_attempt_comes_at_once_and_later_ones_at_most_every_second(seed: int) -> None:
    waiting = waits(seed)
    each = [waiting.next_s(LOST, lasted_s=0, network=True) for _ in range(30)]
    assert each[0] == 0
    assert all(1 <= wait <= 30 for wait in each[1:])


@given(seeds, st.integers(1, 12))
def test_a_stable_minute_is_forgiven_a_flapping_link_is_not(seed: int, before: int) -> None:
    waiting = waits(seed)
    for _ in range(before):
        waiting.next_s(LOST, lasted_s=59, network=True)
    assert waiting.next_s(LOST, lasted_s=59, network=True) >= 1
    assert waiting.next_s(LOST, lasted_s=60, network=True) == 0


@given(seeds)
def test_refused_credentials_are_tried_at_most_twelve_times_an_hour(seed: int) -> None:
    waiting = waits(seed)
    at, attempts = 0.0, 0
    while at < 3600:
        attempts += 1
        at += waiting.next_s(REFUSED, lasted_s=0, network=True)
    assert attempts <= 12


def test_many_gates_do_not_return_in_step() -> None:
    second = []
    for seed in range(100):
        waiting = waits(seed)
        for _ in range(6):
            last = waiting.next_s(LOST, lasted_s=0, network=True)
        second.append(last)
    assert max(second) - min(second) > 10


class AtOnce(Waits):
    """For tests: no wait at all."""

    def next_s(self, error: LinkError, *, lasted_s: float, network: bool) -> float:
        return 0.0


async def test_a_lost_link_is_said_once_and_its_return_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "gateway.uplink")
    reconnector = Reconnector("broker", AtOnce(random.Random(0)))
    stop = asyncio.Event()
    script = iter("xxx+xxx+.")

    async def attempt() -> None:
        match next(script):
            case "x":
                raise LinkError("no answer")
            case "+":
                reconnector.connected()
                raise LinkError("cut")
            case _:
                stop.set()

    async with asyncio.timeout(5):
        await reconnector.run(attempt, stop)
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    failed, cut = "no link to broker: no answer", "no link to broker: cut"
    assert said == [
        ("WARNING", failed),
        ("DEBUG", failed),
        ("DEBUG", failed),
        ("INFO", "connected to broker"),
        ("WARNING", cut),
        ("DEBUG", failed),
        ("DEBUG", failed),
        ("DEBUG", failed),
        ("INFO", "connected to broker"),
        ("WARNING", cut),
    ]
    assert reconnector.state.reason == "stopped"


async def test_stopping_cuts_a_wait_short() -> None:
    reconnector = Reconnector("broker", Waits(random.Random(0)))
    stop = asyncio.Event()

    async def refused() -> None:
        stop.set()
        raise LinkError("bad password", unauthorised=True)

    async with asyncio.timeout(2):
        await reconnector.run(refused, stop)
