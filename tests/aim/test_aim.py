"""`checkpoint-gateway aim` as its own process, watched by a browser, curl-like, and by ssh."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.emulators.camera import Camera
from gateway.aim.board import Board
from gateway.aim.command import camera
from gateway.aim.page import Page
from gateway.errors import ConfigError, GatewayError
from tests.browser import Browser

TEXT = "document.body?.innerText ?? ''"
SAMPLE = str(Path(__file__).parents[2] / "config" / "gateway.toml")


@asynccontextmanager
async def aiming(source: str, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, watching `source`, its page at a port that is free."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "aim", source, "--listen", "127.0.0.1:0", *options),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"COLUMNS": "120", "TTY_COMPATIBLE": "1", "TERM": "xterm"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def page(process: asyncio.subprocess.Process) -> str:
    """The address that the terminal shows."""
    assert process.stdout is not None
    shown = b""
    async with asyncio.timeout(30):
        while not (address := re.search(rb"http://127\.0\.0\.1:\d+/", shown)):
            shown += await process.stdout.read(1000)
    return address[0].decode()


async def fetched(url: str, until: bytes) -> bytes:
    """What the page sends, up to and with ``until``."""
    place, _, path = url.removeprefix("http://").partition("/")
    host, port = place.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /{path} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
    try:
        async with asyncio.timeout(30):
            return await reader.readuntil(until)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_browser_shows_picture_figures_and_advice(tmp_path: Path) -> None:
    async with Camera() as gate, aiming(gate.url) as process:
        person = asyncio.create_task(gate.person(b"secret", stays_s=100))
        async with Browser(tmp_path) as browser:
            await browser.open(await page(process))
            async with asyncio.timeout(60):
                while "the code is read" not in await browser.value(TEXT):
                    await asyncio.sleep(0.05)
                while not await browser.value("document.images[0]?.naturalWidth"):
                    await asyncio.sleep(0.05)
            text = await browser.value(TEXT)
        person.cancel()

    assert re.search(r"module\n\d\.\d pixels\n", text)
    assert re.search(r"reader\nzxing in \d+ ms", text)
    assert "secret" not in text


async def test_what_the_page_sends() -> None:
    async with Camera() as gate, aiming(gate.url) as process:
        url = await page(process)
        assert b"Content-Security-Policy: " in await fetched(url, b"</html>")
        assert b"\r\n\r\n\xff\xd8" in await fetched(f"{url}picture", b"\xff\xd8")
        assert b"404 Not Found" in await fetched(f"{url}else", b"nothing here\n")
        assert b"hold up a code" in await fetched(f"{url}figures", b"hold up a code")


async def test_a_camera_that_fails_is_said_and_tried_again() -> None:
    async with Camera() as gate, aiming(gate.url) as process:
        url = await page(process)
        await fetched(f"{url}figures", b"frame rate")
        await gate.stop_stream()
        assert b"cannot be reached" in await fetched(f"{url}figures", b"cannot be reached")
        await gate.start_stream()
        assert b"frame rate" in await fetched(f"{url}figures", b"frame rate")


async def test_in_a_small_terminal_the_advice_is_not_what_is_cut_off() -> None:
    async with Camera() as gate, aiming(gate.url) as process:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            shown = await process.stdout.readuntil(b"brightness")
    assert "→ hold up a code".encode() in shown.rpartition(b"live picture")[2]


@pytest.mark.parametrize("listen", ["[::1", "127.0.0.1:99999"])
async def test_where_nobody_can_listen(listen: str) -> None:
    with pytest.raises(GatewayError, match=re.escape(f"{listen} cannot be listened on: ")):
        async with Page(Board(), listen):
            pass


async def test_it_ends_after_the_time_given() -> None:
    began_s = time.monotonic()
    async with Camera() as gate, aiming(gate.url, "--seconds", "1") as process:
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"live picture" in output
    assert time.monotonic() - began_s >= 1


@pytest.mark.parametrize(
    ("subject", "device", "sentence"),
    [
        ("ftp://x", None, "ftp://x: Value error, an address begins with"),
        (SAMPLE, "doors", 'has no camera "doors"; it has camera-in'),
    ],
)
def test_what_is_no_camera(subject: str, device: str | None, sentence: str) -> None:
    with pytest.raises(GatewayError, match=re.escape(sentence)):
        camera(subject, device)


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        camera(str(tmp_path / "none.toml"), None)


@pytest.mark.parametrize("device", [None, "camera-in"])
def test_the_camera_of_a_configuration(device: str | None) -> None:
    assert camera(SAMPLE, device).source == "http://192.168.1.20/stream.mjpg"
