"""The status socket gives one whole picture to each who asks, and costs nothing when it cannot."""

import asyncio
import json
import stat
from pathlib import Path

from drivers.base import DeviceState
from gateway import health
from gateway.clock import TimeQuality

PICTURE = health.Health(
    gateway="410102011003007",
    epoch="k3f9x2m7",
    clock=TimeQuality.SYNC,
    devices={"cam": health.DeviceHealth(state=DeviceState.LOST, reason="unplugged")},
    journal=health.JournalHealth(recorded=9, in_flight=1, confirmed=7, waiting=2),
    link=health.LinkHealth(online=False, reason="connection refused"),
)
NAME = "status.sock"


async def test_each_who_asks_gets_the_picture(tmp_path: Path) -> None:
    async with health.serve(tmp_path / NAME, lambda: PICTURE):
        answers = await asyncio.gather(*(health.ask(tmp_path / NAME) for _ in range(10)))
    assert answers == [PICTURE] * 10


async def test_nobody_answers_where_no_gateway_runs(tmp_path: Path) -> None:
    assert await health.ask(tmp_path / NAME) is None


async def test_a_socket_left_by_a_killed_gateway_is_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("stale")
    async with health.serve(tmp_path / NAME, lambda: PICTURE):
        assert await health.ask(tmp_path / NAME) == PICTURE
    assert not (tmp_path / NAME).exists()


async def test_the_answer_is_one_line_of_json(tmp_path: Path) -> None:
    async with health.serve(tmp_path / NAME, lambda: PICTURE):
        reader, writer = await asyncio.open_unix_connection(tmp_path / NAME)
        line = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert line.endswith(b"\n")
    assert json.loads(line)["journal"]["waiting"] == 2


async def test_only_its_own_user_and_group_may_ask(tmp_path: Path) -> None:
    async with health.serve(tmp_path / NAME, lambda: PICTURE):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o660


async def test_what_cannot_be_replaced_costs_only_the_status(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    async with health.serve(tmp_path / NAME, lambda: PICTURE):
        assert await health.ask(tmp_path / NAME) is None
    assert (tmp_path / NAME).is_dir()


async def test_a_path_too_long_for_a_socket_costs_only_the_status(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    async with health.serve(deep / NAME, lambda: PICTURE):
        assert await health.ask(deep / NAME) is None
    assert list(deep.iterdir()) == []


def test_the_socket_lies_where_it_holds_no_disk(tmp_path: Path) -> None:
    state, user = tmp_path / "state", {"XDG_RUNTIME_DIR": str(tmp_path)}
    unit = {"RUNTIME_DIRECTORY": "/run/one:/run/two"}
    assert health.status_socket(state, user | unit) == Path("/run/one") / NAME
    found = health.status_socket(state, user)
    assert found.parent == tmp_path
    assert found == health.status_socket(tmp_path / "other" / ".." / "state", user)
    assert found != health.status_socket(tmp_path / "other", user)
    for nowhere in ({}, {"XDG_RUNTIME_DIR": str(tmp_path / "gone")}):
        assert health.status_socket(state, nowhere) == state / NAME
