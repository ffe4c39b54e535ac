"""The picture of the gateway goes whole over the local socket."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drivers.base import DeviceState
from gateway import control, health
from gateway.clock import TimeQuality
from gateway.control import Answer, Status

PICTURE = health.Health(
    gateway="410102011003007",
    epoch="k3f9x2m7",
    clock=health.ClockHealth(quality=TimeQuality.SYNC),
    devices={"cam": health.DeviceHealth(state=DeviceState.LOST, reason="unplugged")},
    journal=health.JournalHealth(recorded=9, in_flight=1, confirmed=7, waiting=2),
    link=health.LinkHealth(online=False, reason="connection refused"),
)


async def _told(_: Mapping[str, Any]) -> Answer:
    return Answer(body=PICTURE)


async def _busy(_: Mapping[str, Any]) -> Answer:
    return Answer(status=Status.BUSY, text="later")


async def test_whoever_asks_gets_the_picture(tmp_path: Path) -> None:
    async with control.serve(tmp_path / "socket", {"health": _told}):
        assert await health.ask(tmp_path / "socket") == PICTURE


async def test_no_picture_is_none(tmp_path: Path) -> None:
    assert await health.ask(tmp_path / "socket") is None
    async with control.serve(tmp_path / "socket", {"health": _busy}):
        assert await health.ask(tmp_path / "socket") is None
