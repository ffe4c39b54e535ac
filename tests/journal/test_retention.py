"""What has been delivered is kept as long as promised, and no longer, whatever the clock says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journal.ageing import DAY_S, Box, ageing
from tests.journal.journals import query


@pytest_asyncio.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with ageing(tmp_path / "journal.db") as made:
        yield made


@pytest.mark.parametrize("right", [True, False])
async def test_within_a_boot_it_is_the_monotonic_clock_that_counts(box: Box, right: bool) -> None:
    box.right = right
    for _ in range(13):
        box.passes(DAY_S)
        assert await box.kept() == 11
    box.passes(DAY_S)
    assert await box.kept() == 1


@pytest.mark.parametrize("days", [400, -3650])
@pytest.mark.parametrize("right", [True, False])
async def test_a_step_deletes_nothing_and_stops_nothing(box: Box, days: int, right: bool) -> None:
    box.passes(DAY_S)
    box.right = right
    box.wall_s += days * DAY_S
    assert await box.kept() == 11
    box.passes(13 * DAY_S - 1)
    if not right or days < 0:
        assert await box.kept() == 11
    box.passes(1)
    assert await box.kept() == 1


async def test_random_steps_change_nothing(box: Box) -> None:
    for second in range(100):
        box.passes(1)
        box.wall_s += (-1) ** second * second * DAY_S
        assert await box.kept() == 11
        await box.booted("boot-1").mark()


async def test_what_was_off_meanwhile_knows_by_its_wall_clock(box: Box) -> None:
    box.wall_s += 15 * DAY_S
    box.mono_s = 5
    box.right = False
    box.retention = box.booted("boot-2")
    assert await box.kept() == 11
    box.right = True
    box.passes(10)
    assert await box.kept() == 1


async def test_a_box_that_never_knows_the_time_counts_what_it_has_run(box: Box) -> None:
    box.right = False
    box.wall_s, box.mono_s = 0, 5
    box.retention = box.booted("boot-2")
    box.passes(14 * DAY_S - 10)
    assert await box.kept() == 11
    box.passes(10)
    assert await box.kept() == 1


async def test_a_mark_made_with_a_wrong_clock_gets_its_time_when_that_is_right(box: Box) -> None:
    query(box.path, "UPDATE mark SET wall_ms = NULL")
    box.passes(3600)
    await box.booted("boot-1").mark()
    box.wall_s += 14 * DAY_S
    box.mono_s = 5
    box.retention = box.booted("boot-2")
    assert await box.kept() == 1
    assert query(box.path, "SELECT * FROM mark") == []
