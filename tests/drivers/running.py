"""Runs a driver beside a test, once or again and again as the gateway would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.base import DeviceError, Driver, Emit


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
