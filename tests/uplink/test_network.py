"""The local network as the kernel tells of it, and what its return does."""

import asyncio
import random
from functools import partial

import pytest

from gateway.errors import LinkError
from gateway.uplink.network import Network, Ways, ways_out
from gateway.uplink.reconnect import Reconnector, Waits
from tests.brokers import until

HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
DEFAULT = "wwan0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
ON_LINK = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
REJECTED = "eth0\t000200C0\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DOWN = "eth0\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
ZERO = "0" * 32


def ipv6(target: str, interface: str, flags: str = "00000001") -> str:
    return f"{target} 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 {flags} {interface}\n"


@pytest.mark.parametrize(
    ("ipv4", "other"),
    [
        (HEAD + DEFAULT, ""),
        (HEAD + ON_LINK, ""),
        ("", ipv6("2001" + "0" * 28, "eth0")),
        (HEAD, ipv6(ZERO, "eth0", "00000003")),
    ],
)
def test_a_way_out(ipv4: str, other: str) -> None:
    assert len(ways_out(ipv4, other)) == 1


@pytest.mark.parametrize(
    ("ipv4", "other"),
    [
        ("", ""),
        (HEAD, ""),
        (HEAD + DOWN, ""),
        (HEAD + REJECTED, ""),
        (HEAD + "eth0\t0000\n", "nonsense\n"),
        (HEAD + DEFAULT.replace("0003", "zzzz"), ""),
        (HEAD, ipv6("fe80" + "0" * 28, "eth0") + ipv6("ff00" + "0" * 28, "eth0")),
        (HEAD, ipv6(ZERO, "lo", "00200200")),
    ],
)
def test_no_way_out(ipv4: str, other: str) -> None:
    assert ways_out(ipv4, other) == frozenset()


def test_this_machine_can_be_read() -> None:
    assert isinstance(Network().up, bool)


class Cable:
    """A network that is there or not."""

    def __init__(self) -> None:
        self.ways: Ways = frozenset()

    def look(self) -> Ways:
        return self.ways

    def plug(self) -> None:
        self.ways = frozenset({("eth0", "00000000", "010200C0")})


async def test_its_return_ends_the_wait() -> None:
    cable = Cable()
    network = Network(cable.look)
    assert not network.up
    waiting = asyncio.create_task(network.wait(300))
    asyncio.get_running_loop().call_later(0.1, cable.plug)
    async with asyncio.timeout(20):
        assert await waiting
    assert network.up
    assert not await network.wait(0.01)


async def test_what_cannot_be_read_counts_as_up() -> None:
    assert Network(lambda: None).up
    assert not await Network(lambda: None).wait(0.01)


async def test_attempts_are_rare_without_a_network_and_come_at_once_with_it() -> None:
    cable = Cable()
    waits = Waits(random.Random(3))
    for _ in range(40):
        waits.next_s(LinkError("unreachable"), lasted_s=0, network=False)
    reconnector = Reconnector("broker", waits, Network(cable.look))
    attempts, stop = 0, asyncio.Event()

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise LinkError("unreachable")

    running = asyncio.create_task(reconnector.run(attempt, stop))
    await until(lambda: attempts == 1)
    cable.plug()
    await until(lambda: attempts >= 2)
    stop.set()
    await running


async def test_the_wait_is_longer_without_a_network() -> None:
    def longest(network: bool) -> float:
        waits = Waits(random.Random(5))
        step = partial(waits.next_s, LinkError("unreachable"), lasted_s=0, network=network)
        return max(step() for _ in range(200))

    assert 20 < longest(network=True) <= 30
    assert 200 < longest(network=False) <= 300


async def test_a_rival_is_not_fought() -> None:
    waits = Waits(random.Random(7))
    each = [
        waits.next_s(LinkError("taken", rival=True), lasted_s=3600, network=True) for _ in range(20)
    ]
    assert min(each) >= 30
    assert max(each) - min(each) > 10
