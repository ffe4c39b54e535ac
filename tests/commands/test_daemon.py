"""Orders to the real daemon over a real broker: done once, whenever it is killed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.emulators.modbus_board import ModbusBoard
from gateway.config import Protocol
from gateway.events import CommandData, decode
from gateway.messages import Message
from tests.brokers import Mosquitto, mosquitto
from tests.commands.desks import REPLY
from tests.commands.ordering import Ordering, ordering
from tests.daemon import GATE, Daemon
from tests.journal.journals import query
from tests.signers import order, public_file

STRIKE = 0x0200
"""Where a Waveshare board takes a timed pulse of its first relay."""

CONFIG = (
    GATE
    + """\
[uplink]
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"

[centre]
key_files = ["centre.pem"]

[commands]
allow = ["release", "announce", "diagnose", "log-level", "reload", "resend", "restart"]

[devices.board]
driver = "modbus_io"
port = "board"
doors.gate-1 = {{ input = 0, role = "gate", strike = 0, release_ms = 500 }}
doors.flat-3 = {{ input = 1, role = "home" }}
"""
)


def daemon_of(directory: Path, port: int, protocol: Protocol = Protocol.V5) -> Daemon:
    public_file(directory / "centre.pem")
    return Daemon(directory, CONFIG.format(port=port, protocol=protocol))


def recorded(daemon: Daemon) -> list[CommandData]:
    """What a daemon that has ended has left of orders."""
    rows = query(daemon.state_dir / "journal.db", "SELECT body FROM event ORDER BY seq")
    found = [decode(body) for (body,) in rows]
    return [each.data for each in found if each and isinstance(each.data, CommandData)]


def pulses(board: ModbusBoard) -> int:
    return sum(at == STRIKE for at, _ in board.written)


@asynccontextmanager
async def gate(
    directory: Path, broker: Mosquitto, protocol: Protocol = Protocol.V5
) -> AsyncIterator[tuple[Daemon, ModbusBoard, Ordering]]:
    async with (
        ModbusBoard(directory / "board") as board,
        ordering(broker.port, protocol) as centre,
        daemon_of(directory, broker.port, protocol) as daemon,
    ):
        await at_work(daemon)
        yield daemon, board, centre


async def at_work(daemon: Daemon) -> None:
    await daemon.until(
        lambda now: now.link.online and now.devices["board"].state == "online", within_s=60
    )


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_door_is_released_once_and_it_is_said(tmp_path: Path, protocol: Protocol) -> None:
    async with mosquitto(tmp_path) as broker, gate(tmp_path, broker, protocol) as there:
        daemon, board, centre = there
        answer = await centre.ordered("o-1", "release", target="door/gate-1", reason="ambulance")
        assert (answer["status"], answer["text"]) == (200, "released")
        assert pulses(board) == 1
        await centre.give(answer["signed"])
        assert (await centre.answer(answer["signed"]["id"]))["status"] == 409
        refused = await centre.ordered("o-2", "release", target="door/flat-3")
        assert refused["status"] == 423
        assert pulses(board) == 1
        assert await daemon.stop() == 0
        assert [each.status for each in recorded(daemon) if each.status != 408] == [
            202,
            200,
            409,
            423,
        ]


async def test_what_else_can_be_ordered(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, gate(tmp_path, broker) as (daemon, _, centre):
        picture = await centre.ordered("o-1", "diagnose")
        assert picture["body"]["devices"]["board"]["state"] == "online"
        level = await centre.ordered("o-2", "log-level", args={"level": "debug", "minutes": 1})
        assert level["status"] == 200
        assert "logging from debug up for 1 minute" in daemon.log
        assert "nothing has changed" in (await centre.ordered("o-3", "reload"))["text"]
        epoch = picture["body"]["epoch"]
        args: dict[str, Any] = {"epoch": epoch, "from": 1, "to": 1}
        assert (await centre.ordered("o-4", "resend", args=args))["status"] == 202
        args["epoch"] = "zzzzzzzz"
        assert (await centre.ordered("o-5", "resend", args=args))["status"] == 404
        assert (await centre.ordered("o-6", "grant-window"))["status"] == 403
        restart = await centre.ordered("o-7", "restart")
        assert restart["status"] == 202
        assert await daemon.ended() == 0
        await daemon.start()
        await at_work(daemon)
        await centre.give(restart["signed"])
        assert (await centre.answer(restart["signed"]["id"]))["status"] == 409
        await daemon.until(lambda now: now.link.online)


async def test_the_answer_goes_where_the_order_wants_it_within_our_own_tree(
    tmp_path: Path,
) -> None:
    async with mosquitto(tmp_path) as broker, gate(tmp_path, broker) as (_, _, centre):
        wanted: dict[str, Any] = {"CorrelationData": b"\x00\x01", "MessageExpiryInterval": 10}
        for name, topic in (("o-1", f"{REPLY}/s-7"), ("o-2", "leak/of/answers")):
            await centre.give(order(name, "diagnose"), ResponseTopic=topic, **wanted)
        answers: dict[str, Message] = {}
        async with asyncio.timeout(20):
            while len(answers) < 2:
                message, data = await centre.answers.get()
                answers[data["id"]] = message
        assert answers["o-1"].topic == f"{REPLY}/s-7"
        assert answers["o-2"].topic == REPLY
        assert {each.correlation for each in answers.values()} == {b"\x00\x01"}


async def test_a_retained_order_is_never_done(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, ordering(broker.port) as centre:
        await centre.give(order("o-1", "release", target="door/gate-1"), retain=True)
        async with (
            ModbusBoard(tmp_path / "board") as board,
            daemon_of(tmp_path, broker.port) as daemon,
        ):
            await at_work(daemon)
            assert (await centre.answer("o-1"))["status"] == 400
            assert pulses(board) == 0


async def test_killed_at_any_time_no_order_is_done_twice_and_none_untold(tmp_path: Path) -> None:
    rng = random.Random(7)
    async with mosquitto(tmp_path) as broker, gate(tmp_path, broker) as (daemon, board, centre):
        for number in range(6):
            name, before = f"o-{number}", pulses(board)
            signed = order(name, "release", target="door/gate-1", since=await since(centre, name))
            await centre.give(signed)
            await asyncio.sleep(rng.uniform(0, 0.12))
            await daemon.kill()
            await daemon.start()
            await at_work(daemon)
            await centre.give(signed)
            answer = await centre.answer(name)
            while answer["status"] == 202:
                answer = await centre.answer(name)
            done = pulses(board) - before
            assert done <= 1
            if done:  # what opened a door is known to have been ordered, whatever came after
                assert answer["status"] in (200, 409), answer
        assert await daemon.stop() == 0
        told = {each.id for each in recorded(daemon) if each.status == 202}
        assert len(told) >= pulses(board)


async def since(centre: Ordering, name: str) -> str | None:
    """What to repeat where the gateway does not know the time."""
    await centre.give(order(f"{name}-asking", "diagnose"))
    answer = await centre.answer(f"{name}-asking")
    found: str | None = answer.get("body", {}).get("since")
    return found


async def test_without_a_key_nothing_is_listened_to(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        ModbusBoard(tmp_path / "board"),
        ordering(broker.port) as centre,
    ):
        daemon = daemon_of(tmp_path, broker.port)
        (tmp_path / "centre.pem").unlink()
        async with daemon:
            await at_work(daemon)
            await centre.give(order("o-1", "diagnose"))
            assert await daemon.stop() == 0
            assert centre.answers.empty()
            assert "nothing that is signed with this key counts" in daemon.log
            assert not (daemon.state_dir / "commands.db").exists()
