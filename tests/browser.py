"""A real browser without a screen: headless Chromium, driven through its debugging pipe.

Messages of the Chrome DevTools Protocol, JSON each, with a NUL behind.
"""

import asyncio
import base64
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
        self.requested: list[str] = []
        """The addresses that the page has asked for."""
        self.errors: list[str] = []
        """What the page's scripts failed with, and what the browser did not let them do."""
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

    async def open(
        self, url: str, *, width: int = 1280, height: int = 900, language: str = "en", **media: str
    ) -> None:
        """Go to `url` in a new page; `media` are the user's wishes, as prefers_color_scheme."""
        target = await self._ask("Target.createTarget", url="about:blank")
        self._session = {}
        attached = await self._ask(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self._ask(f"{domain}.enable")
        await self._ask("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
        await self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2,
            mobile=width < 600,
        )
        features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items()]
        await self._ask("Emulation.setEmulatedMedia", features=features)
        await self._ask("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What `expression` is in the page; None while there is no page yet."""
        answer = await self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def until(self, expression: str, *, within_s: float = 60.0) -> Any:
        """The first value of `expression` in the page that is true there."""
        try:
            async with asyncio.timeout(within_s):
                while not (value := await self.value(expression)):
                    await asyncio.sleep(0.05)
                return value
        except TimeoutError:
            shown = await self.value("document.body?.innerText")
            raise AssertionError(f"never so: {expression}; shown:\n{shown}") from None

    async def picture(self) -> bytes:
        """The whole page as a PNG."""
        answer = await self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    async def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        number = next(self._numbers)
        session = {} if method.startswith(("Target.", "Browser.")) else self._session
        message = {"id": number, "method": method, "params": parameters, **session}
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(60):
            while True:
                told = json.loads((await self._process.stdout.readuntil(b"\0"))[:-1])
                if told.get("id") == number:
                    return dict(told.get("result", {}))
                self._note(told.get("method"), told.get("params", {}))

    def _note(self, happened: str | None, what: dict[str, Any]) -> None:
        match happened:
            case "Network.requestWillBeSent":
                self.requested.append(what["request"]["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(what["exceptionDetails"]))
            case "Log.entryAdded" if what["entry"]["level"] == "error":
                self.errors.append(json.dumps(what["entry"]))
