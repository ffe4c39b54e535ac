"""Starts that follow failed ones wait longer and longer; nobody who mends something waits long."""

import asyncio
import os
import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from gateway import restarts
from gateway.restarts import paced, pause_s
from tests.brokers import until


def test_the_pauses_grow_to_a_minute() -> None:
    pauses = [pause_s(failures) for failures in range(2000)]
    assert pauses[:4] == [0, 0, 1, 2]
    assert all(shorter <= longer for shorter, longer in pairwise(pauses))
    assert max(pauses) == 60


class CrashError(Exception):
    """What ends a start."""


def served(directory: Path) -> dict[str, str]:
    """The environment of a unit."""
    return {"RUNTIME_DIRECTORY": f"{directory}:/another", "NOTIFY_SOCKET": "/nobody/listens"}


def failed_start(directory: Path) -> None:
    """One start that comes to nothing."""
    with pytest.raises(CrashError), paced(served(directory)):
        raise CrashError


def failures(directory: Path) -> int:
    record = directory / "starts"
    return int(record.read_text().split()[0]) if record.exists() else 0


def test_failed_starts_are_counted_and_a_good_end_forgets_them(tmp_path: Path) -> None:
    for number in (1, 2):
        failed_start(tmp_path)
        assert failures(tmp_path) == number
    with paced(served(tmp_path)):
        pass
    assert failures(tmp_path) == 0


def test_what_ran_for_long_had_not_failed_to_start(tmp_path: Path) -> None:
    failed_start(tmp_path)
    record = tmp_path / "starts"
    count, begun = record.read_text().split()
    record.write_text(f"{count} {float(begun) - restarts.SETTLED_S}")
    failed_start(tmp_path)
    assert failures(tmp_path) == 1


@pytest.mark.parametrize("content", [b"", b"many", b"3", b"\xff\xfe 1", b"1 nan", b"x 1.0"])
def test_a_spoilt_record_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "starts").write_bytes(content)
    failed_start(tmp_path)
    assert failures(tmp_path) <= 2


def test_where_nothing_can_be_kept_the_gateway_starts_all_the_same(tmp_path: Path) -> None:
    failed_start(tmp_path / "gone")


def test_without_a_service_manager_nothing_is_kept(tmp_path: Path) -> None:
    with paced({"RUNTIME_DIRECTORY": str(tmp_path)}):
        pass
    assert list(tmp_path.iterdir()) == []


async def test_a_start_that_waits_can_be_stopped_and_then_waits_no_more(tmp_path: Path) -> None:
    (tmp_path / "starts").write_text("30 1e9")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "run", "none.toml"),
        env=os.environ | served(tmp_path),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    assert b"30 starts in a row have failed: waiting 60 s" in await process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    await until(lambda: not (tmp_path / "starts").exists())
