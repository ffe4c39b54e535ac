"""Runs a driver beside a test, once or again and again as the gateway would."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.base import Command, DeviceConfig, DeviceError, Driver, Emit

hot_unplugs = pytest.mark.parametrize("rounds", [20, pytest.param(100, marks=pytest.mark.long)])
"""How often a plug is pulled; each time takes a twentieth of a second."""


@asynccontextmanager
async def running(driver: Driver, emit: Emit) -> AsyncIterator[asyncio.Task[None]]:
    """The driver's task; cancelled at the end, if it has not ended by itself."""
    task = asyncio.create_task(driver.run(emit))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait((task,))


@asynccontextmanager
async def kept_running(driver: Driver, emit: Emit) -> AsyncIterator[list[DeviceError]]:
    """Start the driver anew whenever it gives up; what it gave up with, in order."""
    errors: list[DeviceError] = []

    async def keep() -> None:
        while True:
            try:
                await driver.run(emit)
            except DeviceError as error:
                errors.append(error)
            for reading in driver.lost():
                await emit(reading)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(keep())
    try:
        yield errors
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def killed_after(driver: str, stanza: DeviceConfig, command: Command) -> None:
    """A driver in a process of its own carries out ``command`` and is killed at once, without a
    chance to clean up."""
    options = stanza.model_dump_json(exclude_unset=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.drivers.victim", driver, options, repr(command)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"done\n"
    finally:
        process.kill()
        await process.communicate()
