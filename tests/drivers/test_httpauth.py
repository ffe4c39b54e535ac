"""A camera that asks for a password: lighttpd's own Basic and Digest are satisfied."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.base import CodeScanned, DeviceError
from drivers.camera import Config, Driver
from tests.collecting import Collector
from tests.drivers import codes
from tests.drivers.running import running
from tests.drivers.streams import part
from tests.ports import free_port

LIGHTTPD = "/usr/sbin/lighttpd"
PASSWORD = 'pass "word" ü'
ASKED = [
    '"method" => "basic"',
    '"method" => "digest", "algorithm" => "MD5"',
    '"method" => "digest", "algorithm" => "SHA-256"',
    '"method" => "digest", "algorithm" => "MD5|SHA-256"',
]


@asynccontextmanager
async def lighttpd(directory: Path, asked: str) -> AsyncIterator[str]:
    """The address of a stream, a short one, behind a password."""
    (directory / "live.mjpg").write_bytes(part(codes.jpeg(codes.raw(b"live"))) * 2)
    (directory / "users").write_text(f"gate:{PASSWORD}\n")
    port = free_port()
    (directory / "lighttpd.conf").write_text(f"""
server.document-root = "{directory}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_auth", "mod_authn_file")
mimetype.assign = (".mjpg" => "multipart/x-mixed-replace; boundary=frame")
auth.backend = "plain"
auth.backend.plain.userfile = "{directory}/users"
auth.require = ("/" => ({asked}, "realm" => "the gate", "require" => "valid-user"))
""")
    server = await asyncio.create_subprocess_exec(
        *(LIGHTTPD, "-D", "-f", str(directory / "lighttpd.conf")),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await listening(port)
        yield f"http://127.0.0.1:{port}/live.mjpg?channel=1"
    finally:
        server.terminate()
        await server.wait()


async def listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                break
    writer.close()
    await writer.wait_closed()


def driver(source: str, directory: Path, password: str) -> Driver:
    secret = directory / "camera"
    secret.write_text(f"gate:{password}\n")
    return Driver("camera-1", Config(driver="camera", source=source, credentials_file=secret))


@pytest.mark.parametrize("asked", ASKED)
async def test_the_right_password(tmp_path: Path, asked: str) -> None:
    collector = Collector()
    async with lighttpd(tmp_path, asked) as url:
        camera = driver(url, tmp_path, PASSWORD)
        async with running(camera, collector):
            scan = await collector.wait_for(CodeScanned)
    assert isinstance(scan, CodeScanned)
    assert scan.payload == b"live"


@pytest.mark.parametrize("asked", ASKED)
async def test_the_wrong_password(tmp_path: Path, asked: str) -> None:
    async with lighttpd(tmp_path, asked) as url:
        with pytest.raises(DeviceError, match="asks for a user name and a password, or refuses"):
            await driver(url, tmp_path, "guessed").run(Collector())
