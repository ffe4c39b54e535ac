"""A driver's parts side by side: what listens, what asks, what watches the time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn

from drivers.base import DeviceError


async def together(*parts: Coroutine[Any, Any, NoReturn]) -> NoReturn:
    """Run all of them until the first gives up, which ends the others.

    Raises:
        DeviceError: what that one gave up with.
    """
    failed: tuple[Exception, ...] = ()
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part)
    except* DeviceError as group:
        failed = group.exceptions
    raise failed[0]
