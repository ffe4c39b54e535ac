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


@pytest.mark.parametrize("content", [b"", b"soon\n", b"-5\n", b"\xff\n"])
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


@pytest.mark.parametrize(
    ("wall_ms", "quality"),
    [(NOON - 1, TimeQuality.UNSYNC), (NOON, TimeQuality.SYNC), (5_000, TimeQuality.UNSYNC)],
)
def test_a_clock_below_it_is_not_trusted(wall_ms: int, quality: TimeQuality) -> None:
    assert clock(wall_ms, right=True, floor_ms=NOON).now().quality is quality
