"""Time at another speed, and a box that lives by it."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec
import pytest

from gateway.clock import TimeQuality
from gateway.simulate.daemon import Boot, clock_of
from gateway.simulate.pace import Anchor, Pace, PacedLoop


def pace(speed: float, at_s: float = 0.0) -> Pace:
    return Pace(Anchor(time.monotonic(), at_s, speed))


def test_a_minute_passes_in_a_tenth_of_a_second() -> None:
    fast = pace(600)

    async def minute() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(60)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time() - began

    began = time.monotonic()
    with asyncio.Runner(loop_factory=lambda: PacedLoop(fast)) as runner:
        passed = runner.run(minute())
    assert passed >= 120
    assert 0.2 <= time.monotonic() - began < 5


def test_it_goes_on_from_where_it_is_at_another_speed_and_others_follow() -> None:
    one, other = pace(1000, 5000), pace(1)
    anchor = one.change(1)
    other.follow(msgspec.json.decode(msgspec.json.encode(anchor), type=Anchor))
    assert one.speed == other.speed == 1
    assert one.now() >= 5000
    assert abs(one.now() - other.now()) < 1


def test_after_a_power_cut_the_clock_is_wrong_until_it_is_set() -> None:
    held = pace(1e-9, 3600)
    boot = Boot(
        anchor=Anchor(0, 0, 1),
        midnight_ms=1_768_406_400_000,
        boot="boot-1",
        since_s=3500,
        sure_s=4000,
        wrong_s=-1800,
    )
    clock = clock_of(boot, held)
    wrong = clock.now()
    assert (wrong.quality, wrong.boot) == (TimeQuality.UNSYNC, "boot-1")
    assert abs(wrong.wall_ms - 1_768_406_400_000 - 1800_000) <= 1
    assert round(wrong.mono_ns / 1e9) == 160
    held.follow(Anchor(time.monotonic(), 4100, 1e-9))
    right = clock.now()
    assert right.quality is TimeQuality.SYNC
    assert abs(right.wall_ms - 1_768_406_400_000 - 4100_000) <= 1


async def test_nothing_but_a_simulation_can_choose_the_clock() -> None:
    """The command that runs a gate has no way to it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "run", "--help"), stdout=PIPE
    )
    said, _ = await process.communicate()
    assert b"clock" not in said
    assert b"speed" not in said
    sources = Path(__file__).parents[2] / "gateway"
    using = [
        str(path.relative_to(sources))
        for path in sources.rglob("*.py")
        if "simulate.daemon" in path.read_text() or "clock_of" in path.read_text()
    ]
    assert {each.split(os.sep)[0] for each in using} == {"simulate"}
