"""Keys for pseudonyms change in the quiet of the night, and what is given up is gone."""

import asyncio
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.clock import Clock, Stamp, TimeQuality
from gateway.errors import GatewayError
from gateway.events import Pseudonyms
from gateway.pseudonyms import Keyring

SHANGHAI = ZoneInfo("Asia/Shanghai")
CODE = b"a code"


def at(text: str, quality: TimeQuality = TimeQuality.SYNC) -> Stamp:
    moment = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    return Stamp(round(moment.timestamp() * 1000), quality, "boot", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pseudonym.key"


@pytest.fixture
def ring(path: Path) -> Keyring:
    """One whose key began on the first of March, at noon."""
    ring = Keyring.open(path)
    assert not ring.change_if_due(at("2026-03-01 12:00"), 30, SHANGHAI)
    return ring


def test_a_new_key_has_no_former_one(path: Path) -> None:
    ring = Keyring.open(path)
    assert ring.token(CODE) == Pseudonyms(path.read_bytes()).token(CODE)
    assert ring.former(CODE) is None


def test_a_key_changes_after_its_days_at_four_in_the_morning(ring: Keyring) -> None:
    first = ring.token(CODE)
    for early in ("2026-03-02 04:00", "2026-03-31 12:00", "2026-04-01 03:59"):
        assert not ring.change_if_due(at(early), 30, SHANGHAI)
        assert (ring.token(CODE), ring.former(CODE)) == (first, None)
    assert ring.change_if_due(at("2026-04-01 04:00"), 30, SHANGHAI)
    assert ring.token(CODE) != first
    assert ring.former(CODE) == first


def test_the_former_key_is_kept_for_one_period(ring: Keyring) -> None:
    tokens = [ring.token(CODE)]
    for month in (4, 5):
        assert ring.change_if_due(at(f"2026-{month:02}-02 04:00"), 30, SHANGHAI)
        tokens.append(ring.token(CODE))
    assert len(set(tokens)) == 3
    assert ring.former(CODE) == tokens[1]


def test_both_keys_outlive_a_restart(ring: Keyring, path: Path) -> None:
    assert ring.change_if_due(at("2026-04-01 04:00"), 30, SHANGHAI)
    again = Keyring.open(path)
    assert (again.token(CODE), again.former(CODE)) == (ring.token(CODE), ring.former(CODE))
    assert not again.change_if_due(at("2026-04-30 04:00"), 30, SHANGHAI)
    assert again.change_if_due(at("2026-05-01 04:00"), 30, SHANGHAI)


def test_a_box_that_was_off_that_night_changes_later(ring: Keyring) -> None:
    assert ring.change_if_due(at("2026-06-17 15:00"), 30, SHANGHAI)


def test_what_a_key_that_is_given_up_lay_in_is_overwritten(ring: Keyring, path: Path) -> None:
    given_up = path.read_bytes()[: Pseudonyms.KEY_BYTES]
    descriptors = [os.open(path, os.O_RDONLY)]
    for month in (4, 5):
        assert ring.change_if_due(at(f"2026-{month:02}-02 04:00"), 30, SHANGHAI)
        descriptors.append(os.open(path, os.O_RDONLY))
    *former, _ = (os.pread(each, 100, 0) for each in descriptors)
    assert former == [bytes(72)] * 2
    assert [file for file in path.parent.iterdir() if given_up in file.read_bytes()] == []
    for each in descriptors:
        os.close(each)


def test_a_key_from_before_there_was_a_change_goes_on(path: Path) -> None:
    path.write_bytes(b"k" * 32)
    ring = Keyring.open(path)
    assert not ring.change_if_due(at("2026-03-01 12:00"), 30, SHANGHAI)
    assert ring.token(CODE) == Pseudonyms(b"k" * 32).token(CODE)
    assert ring.former(CODE) is None
    assert ring.change_if_due(at("2026-04-01 04:00"), 30, SHANGHAI)


def test_a_beginning_by_a_wrong_clock_is_put_right(ring: Keyring) -> None:
    assert not ring.change_if_due(at("2019-01-01 00:00"), 30, SHANGHAI)
    assert ring.change_if_due(at("2019-02-01 04:00"), 30, SHANGHAI)


def test_a_damaged_file_is_refused(path: Path) -> None:
    path.write_bytes(b"x" * 71)
    with pytest.raises(GatewayError, match="holds 71 bytes, expected 32 or 72"):
        Keyring.open(path)


@pytest.mark.parametrize("since", [b"\xff" * 8, b"\x7f" + b"\xff" * 7])
def test_a_beginning_that_cannot_be_is_as_none(path: Path, since: bytes) -> None:
    path.write_bytes(b"k" * 32 + b"f" * 32 + since)
    ring = Keyring.open(path)
    assert not ring.change_if_due(at("2026-03-01 12:00"), 30, SHANGHAI)
    assert ring.former(CODE) == Pseudonyms(b"f" * 32).token(CODE)
    assert ring.change_if_due(at("2026-04-01 04:00"), 30, SHANGHAI)


def test_where_the_disk_takes_nothing_the_key_stays(
    ring: Keyring, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = ring.token(CODE)
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        ring.change_if_due(at("2026-04-01 04:00"), 30, SHANGHAI)
    assert ring.token(CODE) == before


class Days:
    """A clock whose days pass as quickly as a test wants."""

    def __init__(self, synchronised: bool = True) -> None:
        self.mono_ns = 0
        self.clock = Clock(
            wall_ns=lambda: at("2026-03-01 12:00").wall_ms * 1_000_000 + self.mono_ns,
            mono_ns=lambda: self.mono_ns,
            synchronised=lambda: synchronised,
            boot="boot",
        )

    def pass_by(self, days: float) -> None:
        self.mono_ns += round(timedelta(days=days).total_seconds() * 1e9)


async def test_it_changes_by_itself_while_the_gate_works(path: Path) -> None:
    ring, days = Keyring.open(path), Days()
    first = ring.token(CODE)
    for _ in range(3):
        keeping = asyncio.create_task(ring.keep(days.clock, lambda: 1, UTC))
        await asyncio.sleep(0)
        keeping.cancel()
        await asyncio.wait([keeping])
        days.pass_by(1)
    assert ring.former(CODE) not in (None, first)


async def test_it_never_changes_by_a_wrong_clock(path: Path) -> None:
    ring = Keyring.open(path)
    keeping = asyncio.create_task(ring.keep(Days(synchronised=False).clock, lambda: 1, UTC))
    await asyncio.sleep(0)
    assert held(path) == 32, "not even when it began is known"
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_it_says_once_that_it_cannot_change(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = Keyring.open(path)
    lose(path)
    ring.LOOK_S = 0
    keeping = asyncio.create_task(ring.keep(Days().clock, lambda: 1, UTC))
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.wait([keeping])
    assert [record.getMessage() for record in caplog.records] == [
        "no new key for pseudonyms: No such file or directory"
    ]


def held(path: Path) -> int:
    return len(path.read_bytes())


def lose(path: Path) -> None:
    path.unlink()
