"""The whole daemon is started on a disk that has filled up while it was stopped."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.emulators.thermometer import Thermometer
from tests.brokers import until
from tests.daemon import Daemon
from tests.faults.account import Account
from tests.faults.disk import Disk, disk
from tests.faults.mutants import Mutant
from tests.faults.site import daemon_of, killed_at_the_end
from tests.journal.journals import query
from tests.ports import free_port

READY_S = 20.0
CLEARED_S = 10.0


@dataclass
class Stage:
    """A daemon that is not running, with events in its journal, on a disk without a free byte."""

    daemon: Daemon
    disk: Disk
    recorded: int

    @property
    def ballast(self) -> Path:
        return self.daemon.state_dir / "journal.db-ballast"

    def alarms(self) -> list[dict[str, Any]]:
        rows = query(
            self.daemon.state_dir / "journal.db", "SELECT body FROM event WHERE kind='alarm'"
        )
        return [json.loads(body) for (body,) in rows]


@asynccontextmanager
async def full(directory: Path, mutant: Mutant | None = None) -> AsyncIterator[Stage]:
    daemon = daemon_of(directory, free_port(), mutant)
    async with Thermometer(directory / "thermometer", rate_hz=50):
        with disk(directory, daemon.state_dir, megabytes=32) as its_disk:
            async with killed_at_the_end(daemon):
                stage = Stage(daemon, its_disk, 0)
                await daemon.start()
                picture = await daemon.until(lambda now: now.journal.recorded > 20)
                await until(stage.ballast.exists)
                assert await daemon.stop() == 0
                stage.recorded = picture.journal.recorded
                its_disk.fill()
                yield stage


async def test_it_starts_works_and_says_so(tmp_path: Path, account: Account) -> None:
    loop = asyncio.get_running_loop()
    async with full(tmp_path) as stage:
        started = loop.time()
        await stage.daemon.start()
        picture = await stage.daemon.until(
            lambda now: now.journal.recorded > stage.recorded + 100, within_s=READY_S
        )
        took = loop.time() - started
        assert not stage.ballast.exists()
        assert (picture.journal.failing, picture.journal.lost) == (None, 0)
        await until(lambda: len(stage.alarms()) == 1)
        stage.disk.clear()
        await until(lambda: len(stage.alarms()) == 2, within_s=CLEARED_S)
        assert stage.ballast.exists()
        raised, cleared = stage.alarms()
        assert raised["data"] == {
            "alarm": "disk-full", "state": "raised", "reason": "less than 8 MB left"
        }  # fmt: skip
        assert cleared["data"] == {"alarm": "disk-full", "state": "cleared"}
        assert raised["correlationid"] == cleared["correlationid"]
        assert await stage.daemon.stop() == 0
        seqs = [seq for (seq,) in query(stage.daemon.state_dir / "journal.db", _SEQS)]
        assert seqs == list(range(1, len(seqs) + 1))
    entry = account.of("start on a full disk")
    entry.count += 1
    entry.recorded += len(seqs)
    entry.recovered(took)


async def test_it_finds_what_keeps_the_ballast(tmp_path: Path, account: Account) -> None:
    async with full(tmp_path, Mutant.HOARD) as stage:
        await stage.daemon.start()
        assert await stage.daemon.ended() == 1
    account.of("start on a full disk").caught.append(Mutant.HOARD)


_SEQS = "SELECT seq FROM event ORDER BY seq"
