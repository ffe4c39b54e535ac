"""What the service manager hears: nothing false, nothing late, and of a hang nothing at all."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.notify import ServiceManager, Watchdog
from gateway.turns import Turns


class Listener:
    """A service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.environment = {"NOTIFY_SOCKET": address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(address.replace("@", "\0", 1))

    def heard(self) -> list[list[str]]:
        """Everything said since the last call, line by line."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(1 << 16).decode().split("\n"))
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    addresses = {"path": str(tmp_path / "notify"), "abstract": f"@notify-{os.getpid()}"}
    made = Listener(addresses[request.param])
    yield made
    made.close()


def test_what_is_said_arrives(listener: Listener) -> None:
    assert ServiceManager.of(listener.environment).tell("READY=1", "STATUS=all is well")
    assert listener.heard() == [["READY=1", "STATUS=all is well"]]


def test_what_others_say_is_one_line(listener: Listener) -> None:
    assert ServiceManager.of(listener.environment).tell("STATUS=no link (\nMAINPID=1\r\udcff)")
    assert listener.heard() == [["STATUS=no link ( MAINPID=1 ?)"]]


def test_without_a_service_manager_nothing_is_said() -> None:
    manager = ServiceManager.of({})
    assert not manager.tell("READY=1")
    assert manager.watchdog_s is None


def test_a_service_manager_that_is_gone_is_no_trouble(tmp_path: Path) -> None:
    assert not ServiceManager.of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


def test_a_service_manager_that_does_not_listen_is_not_waited_for(tmp_path: Path) -> None:
    deaf = Listener(str(tmp_path / "notify"))
    try:
        manager = ServiceManager.of(deaf.environment)
        assert not all(manager.tell("WATCHDOG=1") for _ in range(10_000))
    finally:
        deaf.close()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(
    said: Mapping[str, str], expected: float | None
) -> None:
    assert ServiceManager.of(said, pid=7).watchdog_s == expected


class Part:
    """A part of the gateway: a loop that comes round when it is woken, unless it hangs."""

    def __init__(self) -> None:
        self.hangs = False
        self.turns = Turns(self._come_round)

    def _come_round(self) -> None:
        if not self.hangs:
            self.turns.taken()


@asynccontextmanager
async def watched(
    listener: Listener, *parts: Turns, disk_s: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[None]:
    """A watchdog that asks ten times a second."""
    manager = ServiceManager(listener.environment["NOTIFY_SOCKET"], 0.3)
    named = {f"part {number}": part for number, part in enumerate(parts)}
    watching = asyncio.create_task(Watchdog(manager, named, disk_s, lambda: "well").run())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


ALIVE = ["READY=1", "STATUS=well", "WATCHDOG=1"]


async def pings(listener: Listener, number: int) -> None:
    """Wait for so many; nothing else is said."""
    heard: list[list[str]] = []
    async with asyncio.timeout(20):
        while len(heard) < number:
            heard += listener.heard()
            await asyncio.sleep(0.01)
    assert all(each == ALIVE for each in heard)


async def silence(listener: Listener) -> None:
    """Nothing is said for four times as long as there is between two pings."""
    await asyncio.sleep(0.1)  # one may be under way
    listener.heard()
    await asyncio.sleep(0.4)
    assert listener.heard() == []


async def test_parts_that_come_round_keep_the_gateway_alive(listener: Listener) -> None:
    async with watched(listener, Part().turns, Part().turns):
        await pings(listener, 5)


async def test_nothing_is_ready_before_every_part_has_come_round(listener: Listener) -> None:
    part = Part()
    part.hangs = True
    async with watched(listener, Part().turns, part.turns):
        await silence(listener)
        part.hangs = False
        part.turns.taken()
        await pings(listener, 2)


async def test_one_part_that_hangs_is_enough(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    part = Part()
    async with watched(listener, Part().turns, part.turns):
        await pings(listener, 2)
        part.hangs = True
        await silence(listener)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said == ["the part 1 has not come round for 0 s"]


async def test_a_part_that_waits_for_others_is_excused_as_long_as_they_have_time(
    listener: Listener,
) -> None:
    part = Part()
    part.hangs = True
    part.turns.waits(60)
    async with watched(listener, part.turns):
        await pings(listener, 3)
        part.turns.waits(0)
        await silence(listener)


async def test_a_turn_ends_the_excuse(listener: Listener) -> None:
    part = Part()
    part.turns.waits(60)
    part.turns.taken()
    part.hangs = True
    async with watched(listener, part.turns):
        await silence(listener)


async def test_a_slow_disk_excuses_and_a_dead_one_does_not(listener: Listener) -> None:
    part = Part()
    part.hangs = True
    disk_s = Watchdog.SLOW_DISK_S
    async with watched(listener, part.turns, disk_s=lambda: disk_s):
        await pings(listener, 3)
        disk_s = Watchdog.DEAD_DISK_S
        await silence(listener)


async def test_a_loop_that_is_blocked_says_nothing(listener: Listener) -> None:
    """The watchdog is in the loop with everything else."""
    async with watched(listener, Part().turns):
        await pings(listener, 1)
        listener.heard()
        blocked = socket.socketpair()
        try:
            blocked[0].settimeout(0.5)
            with pytest.raises(TimeoutError):
                blocked[0].recv(1)
            assert listener.heard() == []
        finally:
            for each in blocked:
                each.close()
