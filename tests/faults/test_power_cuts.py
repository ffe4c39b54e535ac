"""Power cuts under the running daemon: what had been said to be recorded is still there."""

import random
from pathlib import Path

import pytest

from tests.brokers import Mosquitto
from tests.faults.account import Account
from tests.faults.disk import FileSystem
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.site import Site, gate_with_link, site
from tests.receiving import Received, listening

ROUND = 25
"""Cuts of one journal; then a fresh one, or looking at all of it would take longer each time."""
_NAMES = {FileSystem.EXT4: "", FileSystem.XFS: ", XFS"}


async def cuts_with_link_up(directory: Path, times: int, seed: int, account: Account) -> None:
    entry = account.of("power cut, link up")
    async with gate_with_link(directory, seed) as gate:
        await gate.endure(Site.cut_power, times)
        await gate.settle()
        gate.enter(entry, times)


async def cuts_with_link_down(
    directory: Path, times: int, seed: int, account: Account, kind: FileSystem = FileSystem.EXT4
) -> None:
    entry = account.of(f"power cut, link down{_NAMES[kind]}")
    broker = Mosquitto(directory)
    received = Received()
    rng = random.Random(seed)
    async with site(directory, broker.port, received, rng=rng, kind=kind) as gate:
        await gate.endure(Site.cut_power, times)
        await broker.start()
        async with listening(broker.port, received):
            await gate.settle()
        await broker.kill()
        gate.enter(entry, times)


async def test_with_the_link_down_nothing_recorded_is_lost(
    tmp_path: Path, account: Account
) -> None:
    await cuts_with_link_down(tmp_path, 12, 1, account)


async def test_with_the_link_up_nothing_recorded_is_lost(tmp_path: Path, account: Account) -> None:
    await cuts_with_link_up(tmp_path, 8, 1, account)


@pytest.mark.parametrize("mutant", [Mutant.NORMAL, Mutant.ROLLBACK])
async def test_with_the_link_down_it_finds(
    mutant: Mutant, tmp_path: Path, account: Account
) -> None:
    broker = Mosquitto(tmp_path)
    received = Received()
    async with site(tmp_path, broker.port, received, mutant=mutant, rng=random.Random(1)) as gate:
        with pytest.raises(ViolationError, match="lost"):
            await gate.endure(Site.cut_power, 40)
    account.of("power cut, link down").caught.append(mutant)


async def test_with_the_link_up_it_finds_what_confirms_before_puback(
    tmp_path: Path, account: Account
) -> None:
    async with gate_with_link(tmp_path, 1, mutant=Mutant.CONFIRM_FIRST) as gate:
        await gate.endure(Site.cut_power, 4)
        with pytest.raises(ViolationError, match="never arrived"):
            await gate.settle()
    account.of("power cut, link up").caught.append(Mutant.CONFIRM_FIRST)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_thousand_cuts_with_the_link_down(tmp_path: Path, account: Account) -> None:
    for seed in range(1000 // ROUND):
        await cuts_with_link_down(fresh(tmp_path, seed), ROUND, 100 + seed, account)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_hundred_cuts_on_xfs(tmp_path: Path, account: Account) -> None:
    for seed in range(100 // ROUND):
        directory = fresh(tmp_path, seed)
        await cuts_with_link_down(directory, ROUND, 900 + seed, account, FileSystem.XFS)


@pytest.mark.long
async def test_on_xfs_it_finds_commits_that_are_not_synchronised(
    tmp_path: Path, account: Account
) -> None:
    broker = Mosquitto(tmp_path)
    received, rng = Received(), random.Random(1)
    async with site(
        tmp_path, broker.port, received, mutant=Mutant.NORMAL, rng=rng, kind=FileSystem.XFS
    ) as gate:
        with pytest.raises(ViolationError, match="lost"):
            await gate.endure(Site.cut_power, 40)
    account.of("power cut, link down, XFS").caught.append(Mutant.NORMAL)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_five_hundred_cuts_with_the_link_up(tmp_path: Path, account: Account) -> None:
    for seed in range(500 // ROUND):
        await cuts_with_link_up(fresh(tmp_path, seed), ROUND, 100 + seed, account)


def fresh(directory: Path, number: int) -> Path:
    """A directory of its own for one round."""
    made = directory / str(number)
    made.mkdir()
    return made
