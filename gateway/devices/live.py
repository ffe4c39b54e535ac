"""Runs one device for a moment, to see whether it answers and what it says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from drivers import registry
from drivers.base import DeviceConfig, DeviceError, DeviceObserved, DeviceState, Reading


@dataclass(slots=True)
class Seen:
    """What came of it."""

    online: bool = False
    reading: Reading | None = None
    """The first that says more than that it is there."""
    trouble: str | None = None
    """What the device, or its driver, had to complain of."""


def answered(seen: Seen) -> bool:
    """Whether the device is there."""
    return seen.online


def has_spoken(seen: Seen) -> bool:
    """Whether it has told anything at all."""
    return seen.online or seen.reading is not None or seen.trouble is not None


def has_read(seen: Seen) -> bool:
    """Whether it has told something."""
    return seen.reading is not None


async def watch(config: DeviceConfig, enough: Callable[[Seen], bool], within_s: float) -> Seen:
    """Let the device's driver run until that is enough, until it fails, or for so long."""
    seen, done = Seen(), asyncio.Event()

    async def emit(reading: Reading, *, age_s: float = 0.0) -> None:
        if reading == DeviceObserved(DeviceState.ONLINE):
            seen.online = True
        elif isinstance(reading, DeviceObserved):
            seen.trouble = reading.reason
        else:
            seen.reading = seen.reading or reading
        if enough(seen):
            done.set()

    driver = registry.load(config.driver).driver("probe", config)
    running = asyncio.create_task(driver.run(emit))
    waiting = asyncio.create_task(done.wait())
    try:
        await asyncio.wait(
            (running, waiting), timeout=within_s, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        running.cancel()
        waiting.cancel()
        await asyncio.wait((running, waiting))
    error = None if running.cancelled() else running.exception()
    if error is not None and not isinstance(error, DeviceError):
        raise error
    if error is not None:
        seen.trouble = str(error)
    return seen
