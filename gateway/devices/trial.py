"""Runs a driver for a while, as the gateway would, to see whether its device is there."""

import asyncio
from collections.abc import Callable
from typing import Any

from drivers.base import Driver, Reading


async def first(
    driver: Driver, within_s: float, wanted: Callable[[Reading], bool] = lambda _: True
) -> Reading | None:
    """The first `wanted` reading; None if none has come `within_s`.

    Raises:
        DeviceError: what the driver gave up with before.
    """
    found: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()

    async def emit(reading: Reading, *, age_s: float = 0.0) -> None:
        if wanted(reading) and not found.done():
            found.set_result(reading)

    running = asyncio.ensure_future(driver.run(emit))
    either: list[asyncio.Future[Any]] = [found, running]
    try:
        await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        running.cancel()
        await asyncio.wait([running])
    if found.done():
        return found.result()
    if not running.cancelled() and (error := running.exception()) is not None:
        raise error
    return None
