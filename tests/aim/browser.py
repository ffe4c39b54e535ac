"""A real browser without a screen: headless Chromium, driven through its debugging pipe.

Messages of the Chrome DevTools Protocol, JSON each, with a NUL behind.
"""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any, Self

# Chromium takes commands at descriptor 3 and answers at 4.
_START = 'exec chromium "$@" 3<&0 4>&1 >/dev/null 2>&1'
_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")


class Browser:
    """One page; use it as an asynchronous context manager."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._numbers = itertools.count(1)
        self._session: dict[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *("sh", "-c", _START, "sh", *_OPTIONS, f"--user-data-dir={self._profile}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        await self._ask("Browser.close")
        await self._process.communicate()

    async def open(self, url: str) -> None:
        """Go to `url` in a new page."""
        target = await self._ask("Target.createTarget", url=url)
        attached = await self._ask(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = {"sessionId": attached["sessionId"]}

    async def value(self, expression: str) -> Any:
        """What `expression` is in the page."""
        answer = await self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        number = next(self._numbers)
        session = self._session if method.startswith("Runtime.") else {}
        message = {"id": number, "method": method, "params": parameters, **session}
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(60):
            while True:
                told = json.loads((await self._process.stdout.readuntil(b"\0"))[:-1])
                if told.get("id") == number:
                    return dict(told["result"])
