"""The whole daemon as a process: killed, starved of its broker, misled about the time."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.emulators.modbus_board import ModbusBoard
from drivers.emulators.thermometer import Thermometer
from gateway.clock import Clock
from gateway.journal import Journal
from gateway.ranges import Ranges
from tests.brokers import Mosquitto, mosquitto, until
from tests.daemon import GATE, Daemon
from tests.ports import free_port
from tests.receiving import Received, listening

SOURCE = "/gateways/410102011003007"
FAKETIME = str(next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), "faketime is missing"))

# Every sample is an event: some 100 a second, so that each kill hits work in progress.
CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"
confirm = "{confirm}"

[devices.thermometer]
driver = "gy_mcu906"
port = "thermometer"
measuring = {{ report = "every", every_s = 0 }}

[devices.board]
driver = "modbus_io"
port = "board"
doors.gate-1 = {{ input = 0, role = "gate" }}
"""
)


def config(port: int, *, protocol: str = "5", confirm: str = "broker") -> str:
    return CONFIG.format(port=port, protocol=protocol, confirm=confirm)


@asynccontextmanager
async def devices(directory: Path) -> AsyncIterator[ModbusBoard]:
    async with (
        Thermometer(directory / "thermometer", rate_hz=100),
        ModbusBoard(directory / "board") as board,
    ):
        yield board


async def delivered(daemon: Daemon) -> tuple[str, list[int]]:
    """The epoch of the journal that a daemon left behind, and the numbers that it has done with.

    A stop has its time, and on a busy machine the last events wait for the next start.
    """
    path = daemon.state_dir / "journal.db"
    journal = await Journal.open(path, source=SOURCE, clock=Clock())
    try:
        waiting = Ranges.of(journal.delivery.gaps(0, journal.last_seq))
        numbers = [each for each in range(1, journal.last_seq + 1) if each not in waiting]
        return journal.epoch, numbers
    finally:
        await journal.close()


async def everything_arrived(daemon: Daemon, received: Received) -> None:
    """Stop `daemon` when it has caught up, and hold what it has delivered against what arrived."""
    await daemon.until(lambda picture: picture.journal.waiting < 50, within_s=90)
    assert await daemon.stop() == 0
    epoch, numbers = await delivered(daemon)
    assert numbers
    try:
        await until(lambda: set(numbers) <= set(received.seqs(epoch)))
    except TimeoutError:
        missing = sorted(set(numbers) - set(received.seqs(epoch)))
        pytest.fail(f"{len(missing)} of {len(numbers)} are missing: {missing[:20]}…\n{daemon.log}")
    assert received.altered == [], "an event sent again differed from the first time"


@pytest.mark.parametrize(
    ("protocol", "confirm"), [("5", "broker"), ("3.1.1", "broker"), ("5", "centre")]
)
async def test_killed_at_any_time_nothing_recorded_is_missing(
    tmp_path: Path, protocol: str, confirm: str
) -> None:
    rng = random.Random(protocol + confirm)
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path),
        listening(broker.port, Received(), acknowledge=confirm == "centre") as received,
    ):
        daemon = Daemon(tmp_path, config(broker.port, protocol=protocol, confirm=confirm))
        for _ in range(4):
            await daemon.start()
            await daemon.until(lambda picture: picture.journal.recorded > 0)
            await received.more(rng.randrange(60))
            await daemon.kill()
        async with daemon:
            await daemon.until(lambda picture: picture.link.online)
            await everything_arrived(daemon, received)
        assert len(received.contents) > 100


async def test_killed_while_there_is_no_broker_everything_arrives_later(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    async with devices(tmp_path):
        daemon = Daemon(tmp_path, config(broker.port))
        for goal in (50, 100, 150):
            await daemon.start()
            picture = await daemon.until(lambda now: now.journal.recorded >= goal)  # noqa: B023
            assert not picture.link.online
            assert picture.journal.confirmed == 0
            await daemon.kill()
        await broker.start()
        async with listening(broker.port, Received()) as received, daemon:
            await daemon.until(lambda now: now.link.online and now.journal.confirmed > 150)
            await everything_arrived(daemon, received)
        await broker.kill()


async def test_a_broker_that_refuses_stops_nothing_and_is_said_once(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous false")
    await broker.start()
    async with devices(tmp_path), Daemon(tmp_path, config(broker.port)) as daemon:
        picture = await daemon.until(
            lambda now: now.journal.recorded > 100 and "not auth" in (now.link.reason or "").lower()
        )
        assert picture.journal.confirmed == 0
        assert await daemon.stop() == 0
        refusals = [line for line in daemon.log.splitlines() if "not auth" in line.lower()]
        assert len(refusals) == 1, daemon.log
    await broker.kill()


async def test_a_stop_is_clean_and_quick_and_says_offline(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path),
        listening(broker.port, Received()) as received,
        Daemon(tmp_path, config(broker.port)) as daemon,
    ):
        await daemon.until(lambda picture: picture.journal.confirmed > 10)
        birth = received.centre.states[SOURCE]
        assert (birth["state"], birth["session"]) == ("birth", 1)
        assert await daemon.stop(within_s=5) == 0
        await until(lambda: received.centre.states[SOURCE]["state"] == "offline")


async def test_devices_come_and_go_while_the_rest_goes_on(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path) as board,
        listening(broker.port, Received()) as received,
        Daemon(tmp_path, config(broker.port)) as daemon,
    ):
        await daemon.until(state_of("board", "online"))
        board.unplug()
        lost = await daemon.until(state_of("board", "lost"))
        assert lost.devices["thermometer"].state == "online"
        board.replug()
        await daemon.until(state_of("board", "online"))
        await everything_arrived(daemon, received)
    of_board = [
        (content["data"].get("state"), content["data"].get("position"))
        for content in sorted(received.contents, key=lambda each: each["sequence"])
        if content["data"].get("device") == "board"
    ]
    assert of_board == [
        ("online", None),
        (None, "open"),
        (None, "unknown"),
        ("lost", None),
        ("online", None),
        (None, "open"),
    ]


def state_of(device: str, state: str) -> Callable[[Any], bool]:
    return lambda picture: bool(picture.devices[device].state == state)


async def test_a_wrong_clock_is_said_and_disturbs_neither_order_nor_delivery(
    tmp_path: Path,
) -> None:
    faketime = {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME": "@1970-01-02 00:00:00",
        "DONT_FAKE_MONOTONIC": "1",
    }
    async with (
        mosquitto(tmp_path) as broker,
        devices(tmp_path),
        listening(broker.port, Received()) as received,
        Daemon(tmp_path, config(broker.port), environment=faketime) as daemon,
    ):
        await daemon.until(lambda picture: picture.journal.confirmed > 50)
        await everything_arrived(daemon, received)
    in_order = sorted(received.contents, key=lambda each: each["sequence"])
    assert {content["time"][:10] for content in in_order} == {"1970-01-02"}
    times = [content["time"] for content in in_order]
    assert times == sorted(times)


async def test_a_second_gateway_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    async with devices(tmp_path), Daemon(tmp_path, config(free_port())) as first:
        await first.until(lambda picture: picture.journal.recorded > 0)
        (tmp_path / "second").mkdir()
        (tmp_path / "second" / "state").symlink_to(first.state_dir)
        async with Daemon(tmp_path / "second", config(free_port())) as second:
            assert await second.ended() == 1
            assert "Traceback" not in second.log
            assert "another" in second.log
        await first.until(lambda picture: picture.journal.recorded > 20)
