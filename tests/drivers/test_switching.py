"""Outputs that nobody times: off in time, twice, until it is done, and after everything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.base import CommandError, DeviceError, PulseOutput, Release, SwitchOutput
from drivers.switching import Strike, Switching
from drivers.switching.pulses import AGAIN_S, Pulses


class Relays:
    """A board; ``deaf`` as long as it does not answer."""

    def __init__(self, *, times: bool = False) -> None:
        self.on: set[int] = set()
        self.switched: list[tuple[int, bool]] = []
        self.deaf = False
        self._times = times

    def times(self, milliseconds: int) -> bool:
        return self._times and milliseconds > 0

    async def pulse(self, output: int, milliseconds: int) -> None:
        await self.switch(output, on=True)
        asyncio.get_running_loop().call_later(milliseconds / 1000, self.on.discard, output)

    async def switch(self, output: int, *, on: bool) -> None:
        await asyncio.sleep(0)
        if self.deaf:
            raise DeviceError("it does not answer")
        self.switched.append((output, on))
        (self.on.add if on else self.on.discard)(output)

    async def until_off(self, output: int) -> None:
        async with asyncio.timeout(10):
            while output in self.on:
                await asyncio.sleep(0.005)


def switching() -> Switching:
    return Switching({"gate-1": Strike(0, 100)}, {"lamp": 1})


@asynccontextmanager
async def connected(relays: Relays, outputs: Switching | None = None) -> AsyncIterator[Switching]:
    outputs = outputs or switching()
    async with outputs.connected(relays):
        relays.switched.clear()
        yield outputs


async def until_switched(relays: Relays, count: int) -> None:
    async with asyncio.timeout(10):
        while len(relays.switched) < count:
            await asyncio.sleep(0.005)


async def test_off_in_time_and_once_more() -> None:
    relays = Relays()
    async with connected(relays) as outputs:
        began = asyncio.get_running_loop().time()
        await outputs.execute(Release("gate-1"))
        assert outputs.released("gate-1")
        await until_switched(relays, 3)
        took = asyncio.get_running_loop().time() - began
        assert not outputs.released("gate-1")

    assert relays.switched == [(0, True), (0, False), (0, False)]
    assert took >= 0.1 + AGAIN_S


async def test_a_board_that_times_it_is_left_to_it() -> None:
    relays = Relays(times=True)
    async with connected(relays) as outputs:
        await outputs.execute(Release("gate-1"))
        await relays.until_off(0)
        async with asyncio.timeout(10):
            while outputs.released("gate-1"):
                await outputs.wait(0.01)

    assert relays.switched == [(0, True)]


async def test_a_second_release_makes_it_longer() -> None:
    relays = Relays()
    outputs = Switching({"gate-1": Strike(0, 400)}, {})
    async with connected(relays, outputs):
        await outputs.execute(Release("gate-1"))
        await asyncio.sleep(0.2)
        began = asyncio.get_running_loop().time()
        await outputs.execute(Release("gate-1"))
        await relays.until_off(0)
        assert asyncio.get_running_loop().time() - began >= 0.39


async def test_what_was_on_by_us_goes_off_by_us_though_the_board_would_time_the_next() -> None:
    pulses = Pulses()
    pulses.begin(1, 300, ours=True)
    pulses.begin(1, 0.01, ours=False)
    assert pulses.ours == {1}
    pulses.begin(2, 0.01, ours=False)
    assert pulses.ours == {1}


async def test_off_is_repeated_until_it_is_done() -> None:
    relays = Relays()
    async with connected(relays) as outputs:
        await outputs.execute(Release("gate-1"))
        relays.deaf = True
        await asyncio.sleep(0.1 + 2 * AGAIN_S)
        assert relays.on == {0}
        relays.deaf = False
        await relays.until_off(0)


async def test_on_that_was_not_confirmed_is_followed_by_off() -> None:
    relays = Relays()
    async with connected(relays) as outputs:
        relays.deaf = True
        with pytest.raises(CommandError, match="it does not answer"):
            await outputs.execute(Release("gate-1"))
        relays.deaf = False
        await until_switched(relays, 2)

    assert set(relays.switched) == {(0, False)}


async def test_what_was_on_when_the_device_was_lost_is_off_when_it_is_back() -> None:
    relays, outputs = Relays(), switching()
    async with connected(relays, outputs):
        await outputs.execute(PulseOutput("lamp", 600))
        relays.deaf = True
    assert relays.on == {1}
    relays.deaf = False
    async with connected(relays, outputs):
        assert relays.on == set()


async def test_what_is_switched_on_for_good_is_left_alone() -> None:
    relays, outputs = Relays(), switching()
    async with connected(relays, outputs):
        await outputs.execute(PulseOutput("lamp", 0.05))
        await outputs.execute(SwitchOutput("lamp", on=True))
        await asyncio.sleep(0.3)
    async with connected(relays, outputs):
        assert relays.on == {1}


async def test_waiting_ends_when_something_begins_or_ends() -> None:
    relays = Relays()
    async with connected(relays) as outputs, asyncio.timeout(10):
        waiting = asyncio.create_task(outputs.wait(60))
        await outputs.execute(Release("gate-1"))
        await waiting
        await outputs.wait(60)
        assert not outputs.released("gate-1")
        outputs.wake()
        await outputs.wait(60)


async def test_a_command_ends_with_the_connection() -> None:
    class Slow(Relays):
        """Is asked again and again, as one whose answers are lost."""

        async def switch(self, output: int, *, on: bool) -> None:
            for _ in range(5 if on else 1):
                await super().switch(output, on=on)
                await asyncio.sleep(0.01)

    relays = Slow()
    async with connected(relays) as outputs:
        telling = asyncio.create_task(outputs.execute(Release("gate-1")))
        await until_switched(relays, 1)
    with pytest.raises(CommandError, match="lost meanwhile"):
        await telling

    assert relays.switched[-1] == (0, False)
    assert not relays.on
