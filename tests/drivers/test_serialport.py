"""The opener of ports, on real ptys."""

import asyncio
import fcntl
import os
import struct
import tty
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from drivers.base import DeviceError
from drivers.emulators.cable import Cable
from drivers.wire import serialport

TIOCGEXCL = 0x80045440  # <asm-generic/ioctls.h>; the termios module has no name for it

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")


class Peer:
    """The far end of a cable: keeps what it hears, and lets a test wait for it."""

    def __init__(self, link: Path) -> None:
        self.heard = b""
        self._news = asyncio.Event()
        self.cable = Cable(link, self._hear)

    def _hear(self, data: bytes) -> None:
        self.heard += data
        self._news.set()

    async def wait_for(self, count: int) -> bytes:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self._news.clear()
                await self._news.wait()
        return self.heard

    def __enter__(self) -> "Peer":
        self.cable.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.cable.unplug()


def is_watched(link: Path) -> bool:
    """Whether any epoll of this process has the port that `link` leads to (man 5 proc)."""
    port = link.stat().st_rdev
    for info in Path("/proc/self/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            for line in info.read_text().splitlines():
                if line.startswith("tfd:") and os.fstat(int(line.split()[1])).st_rdev == port:
                    return True
    return False


async def say_hello(port: serialport.SerialPort, peer: Peer) -> None:
    """Returns when the far end has noticed that somebody is there."""
    await port.write(b"hello")
    await peer.wait_for(5)


async def test_bytes_go_both_ways_unaltered(link: Path) -> None:
    every_byte = bytes(range(256))
    with Peer(link) as peer:
        async with serialport.opened(link, baud=9600) as port:
            await port.write(every_byte)
            assert await peer.wait_for(256) == every_byte

            peer.cable.send(every_byte)
            received = b""
            async with asyncio.timeout(10):
                while len(received) < 256:
                    received += await port.read()
            assert received == every_byte


async def test_a_read_that_is_given_up_loses_nothing(link: Path) -> None:
    with Peer(link) as peer:
        async with serialport.opened(link, baud=9600) as port:
            await say_hello(port, peer)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await port.read()
            peer.cable.send(b"later")
            assert await port.read() == b"later"


async def test_more_than_the_kernel_takes_at_once_is_written(link: Path) -> None:
    much = bytes(200_000)
    with Peer(link) as peer:
        async with serialport.opened(link, baud=115200) as port, asyncio.timeout(30):
            await port.write(much)
            assert len(await peer.wait_for(len(much))) == len(much)


async def test_input_can_be_discarded(link: Path) -> None:
    with Peer(link) as peer:
        async with serialport.opened(link, baud=9600) as port:
            await say_hello(port, peer)
            peer.cable.send(b"stale")
            port.discard_input()
            peer.cable.send(b"fresh")
            assert await port.read() == b"fresh"


async def test_what_nobody_reads_waits_and_does_not_keep_the_loop_busy(link: Path) -> None:
    with Peer(link) as peer:
        async with serialport.opened(link, baud=9600) as port:
            await say_hello(port, peer)
            peer.cable.send(b"one")
            assert await port.read() == b"one"
            sent = received = b""
            async with asyncio.timeout(10):
                while is_watched(link):
                    peer.cable.send(b"%d," % len(sent))
                    sent += b"%d," % len(sent)
                    await asyncio.sleep(0.01)
                while len(received) < len(sent):
                    received += await port.read()
            assert received == sent

            await asyncio.sleep(0)
            assert is_watched(link)
            peer.cable.send(b"stale")
            async with asyncio.timeout(10):
                while is_watched(link):
                    peer.cable.send(b"stale")
                    await asyncio.sleep(0.01)
            port.discard_input()
            peer.cable.send(b"fresh")
            assert await port.read() == b"fresh"


@pytest.mark.parametrize("baud", [9600, 115200])
async def test_the_speed_is_set(link: Path, baud: int) -> None:
    with Peer(link) as peer:
        async with serialport.opened(link, baud=baud):
            assert peer.cable.baud == baud


async def test_a_port_has_one_user(link: Path) -> None:
    with Peer(link):
        async with serialport.opened(link, baud=9600), AsyncExitStack() as stack:
            with pytest.raises(DeviceError, match="is in use by another program"):
                await stack.enter_async_context(serialport.opened(link, baud=9600))
        async with serialport.opened(link, baud=9600):
            pass


def is_exclusive(link: Path) -> bool:
    """Whether who opens ``link`` now is turned away by the kernel, unless it is root."""
    port = os.readlink(link)
    (mine,) = (
        int(entry.name)
        for entry in Path("/proc/self/fd").iterdir()
        if entry.is_symlink() and os.readlink(entry) == port
    )
    (exclusive,) = struct.unpack("i", fcntl.ioctl(mine, TIOCGEXCL, bytes(4)))
    return bool(exclusive)


async def test_the_kernel_keeps_the_port_for_its_user(link: Path) -> None:
    with Peer(link):
        async with serialport.opened(link, baud=9600):
            assert is_exclusive(link)


async def refusal(path: Path) -> str:
    """What is said when ``path`` is opened."""
    async with AsyncExitStack() as stack:
        with pytest.raises(DeviceError) as caught:
            await stack.enter_async_context(serialport.opened(path, baud=9600))
    return str(caught.value)


async def test_what_cannot_be_opened_is_said_in_a_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    file = tmp_path / "file"
    file.write_bytes(b"")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    assert await refusal(missing) == (
        f"{missing} does not exist: the adapter is not plugged in, or has another name"
    )
    assert await refusal(file) == f"{file} is not a serial port"
    assert await refusal(tmp_path) == f"{tmp_path} is not a serial port"
    assert await refusal(Path("/dev/null")) == "/dev/null is not a serial port"
    assert await refusal(loop) == (f"{loop} cannot be opened: Too many levels of symbolic links")


async def test_a_hang_up_ends_a_waiting_read(link: Path) -> None:
    with Peer(link) as peer:
        async with serialport.opened(link, baud=9600) as port:
            await say_hello(port, peer)
            asyncio.get_running_loop().call_soon(peer.cable.unplug)
            with pytest.raises(DeviceError, match="is gone"):
                await port.read()
            with pytest.raises(DeviceError, match="is gone"):
                await port.write(b"anybody?")
            with pytest.raises(DeviceError, match="is gone"):
                port.discard_input()


async def test_a_link_is_followed_anew_at_each_open(link: Path) -> None:
    with Peer(link) as peer:
        async with serialport.opened(link, baud=9600) as port:
            await say_hello(port, peer)
        peer.cable.unplug()
        assert "does not exist" in await refusal(link)
        peer.cable.plug()
        async with serialport.opened(link, baud=9600) as port:
            await port.write(b" again")
            assert await peer.wait_for(11) == b"hello again"


async def test_what_is_there_at_the_opening_is_not_dropped(link: Path) -> None:
    far, near = os.openpty()
    try:
        tty.setraw(near)
        os.symlink(os.ttyname(near), link)
        os.write(far, b"a code held up meanwhile")
        async with serialport.opened(link, baud=9600) as port, asyncio.timeout(10):
            assert await port.read() == b"a code held up meanwhile"
    finally:
        os.close(far)
        os.close(near)


class TestLatency:
    @pytest.fixture
    def timer(self, tmp_path: Path) -> Path:
        """The knob of an adapter, where the kernel would have it."""
        timer = tmp_path / "tty" / "ttyUSB3" / "device" / "latency_timer"
        timer.parent.mkdir(parents=True)
        timer.write_text("16\n")
        return timer

    def test_an_adapter_with_a_timer_hands_on_at_once(self, tmp_path: Path, timer: Path) -> None:
        link = tmp_path / "by-path"
        link.symlink_to("/dev/ttyUSB3")
        serialport.hand_on_at_once(link, tmp_path / "tty")
        assert timer.read_text() == "1"

    def test_one_that_is_set_already_is_left_alone(self, tmp_path: Path, timer: Path) -> None:
        timer.write_text("1\n")
        serialport.hand_on_at_once(Path("/dev/ttyUSB3"), tmp_path / "tty")
        assert timer.read_text() == "1\n"

    def test_one_without_a_timer_is_used_as_it_is(self, tmp_path: Path, timer: Path) -> None:
        serialport.hand_on_at_once(Path("/dev/ttyUSB4"), tmp_path / "tty")
        assert timer.read_text() == "16\n"

    def test_a_timer_that_may_not_be_set_stops_nothing(self, tmp_path: Path, timer: Path) -> None:
        timer.unlink()
        timer.mkdir()
        serialport.hand_on_at_once(Path("/dev/ttyUSB3"), tmp_path / "tty")
