"""A supervised device comes and goes; everything is said once and nothing stops the others."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from drivers.base import (
    CodeScanned,
    DeviceError,
    DeviceObserved,
    DeviceState,
    DoorObserved,
    Driver,
    Emit,
    Position,
    Role,
)
from gateway.clock import Clock
from gateway.events import Observation, Origin
from gateway.supervisor import Backoff, Supervisor

ONLINE = DeviceObserved(DeviceState.ONLINE)
CODE = CodeScanned(b"secret content", "QR", "camera", 1.0)


class Scripted(Driver):
    """A driver that plays one act per run, and then stays."""

    def __init__(
        self, *acts: Callable[[Emit], object], unknown: Sequence[DoorObserved] = ()
    ) -> None:
        self.runs = 0
        self._unknown = unknown
        self._acts = acts

    def lost(self) -> Sequence[DoorObserved]:
        return self._unknown

    async def run(self, emit: Emit) -> NoReturn:
        act = self.runs
        self.runs += 1
        if act < len(self._acts):
            result = self._acts[act](emit)
            if asyncio.iscoroutine(result):
                await result
        await asyncio.get_running_loop().create_future()
        raise AssertionError("unreachable")


def failing(error: Exception) -> Callable[[Emit], object]:
    def act(_: Emit) -> object:
        raise error

    return act


def talking_then(error: Exception | None) -> Callable[[Emit], object]:
    async def act(emit: Emit) -> None:
        await emit(ONLINE)
        await emit(ONLINE)
        await emit(CODE, age_s=2.0)
        if error:
            raise error

    return act


@asynccontextmanager
async def supervised(
    driver: Driver,
) -> AsyncIterator[tuple[Supervisor, asyncio.Queue[Observation]]]:
    seen: asyncio.Queue[Observation] = asyncio.Queue()
    supervisor = Supervisor(
        Origin("gate-camera", "camera", "in-1"),
        driver,
        seen.put,
        Clock(),
        Backoff(0.01, 0.02, random.Random(1)),
    )
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor, seen
    finally:
        task.cancel()
        await asyncio.wait([task])


async def take(seen: asyncio.Queue[Observation], count: int) -> list[object]:
    async with asyncio.timeout(10):
        return [(await seen.get()).reading for _ in range(count)]


async def test_a_device_that_never_answers_is_lost_once() -> None:
    driver = Scripted(*[failing(DeviceError("no such port"))] * 5)
    async with supervised(driver) as (supervisor, seen):
        assert await take(seen, 1) == [DeviceObserved(DeviceState.LOST, "no such port")]
        async with asyncio.timeout(10):
            while driver.runs < 6:
                await asyncio.sleep(0.005)
        assert seen.empty()
        assert supervisor.condition == DeviceObserved(DeviceState.LOST, "no such port")


async def test_loss_and_return_are_each_told_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    driver = Scripted(
        talking_then(DeviceError("unplugged")),
        failing(DeviceError("gone")),
        failing(DeviceError("gone")),
        talking_then(None),
    )
    async with supervised(driver) as (_, seen):
        assert await take(seen, 5) == [
            ONLINE,
            CODE,
            DeviceObserved(DeviceState.LOST, "unplugged"),
            ONLINE,
            CODE,
        ]
    assert [record.getMessage() for record in caplog.records] == [
        "gate-camera is there",
        "gate-camera is lost: unplugged",
        "gate-camera is back",
    ]


@pytest.mark.parametrize("failure", [DeviceError("unplugged"), ZeroDivisionError("a bug")])
async def test_what_is_no_longer_known_is_told_however_the_driver_failed(
    failure: Exception,
) -> None:
    unknown = DoorObserved("gate-1", Role.GATE, Position.UNKNOWN)
    driver = Scripted(talking_then(failure), unknown=[unknown])
    async with supervised(driver) as (_, seen):
        *_, door, lost = await take(seen, 4)
    assert door == unknown
    assert isinstance(lost, DeviceObserved)
    assert lost.state is DeviceState.LOST


async def test_what_the_driver_counted_can_be_asked_for() -> None:
    driver = Scripted(talking_then(None))
    async with supervised(driver) as (supervisor, seen):
        await take(seen, 1)
        assert supervisor.counted == {}
        driver.counters.bad_checksum += 2
        assert supervisor.counted == {"bad_checksum": 2}


async def test_a_bug_in_a_driver_is_contained_and_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = Scripted(failing(ZeroDivisionError("oops")), talking_then(None))
    async with supervised(driver) as (_, seen):
        lost, online, code = await take(seen, 3)
    assert isinstance(lost, DeviceObserved)
    assert lost.state is DeviceState.LOST
    assert (online, code) == (ONLINE, CODE)
    assert any(record.exc_info for record in caplog.records)


class Forgetful(Scripted):
    """A driver with a bug where it is asked what is not known any more."""

    def lost(self) -> NoReturn:
        raise ZeroDivisionError("oops")


async def test_a_bug_after_the_end_is_contained_as_well() -> None:
    driver = Forgetful(talking_then(DeviceError("unplugged")), talking_then(None))
    async with supervised(driver) as (_, seen):
        assert await take(seen, 5) == [
            ONLINE,
            CODE,
            DeviceObserved(DeviceState.LOST, "unplugged"),
            ONLINE,
            CODE,
        ]


async def test_a_driver_that_awaits_what_is_cancelled_is_started_again() -> None:
    async def stumble(_: Emit) -> None:
        inner = asyncio.get_running_loop().create_future()
        inner.cancel()
        await inner

    async with supervised(Scripted(stumble, talking_then(None))) as (_, seen):
        assert await take(seen, 3) == [
            DeviceObserved(DeviceState.LOST, "driver camera has ended by itself"),
            ONLINE,
            CODE,
        ]


async def test_the_stamp_is_the_moment_of_the_observation_not_of_its_arrival() -> None:
    async with supervised(Scripted(talking_then(None))) as (_, seen):
        async with asyncio.timeout(10):
            online, code = await seen.get(), await seen.get()
    behind_s = (online.stamp.mono_ns - code.stamp.mono_ns) / 1e9
    assert 1.5 < behind_s <= 2.0


async def pressed_back(
    supervisor: Supervisor, inbox: asyncio.Queue[Observation]
) -> asyncio.Task[NoReturn]:
    """The supervisor at work, held up by an `inbox` that is full."""
    task = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(10):
        while not inbox.full():
            await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    return task


async def test_a_full_inbox_presses_back_on_the_driver() -> None:
    emitted = 0

    async def chatter(emit: Emit) -> None:
        nonlocal emitted
        while True:
            await emit(CODE)
            emitted += 1

    inbox: asyncio.Queue[Observation] = asyncio.Queue(3)
    supervisor = Supervisor(
        Origin("cam", "camera", None),
        Scripted(chatter),
        inbox.put,
        Clock(),
        Backoff(1, 60, random.Random(1)),
    )
    task = await pressed_back(supervisor, inbox)
    assert emitted == 3
    task.cancel()
    await asyncio.wait([task])


async def test_what_was_on_its_way_when_it_is_retired_is_recorded() -> None:
    async def talk(emit: Emit) -> None:
        await emit(ONLINE)
        await emit(CODE)

    unknown = DoorObserved("gate-1", Role.GATE, Position.UNKNOWN)
    inbox: asyncio.Queue[Observation] = asyncio.Queue(1)
    supervisor = Supervisor(
        Origin("cam", "camera", None),
        Scripted(talk, unknown=[unknown]),
        inbox.put,
        Clock(),
        Backoff(1, 60, random.Random(1)),
    )
    task = await pressed_back(supervisor, inbox)
    task.cancel()
    await asyncio.wait([task])
    retiring = asyncio.create_task(supervisor.retire(removed=True))
    removed = DeviceObserved(DeviceState.REMOVED, "no longer configured")
    assert await take(inbox, 4) == [ONLINE, CODE, unknown, removed]
    await retiring
    assert inbox.empty()


def test_backoff_doubles_up_to_its_bound_and_is_spread() -> None:
    backoff = Backoff(1.0, 60.0, random.Random(7))
    waits = [backoff.next() for _ in range(12)]
    for step, wait_s in enumerate(waits):
        whole_s = min(60.0, 2.0**step)
        assert whole_s / 2 <= wait_s <= whole_s
    backoff.reset()
    assert backoff.next() <= 1.0
    assert len({Backoff(1.0, 60.0, random.Random(seed)).next() for seed in range(20)}) == 20


async def test_a_device_that_comes_and_goes_keeps_backing_off() -> None:
    backoff = Backoff(0.001, 60.0, random.Random(3))
    driver = Scripted(*[talking_then(DeviceError("loose plug"))] * 4)
    seen: asyncio.Queue[Observation] = asyncio.Queue()
    supervisor = Supervisor(Origin("cam", "camera", None), driver, seen.put, Clock(), backoff)
    task = asyncio.create_task(supervisor.run())
    await take(seen, 12)
    task.cancel()
    await asyncio.wait([task])
    assert backoff.next() > 0.004, "four short lives did not start the waits over"
