"""The whole daemon on a disk that turns read-only or is lost under it, and comes back repaired."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import JournalError
from gateway.events import Kind
from tests.brokers import mosquitto, until
from tests.faults.account import Account
from tests.faults.disk import Disk, disk
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant
from tests.faults.numbered import Numbered
from tests.faults.site import daemon_of, killed_at_the_end
from tests.journal.journals import filled, note, opened, query
from tests.receiving import Received, listening

ALARM_S = 5.0
"""After the beginning of the fault."""
RECOVERED_S = 10.0
"""After its end."""


async def lived_through(
    directory: Path, fault: Callable[[Disk], None], mutant: Mutant | None = None
) -> tuple[list[dict[str, Any]], float]:
    """All events of a daemon whose disk had a `fault` longer than memory lasts, and how many
    seconds after its repair it recorded again.

    Raises:
        ViolationError: not everything arrived.
    """
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(mosquitto(directory))
        received = await stack.enter_async_context(listening(broker.port, Received()))
        daemon = daemon_of(directory, broker.port, mutant)
        thermometer = await stack.enter_async_context(
            Numbered(directory / "thermometer", rate_hz=1000)
        )
        its_disk = stack.enter_context(disk(directory, daemon.state_dir))
        await stack.enter_async_context(killed_at_the_end(daemon))
        await daemon.start()
        before = await daemon.until(lambda now: now.link.online and now.journal.confirmed > 100)
        fault(its_disk)
        await daemon.until(lambda now: now.journal.failing is not None, within_s=ALARM_S)
        await daemon.until(lambda now: now.journal.lost > 100)
        its_disk.detach()
        await until(lambda: not its_disk.held)  # the daemon lets go, or nobody could repair it
        its_disk.repair()
        repaired = loop.time()
        await daemon.until(
            lambda now: now.journal.failing is None and not now.journal.held, within_s=RECOVERED_S
        )
        took = loop.time() - repaired
        thermometer.unplug()
        after = await daemon.until(lambda now: now.link.online and now.journal.waiting == 0)
        assert after.epoch == before.epoch, daemon.log
        assert await daemon.stop() == 0
        rows = dict(query(daemon.state_dir / "journal.db", "SELECT seq, body FROM event"))
        await until(lambda: len(received.contents) >= len(rows))
        events = {int(each["sequence"]): each for each in received.contents}
        verify_sequence(events, rows)
        return [events[seq] for seq in sorted(events)], took


def verify_sequence(events: dict[int, dict[str, Any]], rows: dict[int, bytes]) -> None:
    """That what is in the journal has arrived as it is there, and what is missing was declared.

    Raises:
        ViolationError: it is not so.
    """
    if altered := [seq for seq, body in rows.items() if json.loads(body) != events.get(seq)]:
        raise ViolationError(f"{altered} have not arrived as they were recorded")
    settled = set(events)
    for gap in data(list(events.values()), Kind.GAP):
        # A file system that is shut down may take the last commit of all for done, and lose it.
        settled |= set(range(gap.get("from", 0), gap.get("to", 0) + 1))
    if missing := set(range(1, max(rows) + 1)) - settled:
        raise ViolationError(f"{sorted(missing)} are missing")


def verify_count(events: list[dict[str, Any]]) -> int:
    """That each sample is there or has been declared lost; how many were lost.

    Raises:
        ViolationError: it does not add up.
    """
    numbers = [round(each["ambient_celsius"] * 100) for each in data(events, Kind.TEMPERATURE)]
    missing: int = max(numbers) - min(numbers) + 1 - len(set(numbers))
    declared: int = sum(each["count"] for each in data(events, Kind.GAP))
    if numbers != sorted(set(numbers)) or missing != declared:
        raise ViolationError(f"{missing} samples are missing, {declared} were declared lost")
    return missing


FAULTS = {"read-only": Disk.make_read_only, "lost": Disk.cut_power}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_daemon_lives_on_and_counts_exactly(
    tmp_path: Path, fault: str, account: Account
) -> None:
    events, took = await lived_through(tmp_path, FAULTS[fault])
    assert verify_count(events) > 100
    assert [each["state"] for each in data(events, Kind.ALARM)] == ["raised", "cleared"]
    entry = account.of("disk read-only or lost, and repaired")
    entry.count += 1
    entry.recorded += len(events)
    entry.recovered(took)


async def test_it_finds_what_loses_in_silence(tmp_path: Path, account: Account) -> None:
    events, _ = await lived_through(tmp_path, Disk.make_read_only, Mutant.SILENT)
    with pytest.raises(ViolationError, match="declared"):
        verify_count(events)
    account.of("disk read-only or lost, and repaired").caught.append(Mutant.SILENT)


async def test_a_check_that_is_under_way_does_not_hold_the_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of these it takes three seconds at least, of a large journal minutes."""
    with disk(tmp_path, tmp_path / "mounted") as its_disk:
        async with opened(its_disk.mountpoint / "journal.db") as journal:
            for _ in range(80):
                await filled(journal, 1000)
        async with opened(its_disk.mountpoint / "journal.db") as journal:
            await until(lambda: journal.condition.check == "under way")
            its_disk.make_read_only()
            its_disk.detach()
            with pytest.raises(JournalError):
                await journal.append([note(1)])
            await until(lambda: not its_disk.held)
            await until(lambda: "The check has ended early" in caplog.text)


def data(events: list[dict[str, Any]], kind: Kind) -> list[dict[str, Any]]:
    return [each["data"] for each in events if each["type"] == f"checkpoint.{kind}.v1"]
