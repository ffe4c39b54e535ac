"""Peers and name servers that say nothing: noticed in time, and never in the way of stopping."""

import asyncio
import os
import socket
import struct
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.config import Protocol
from gateway.errors import LinkError
from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from tests.brokers import until
from tests.daemon import GATE
from tests.fakebroker import fake_broker

SERVER_KEEP_ALIVE = b"\x13"  # MQTT 5, 3.2.2.3.14


async def noticed_after(protocol: Protocol, properties: bytes) -> float:
    """Seconds until a broker that answers no PINGREQ has been given up, at a keep-alive of 5."""
    async with fake_broker(connack_properties=properties) as broker:
        broker.pings_answered = False
        options = LinkOptions("127.0.0.1", broker.port, "gate", protocol, keepalive_s=5)
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with open_link(options) as link:
            with pytest.raises(LinkError, match="silent for"):
                await link.until_lost()
        assert broker.pings >= 1
        return loop.time() - began


async def test_a_broker_that_answers_no_ping_is_noticed() -> None:
    """Also one that wants no pings, or few: side by side, because it takes its time."""
    wishes = [b"", *(SERVER_KEEP_ALIVE + struct.pack(">H", seconds) for seconds in (0, 600))]
    times = await asyncio.gather(
        noticed_after(Protocol.V311, b""), *(noticed_after(Protocol.V5, wish) for wish in wishes)
    )
    assert max(times) <= 5 * 1.5 + 2


async def test_a_broker_that_wants_more_pings_gets_them() -> None:
    properties = SERVER_KEEP_ALIVE + struct.pack(">H", 1)
    async with (
        fake_broker(connack_properties=properties) as broker,
        open_link(LinkOptions("127.0.0.1", broker.port, "gate", keepalive_s=60)),
    ):
        await until(lambda: broker.pings >= 2)


async def test_an_idle_link_that_is_well_stays() -> None:
    async with (
        fake_broker() as broker,
        open_link(LinkOptions("127.0.0.1", broker.port, "gate", keepalive_s=1)) as link,
    ):
        await until(lambda: broker.pings >= 4)
        assert await link.publish("t", b"x") == 0


async def test_no_connack_is_an_answer_too() -> None:
    async with fake_broker() as broker:
        broker.welcomes = False
        options = LinkOptions("127.0.0.1", broker.port, "gate", opening_s=0.3)
        with pytest.raises(LinkError, match="no answer"):
            async with open_link(options):
                pass


CONFIG = (
    GATE
    + """\
[uplink]
host = "broker.example"
"""
)


async def test_dead_name_servers_delay_neither_recording_nor_the_exit(tmp_path: Path) -> None:
    """The resolver is given a name server that never answers, in a mount namespace of its own."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as name_server:
        high, low = divmod(os.getpid() % 65_000 + 1, 256)  # another run may have its own
        address = f"127.57.{high}.{low}"
        name_server.bind((address, 53))
        (tmp_path / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:20\n")
        (tmp_path / "nsswitch.conf").write_text("hosts: dns\n")
        (tmp_path / "gateway.toml").write_text(CONFIG)
        script = (
            "mount --bind resolv.conf $(realpath /etc/resolv.conf)"
            " && mount --bind nsswitch.conf /etc/nsswitch.conf"
            f" && exec {sys.executable} -m gateway run gateway.toml"
        )
        process = await asyncio.create_subprocess_exec(
            "unshare", "-m", "sh", "-c", script, cwd=tmp_path, stderr=asyncio.subprocess.PIPE
        )
        loop = asyncio.get_running_loop()
        name_server.setblocking(False)
        asked = asyncio.create_task(loop.sock_recv(name_server, 512))
        ended = asyncio.create_task(process.wait())
        await asyncio.wait([asked, ended], timeout=30, return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), (await process.communicate())[1].decode()
        assert asked.done()  # from now on it waits for an answer
        stopped_at = loop.time()
        process.terminate()
        async with asyncio.timeout(15):
            _, log = await process.communicate()
        assert (process.returncode, b"Traceback" in log) == (0, False), log.decode()
        assert loop.time() - stopped_at < 5
