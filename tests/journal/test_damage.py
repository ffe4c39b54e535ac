"""Whatever happens to its files: it goes on at once, saves what is whole, tells of the rest."""

import asyncio
from pathlib import Path

import pytest

from tests.journal.journals import note, opened
from tests.journal.wrecks import (
    PAGE,
    Damage,
    Wreck,
    cut,
    every_64th_page,
    flip,
    foreign_log,
    garbage,
    overwrite,
    page_of_type,
    settled,
    shifted,
    sql,
    wrecked,
)

READY_S = 2.0
LEAST_SAVED = 0.97


@pytest.fixture(scope="module")
def closed_wreck(tmp_path_factory: pytest.TempPathFactory) -> Wreck:
    """Everything in the database itself."""
    return asyncio.run(wrecked(tmp_path_factory.mktemp("closed"), logged=0))


@pytest.fixture(scope="module")
def killed_wreck(tmp_path_factory: pytest.TempPathFactory) -> Wreck:
    """The last fifty commits only in the log."""
    return asyncio.run(wrecked(tmp_path_factory.mktemp("killed"), logged=50))


IN_THE_DATABASE: dict[str, Damage] = {
    "header wiped": overwrite("", 0, bytes(100)),
    "page 1 zeroed": overwrite("", 0, bytes(PAGE)),
    "page 1 garbage": overwrite("", 0, garbage(PAGE)),
    "page size 0": overwrite("", 16, bytes(2)),
    "read version 99": overwrite("", 19, bytes([99])),
    "write version 99": overwrite("", 18, bytes([99])),
    "user_version 0": sql("PRAGMA user_version = 0"),
    "application id": sql("PRAGMA application_id = 7"),
    "hole of 64 kB": overwrite("", 200 * PAGE, bytes(65536)),
    "64 kB of garbage": overwrite("", 200 * PAGE, garbage(65536)),
    "every 64th page zero": every_64th_page,
    "half of it": cut("", lambda size: size // 2),
    "100 bytes off the end": cut("", lambda size: size - 100),
    "10 pages off the end": cut("", lambda size: size - 10 * PAGE),
    "truncated to nothing": cut("", lambda _: 0),
    "removed": lambda wreck: wreck.path.unlink(),
    "text instead": lambda wreck: wreck.path.write_text("not a database at all\n" * 200),
    "table dropped": sql("DROP TABLE event"),
    "epoch gone": sql("DELETE FROM journal"),
    "newest row rotten": sql("UPDATE event SET wall_ms = 1 WHERE seq = 3000"),
    "rows deleted": sql("DELETE FROM event WHERE seq BETWEEN 100 AND 200"),
    "bit in a row": flip("", lambda raw: raw.index(b"note-1500-")),
    "bit in a page's type": flip("", page_of_type(13, 500)),
    "bit in a page's cell count": flip("", shifted(page_of_type(13, 500), 4)),
    "bit in a cell pointer": flip("", shifted(page_of_type(13, 500), 8)),
    "bit in the tree": flip("", shifted(page_of_type(5, 3), 60)),
    "bit in the tree's type": flip("", page_of_type(5, 3)),
}

IN_THE_LOG: dict[str, Damage] = {
    "log removed": lambda wreck: wreck.log.unlink(),
    "log truncated to nothing": cut("-wal", lambda _: 0),
    "log header wiped": overwrite("-wal", 0, bytes(32)),
    "log garbage": overwrite("-wal", 0, garbage(40_000)),
    "half of the log": cut("-wal", lambda size: size // 2),
    "bit in the log": flip("-wal", lambda raw: len(raw) // 2),
    "log of another database": foreign_log,
    "index of the log removed": lambda wreck: wreck.shm.unlink(),
    "index of the log garbage": overwrite("-shm", 0, garbage(32768)),
    "nothing at all": lambda _: None,
    "header wiped, with a log": overwrite("", 0, bytes(100)),
    "removed, with a log": lambda wreck: wreck.path.unlink(),
}


async def survives(wreck: Wreck, damage: Damage) -> None:
    damage(wreck)
    whole = wreck.whole()
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with opened(wreck.path) as journal:
        [row] = await journal.append([note(0)])
        assert loop.time() - started < READY_S
        account = await settled(wreck, journal)
        everything = set(range(1, wreck.rows + 1))
        saved = account.saved & whole
        assert len(saved) >= LEAST_SAVED * len(whole)
        assert account.told >= everything
        assert not account.saved & account.given_up
        assert account.fresh_life or row.seq > wreck.rows


@pytest.mark.parametrize("damage", IN_THE_DATABASE)
async def test_damage_in_the_database(damage: str, closed_wreck: Wreck, tmp_path: Path) -> None:
    await survives(closed_wreck.copied(tmp_path), IN_THE_DATABASE[damage])


@pytest.mark.parametrize("damage", IN_THE_LOG)
async def test_damage_in_the_log(damage: str, killed_wreck: Wreck, tmp_path: Path) -> None:
    await survives(killed_wreck.copied(tmp_path), IN_THE_LOG[damage])
