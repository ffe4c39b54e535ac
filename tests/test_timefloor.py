"""What a box without a battery-backed clock remembers of the time."""

import asyncio
from pathlib import Path

import pytest

from gateway.clock import Clock, TimeQuality
from gateway.timefloor import TimeFloor

NOON = 1_780_000_000_000


def clock(wall_ms: int, *, right: bool, floor_ms: int = 0) -> Clock:
    return Clock(wall_ns=lambda: wall_ms * 1_000_000, synchronised=lambda: right, floor_ms=floor_ms)


def test_it_rises_and_never_falls(tmp_path: Path) -> None:
    floor = TimeFloor(tmp_path / "time-floor")
    assert floor.load() == 0
    floor.lift(NOON)
    floor.lift(NOON - 1)
    assert TimeFloor(tmp_path / "time-floor").load() == NOON


@pytest.mark.parametrize("content", [b"", b"soon\n", b"-5\n", b"\xff\n", b"9" * 18 + b"\n"])
def test_a_damaged_file_is_no_floor(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "time-floor").write_bytes(content)
    assert TimeFloor(tmp_path / "time-floor").load() == 0


def test_a_file_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    TimeFloor(tmp_path / "nowhere" / "time-floor").lift(NOON)


@pytest.mark.parametrize("right", [True, False])
async def test_only_a_clock_that_is_right_lifts_it(tmp_path: Path, right: bool) -> None:
    floor = TimeFloor(tmp_path / "time-floor")
    keeping = asyncio.create_task(floor.keep(clock(NOON, right=right)))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])
    assert floor.load() == (NOON if right else 0)


async def followed(floor: TimeFloor, clock: Clock) -> None:
    """One look."""
    keeping = asyncio.create_task(floor.keep(clock))
    await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_a_clock_that_has_just_been_set_does_not_lift_it(tmp_path: Path) -> None:
    """Or an hour with a bad time source would make every right time look wrong for years."""
    wall_ms, mono_s = NOON, 0
    its_clock = Clock(
        wall_ns=lambda: wall_ms * 10**6, mono_ns=lambda: mono_s * 10**9, synchronised=lambda: True
    )
    floor = TimeFloor(tmp_path / "time-floor")
    await followed(floor, its_clock)
    assert floor.load() == NOON
    wall_ms += 400 * 86_400_000
    await followed(floor, its_clock)
    assert floor.load() == NOON
    mono_s += 3600
    wall_ms += 3_600_000
    await followed(floor, its_clock)
    assert floor.load() == wall_ms


async def test_one_that_was_too_high_comes_down(tmp_path: Path) -> None:
    """Twelve times two looks: `keep` looks once more when it is cancelled."""
    floor = TimeFloor(tmp_path / "time-floor")
    floor.lift(NOON + 400 * 86_400_000)
    its_clock = clock(NOON, right=True, floor_ms=floor.load())
    for _ in range(11):
        await followed(floor, its_clock)
        assert its_clock.now().quality is TimeQuality.UNSYNC
    await followed(floor, its_clock)
    assert floor.load() == its_clock.floor_ms == NOON
    assert clock(NOON, right=True, floor_ms=floor.load()).now().quality is TimeQuality.SYNC


@pytest.mark.parametrize(
    ("wall_ms", "quality"),
    [(NOON - 1, TimeQuality.UNSYNC), (NOON, TimeQuality.SYNC), (5_000, TimeQuality.UNSYNC)],
)
def test_a_clock_below_it_is_not_trusted(wall_ms: int, quality: TimeQuality) -> None:
    assert clock(wall_ms, right=True, floor_ms=NOON).now().quality is quality
