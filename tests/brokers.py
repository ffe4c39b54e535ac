"""Brokers for tests: the real mosquitto, to be started, stopped and killed at will."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.ports import free_port

MOSQUITTO = "/usr/sbin/mosquitto"
MOSQUITTO_PASSWD = "/usr/bin/mosquitto_passwd"


async def until(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    """Return as soon as `condition` holds.

    Raises:
        TimeoutError: it does not within `within_s`.
    """
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


class Mosquitto:
    """One mosquitto on one port of the loopback interface; restarted, it keeps the port."""

    def __init__(self, directory: Path, *settings: str) -> None:
        self.port = free_port()
        self._directory = directory
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return once it takes connections."""
        lines = [
            f"listener {self.port} 127.0.0.1",
            "user root",  # or it could not read files in the test's directory
            *(self._settings or ("allow_anonymous true",)),
        ]
        config = self._directory / f"mosquitto-{self.port}.conf"
        config.write_text("\n".join(lines) + "\n")
        with (self._directory / "mosquitto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                MOSQUITTO, "-c", str(config), stdout=log, stderr=log
            )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    async def kill(self) -> None:
        """kill -9: its connections end without a word."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        self._process = None

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def set_password(self, user: str, password: str) -> str:
        """Make a password file for one user; the setting that names it."""
        path = self._directory / "passwords"
        subprocess.run([MOSQUITTO_PASSWD, "-b", "-c", str(path), user, password], check=True)
        return f"password_file {path}"


@asynccontextmanager
async def mosquitto(directory: Path, *settings: str) -> AsyncIterator[Mosquitto]:
    """A running broker with `settings` as in mosquitto.conf; by default everybody may do all."""
    broker = Mosquitto(directory, *settings)
    await broker.start()
    try:
        yield broker
    finally:
        if broker.running:
            await broker.kill()
