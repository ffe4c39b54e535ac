"""Nothing grows: not with the events, not with the links that were lost."""

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.base import DeviceState
from gateway import app, configfile, control, health
from tests.brokers import mosquitto, until
from tests.faults.account import Account
from tests.faults.hurry import hurried
from tests.faults.kept import ViolationError
from tests.faults.mutants import Mutant, mutated
from tests.faults.proxy import fault_proxy
from tests.faults.soak import CONFIG, Rush, Size, Soak, soaking

SHORT = Size(50_000, 20, together=80)
"""A link lasts a third of a second."""
SHORTER = Size(80_000, 6, together=80)
SHORTEST = Size(10_000, 6, together=80)
LONG = Size(2_000_000, 300, together=35)
"""A link lasts two seconds: all that a reset had left over has gone by then."""
SLOPE = 0.2
"""Bytes of memory that an event may leave behind, where there are enough events to tell."""
GROWTH = 4 << 20
"""Bytes by which it may grow where there are not; kept, the events would have 7 MB."""


def enter(account: Account, soak: Soak, size: Size) -> None:
    entry = account.of("link reset, under a rush of events")
    entry.count += size.flaps
    entry.recorded += soak.recorded
    entry.lost += soak.recorded - soak.arrivals.events
    entry.duplicates = (entry.duplicates or 0) + soak.arrivals.again
    entry.recovered(soak.recovery_s)


async def test_fifty_thousand_events_and_twenty_resets(tmp_path: Path, account: Account) -> None:
    async with soaking(tmp_path, SHORT) as soak:
        enter(account, soak, SHORT)
        await soak.verify_nothing_left()
        assert soak.grown() < GROWTH, soak.samples


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_two_million_events_and_three_hundred_resets(
    tmp_path: Path, account: Account
) -> None:
    async with soaking(tmp_path, LONG) as soak:
        enter(account, soak, LONG)
        await soak.verify_nothing_left()
        assert soak.slope() < SLOPE, f"{soak.slope():.2f}: {soak.samples}"


async def test_it_finds_what_keeps_every_event(tmp_path: Path, account: Account) -> None:
    async with soaking(tmp_path, SHORTER, Mutant.HOARDED_EVENTS) as soak:
        assert soak.grown() > GROWTH, soak.samples
    account.of("link reset, under a rush of events").caught.append(Mutant.HOARDED_EVENTS)


@pytest.mark.long
async def test_it_finds_what_keeps_the_sockets(tmp_path: Path, account: Account) -> None:
    async with soaking(tmp_path, SHORTEST, Mutant.HOARDED_SOCKETS) as soak:
        with pytest.raises(ViolationError, match="left over"):
            await soak.verify_nothing_left()
    account.of("link reset, under a rush of events").caught.append(Mutant.HOARDED_SOCKETS)


ROUNDS = 20
LONG_ROUNDS = 300
UNPLUGGED_EVERY = 10
"""Rounds."""


async def in_here(directory: Path, rounds: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Run the gateway in this process, where its tasks can be seen, and let it lose its link time
    and again, and its thermometer now and then; the tasks and threads that are left over."""
    monkeypatch.chdir(directory)
    with hurried():
        return await _in_here(directory, rounds)


async def _in_here(directory: Path, rounds: int) -> Counter[str]:
    async with (
        mosquitto(directory) as broker,
        fault_proxy(broker.port) as network,
        Rush(directory / "thermometer", rate_hz=100) as thermometer,
        asyncio.TaskGroup() as beside,
    ):
        file = directory / "gateway.toml"
        file.write_text(CONFIG.format(port=network.port))
        config, stop = configfile.load(file), asyncio.Event()
        beside.create_task(app.run(config, file, stop, asyncio.Event()))
        socket = control.socket_path(config.gateway.state_dir)
        await at_work(socket)
        before = everything()
        for number in range(rounds):
            connections = network.connections
            network.reset()
            if number % UNPLUGGED_EVERY == 0:
                thermometer.unplug()
                thermometer.replug()
            await until(lambda: network.connections > connections, within_s=60)  # noqa: B023
            await at_work(socket)
        with suppress(TimeoutError):
            await until(lambda: not everything() - before, within_s=5)
        left = everything() - before
        stop.set()
        return left


async def at_work(socket: Path) -> None:
    """Wait until the link and the thermometer are there."""
    async with asyncio.timeout(60):
        while (now := await health.ask(socket)) is None or not (
            now.link.online and now.devices["thermometer"].state is DeviceState.ONLINE
        ):
            await asyncio.sleep(0.01)


def everything() -> Counter[str]:
    """Tasks by what they do, and threads by name."""
    tasks = [getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks()]
    return Counter([*tasks, *(thread.name for thread in threading.enumerate())])


async def test_no_task_and_no_thread_is_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await in_here(tmp_path, ROUNDS, monkeypatch)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_nor_after_three_hundred_resets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await in_here(tmp_path, LONG_ROUNDS, monkeypatch)


@pytest.mark.long
async def test_it_finds_what_keeps_the_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account
) -> None:
    with mutated(Mutant.HOARDED_TASKS):
        left = await in_here(tmp_path, 3, monkeypatch)
    assert left == {"sleep": 3}
    account.of("link reset, under a rush of events").caught.append(Mutant.HOARDED_TASKS)
