"""Prompts on their way: nobody waits for them, and nobody hears an old one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import time, timedelta, timezone

import pytest

from drivers.base import Announce, Urgency
from gateway.checkpoint.machine import Say
from gateway.checkpoint.prompts import Prompt
from gateway.clock import Clock
from gateway.prompts import Prompter

CHINA = timezone(timedelta(hours=8))


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self, *, right: bool = True) -> None:
        self.mono_ns = 50 * 10**9
        self.clock = Clock(
            wall_ns=lambda: 1_773_785_523_000_000_000,  # 2026-03-18, 06:12:03 in China
            mono_ns=lambda: self.mono_ns,
            synchronised=lambda: right,
            boot="b",
        )


class Devices:
    """What the prompter hands over to; its devices can be told to hang or to fail."""

    def __init__(self) -> None:
        self.presented: list[Announce] = []
        self.free = asyncio.Event()
        self.free.set()
        self.broken: dict[str, str] = {}

    async def present(self, announce: Announce) -> Mapping[str, str]:
        self.presented.append(announce)
        if announce.lane != "out-1":
            await self.free.wait()
        return self.broken

    async def have(self, number: int) -> None:
        async with asyncio.timeout(10):
            while len(self.presented) < number:
                await asyncio.sleep(0)

    @property
    def said(self) -> list[str]:
        return [each.prompt for each in self.presented]


@asynccontextmanager
async def at_work(devices: Devices, watch: Watch) -> AsyncIterator[Prompter]:
    prompter = Prompter(devices.present, watch.clock, CHINA)
    task = asyncio.create_task(prompter.run())
    try:
        yield prompter
    finally:
        task.cancel()
        await asyncio.wait([task])


def saying(watch: Watch, prompt: Prompt, lane: str | None = "in-1", **values: str) -> Say:
    return Say(prompt, watch.clock.now(), lane, values)


async def test_it_reaches_the_devices_in_every_language() -> None:
    devices, watch = Devices(), Watch()
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.WAIT_AND_RE_CHECK, minutes="5"))
        await devices.have(1)
    [said] = devices.presented
    assert (said.prompt, said.lane, said.urgency) == ("wait-and-re-check", "in-1", Urgency.NOTICE)
    assert said.texts["zh-CN"] == "请继续休息,5分钟后复测"
    assert said.texts["en"].endswith("in 5 minutes")
    assert said.at == time(6, 12, 3)


async def test_of_what_waits_for_a_lane_the_newest_is_said() -> None:
    devices, watch = Devices(), Watch()
    devices.free.clear()
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.SHOW_CODE))
        await devices.have(1)
        for each in (Prompt.MEASURING, Prompt.PASS, Prompt.SHOW_CODE):
            prompter.say(saying(watch, each))
        devices.free.set()
        await devices.have(2)
    assert devices.said == ["show-code", "show-code"]


async def test_what_matters_more_is_not_displaced() -> None:
    devices, watch = Devices(), Watch()
    devices.free.clear()
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.SHOW_CODE))
        await devices.have(1)
        prompter.say(saying(watch, Prompt.TOO_WARM))
        prompter.say(saying(watch, Prompt.DOOR_FORCED))
        prompter.say(saying(watch, Prompt.PASS))
        devices.free.set()
        await devices.have(2)
    assert devices.said == ["show-code", "door-forced"]


async def test_a_lane_whose_device_hangs_holds_up_no_other() -> None:
    devices, watch = Devices(), Watch()
    devices.free.clear()
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.PASS, "in-1"))
        await devices.have(1)
        for number in range(2, 5):
            prompter.say(saying(watch, Prompt.PASS, "out-1"))
            await devices.have(number)
    assert [each.lane for each in devices.presented] == ["in-1", "out-1", "out-1", "out-1"]


@pytest.mark.parametrize(("late_s", "said"), [(4.9, 2), (5.1, 1)])
async def test_what_comes_too_late_is_not_said_at_all(late_s: float, said: int) -> None:
    devices, watch = Devices(), Watch()
    devices.free.clear()
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.SHOW_CODE))
        await devices.have(1)
        prompter.say(saying(watch, Prompt.TOO_WARM))
        watch.mono_ns += round(late_s * 1e9)
        devices.free.set()
        prompter.say(saying(watch, Prompt.PASS, "out-1"))
        await devices.have(said + 1)
    assert sorted(devices.said) == sorted(["show-code", "pass", *["too-warm"] * (said - 1)])


async def test_an_old_alarm_gives_way() -> None:
    devices, watch = Devices(), Watch()
    devices.free.clear()
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.SHOW_CODE))
        await devices.have(1)
        prompter.say(saying(watch, Prompt.DOOR_FORCED))
        watch.mono_ns += 6 * 10**9
        prompter.say(saying(watch, Prompt.PASS))
        devices.free.set()
        await devices.have(2)
    assert devices.said == ["show-code", "pass"]


async def test_a_device_that_cannot_is_told_of_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    devices, watch = Devices(), Watch()
    devices.broken = {"horn": "there is no recording of it"}
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.PASS))
        await devices.have(1)
        prompter.say(saying(watch, Prompt.TOO_WARM, "out-1"))
        await devices.have(2)
    assert "horn does not present pass: there is no recording of it" in caplog.text


async def test_while_the_clock_is_not_right_nobody_is_told_an_hour() -> None:
    devices, watch = Devices(), Watch(right=False)
    async with at_work(devices, watch) as prompter:
        prompter.say(saying(watch, Prompt.PASS))
        await devices.have(1)
    assert devices.presented[0].at is None
