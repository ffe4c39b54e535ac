"""The demo's course: all starts, the broker goes away and comes back, the account is shown."""

import asyncio
import json
import logging
import signal
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.live import Live

from gateway import configfile
from gateway.demo import screen
from gateway.demo.account import Arrival, Summary
from gateway.demo.screen import View
from gateway.demo.stage import Stage
from gateway.errors import GatewayError
from gateway.health import Health

_OUTAGE_AFTER_S = 20.0
_OUTAGE_S = 10.0
_SHORTEST_S = 6.0
"""Less has no room for an outage."""
_LOOK_S = 0.25
_LINE_EVERY_S = 5.0
_DRAIN_S = 30.0
"""How long the end waits for what is still on its way."""
_SETTLE_S = 2.0

_CONFIG = Path("config", "demo.toml")


def main(*, seconds: float | None, as_json: bool, photos: Path | None) -> int:
    """Run the demo until Ctrl-C or for `seconds`; 0 if nothing is missing at the end, else 1.

    Raises:
        GatewayError: it cannot start, or the daemon ended.
    """
    # The centre's own remarks about the outage would tear the screen; the link's panel has them.
    logging.getLogger().addHandler(logging.NullHandler())
    # On standard error, so that --json leaves nothing but the summary on standard output.
    console = Console(stderr=as_json)
    summary = asyncio.run(Show(console, seconds, photos).run())
    if as_json:
        print(json.dumps(summary.as_dict()))
    else:
        screen.show_summary(console, summary)
    return 1 if summary.missing else 0


class Show:
    """One performance."""

    def __init__(self, console: Console, seconds: float | None, photos: Path | None) -> None:
        self._console = console
        self._seconds = seconds
        self._photos = photos
        self._chapter = "the gateway starts"
        self._began = time.monotonic()
        self._outage_s = 0.0
        self._health: Health | None = None
        self._interrupted = asyncio.Event()
        self._hurried = False

    async def run(self) -> Summary:
        """The whole course."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt)
        config_file = _config_file()
        config = configfile.load(config_file)
        with tempfile.TemporaryDirectory(prefix="checkpoint-demo-") as name:
            stage = Stage(config_file, config, Path(name), self._photos, self._tell)
            async with stage:
                await self._perform(stage)
                played_s = self._elapsed_s
                await stage.daemon.stop()
                await asyncio.sleep(_SETTLE_S)
            epoch, recorded = await stage.recorded()
            return stage.account.settle(
                epoch=epoch, recorded=recorded, seconds=played_s, outage_s=self._outage_s
            )

    async def _perform(self, stage: Stage) -> None:
        live = (
            Live(console=self._console, auto_refresh=False, screen=True)
            if self._console.is_terminal
            else nullcontext(None)
        )
        with live as picture:
            watching = asyncio.create_task(self._watch(stage, picture), name="screen")
            story = asyncio.create_task(self._story(stage), name="story")
            try:
                done, _ = await asyncio.wait([watching, story], return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                watching.cancel()
                story.cancel()
                await asyncio.wait([watching, story])

    async def _story(self, stage: Stage) -> None:
        total_s = self._seconds if self._seconds is not None else float("inf")
        self._chapter = "people come and go"
        if total_s < _SHORTEST_S:
            await self._pause(total_s)
        elif not await self._pause(min(_OUTAGE_AFTER_S, total_s / 3)):
            await self._outage(stage, min(_OUTAGE_S, total_s / 3))
            await self._pause(total_s - self._elapsed_s)
        await self._drain(stage)

    async def _outage(self, stage: Stage, length_s: float) -> None:
        self._chapter = "the broker is away; events go on being recorded"
        began = time.monotonic()
        await stage.broker.stop()
        await self._pause(length_s)
        await stage.broker.start()
        self._outage_s = time.monotonic() - began
        self._chapter = "the broker is back; what waited is delivered, and people come and go"

    async def _drain(self, stage: Stage) -> None:
        self._chapter = "the end: what still waits is delivered"
        deadline = time.monotonic() + _DRAIN_S
        while time.monotonic() < deadline and not self._hurried:
            if self._health is not None and self._health.journal.waiting == 0:
                return
            await asyncio.sleep(_LOOK_S)

    def _interrupt(self) -> None:
        """The first signal ends the show, the second also the wait for what is on its way."""
        self._hurried = self._interrupted.is_set()
        self._interrupted.set()

    async def _watch(self, stage: Stage, live: Live | None) -> None:
        told = 0.0
        while True:
            self._health = await stage.daemon.health()
            if self._health is not None:
                stage.account.waiting(self._health.journal.waiting)
            view = View(self._elapsed_s, self._chapter, self._health, stage.account, stage.said())
            if live is not None:
                live.update(screen.render(view, height=self._console.height), refresh=True)
            elif self._elapsed_s - told >= _LINE_EVERY_S:
                told = self._elapsed_s
                self._console.print(screen.gauges_line(view), highlight=False, soft_wrap=True)
            await asyncio.sleep(_LOOK_S)

    def _tell(self, arrival: Arrival) -> None:
        if not self._console.is_terminal:
            self._console.print(
                screen.line(self._elapsed_s, arrival), highlight=False, soft_wrap=True
            )

    async def _pause(self, seconds: float) -> bool:
        """Wait; whether it was cut short by Ctrl-C."""
        try:
            async with asyncio.timeout(None if seconds == float("inf") else max(0.0, seconds)):
                await self._interrupted.wait()
        except TimeoutError:
            return False
        return True

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began


def _config_file() -> Path:
    path = Path(__file__).resolve().parents[2] / _CONFIG
    if not path.is_file():
        raise GatewayError(f"the demo runs from a checkout of the project: there is no {path}")
    return path
