"""kill -9 at any time: nothing recorded is missing, little comes twice, nothing is made up."""

from pathlib import Path

import pytest

from tests.faults.account import Account
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.site import WINDOW, NoDeduplication, Site, gate_with_link


async def kills(directory: Path, times: int, seed: int, account: Account) -> None:
    entry = account.of("kill -9, link up")
    async with gate_with_link(directory, seed) as gate:
        await gate.endure(Site.kill, times)
        await gate.settle()
        # Only what was in flight may come again, once per restart.
        assert 0 < gate.received.centre.repeated_messages <= WINDOW * times
        assert gate.received.centre.rejected == 0
        gate.enter(entry, times)


async def test_nothing_recorded_is_missing(tmp_path: Path, account: Account) -> None:
    await kills(tmp_path, 10, 1, account)


async def test_it_finds_what_confirms_before_puback(tmp_path: Path, account: Account) -> None:
    async with gate_with_link(tmp_path, 1, mutant=Mutant.CONFIRM_FIRST) as gate:
        await gate.endure(Site.kill, 4)
        with pytest.raises(ViolationError, match="never arrived"):
            await gate.settle()
    account.of("kill -9, link up").caught.append(Mutant.CONFIRM_FIRST)


async def test_it_finds_a_centre_that_does_not_look_for_duplicates(
    tmp_path: Path, account: Account
) -> None:
    async with gate_with_link(tmp_path, 1, centre=NoDeduplication()) as gate:
        await gate.endure(Site.kill, 4)
        with pytest.raises(ViolationError, match="counted twice"):
            await gate.settle()
    account.of("kill -9, link up").caught.append(Mutant.NO_DEDUPLICATION)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_two_hundred_kills(tmp_path: Path, account: Account) -> None:
    for seed in range(100, 108):
        directory = tmp_path / str(seed)
        directory.mkdir()
        await kills(directory, 25, seed, account)
