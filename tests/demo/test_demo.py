"""The demo as a newcomer runs it: the whole product in its own processes, through an outage."""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
import segno


async def demo(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo", *arguments), stdout=PIPE, stderr=PIPE
    )


async def playing() -> asyncio.subprocess.Process:
    """A demo in which the centre has received the first code."""
    process = await demo()
    assert process.stdout is not None
    async with asyncio.timeout(60):
        await process.stdout.readuntil(b"scan")
    return process


async def outcome(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(90):
        said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


async def test_nothing_is_missing_after_an_outage() -> None:
    code, said, complained = await outcome(await demo("--seconds", "18", "--json"))
    assert code == 0, complained
    summary = json.loads(said)
    assert summary["missing"] == 0
    assert summary["recorded"] == summary["received"] > 10
    assert summary["outage_s"] > 5
    assert summary["most_waiting"] > 2, "events went on being recorded while the broker was away"
    assert set(summary["by_kind"]) == {
        "device",
        "document",
        "door",
        "scan",
        "temperature",
        "passage",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_with_the_account(number: signal.Signals) -> None:
    process = await playing()
    process.send_signal(number)
    code, said, complained = await outcome(process)
    assert code == 0, complained
    assert "nothing is missing" in said
    assert complained == ""


async def test_your_own_photos_are_shown_to_the_camera(tmp_path: Path) -> None:
    segno.make("a photo of a code").save(str(tmp_path / "code.png"), scale=8, border=6)
    code, said, complained = await outcome(
        await demo("--seconds", "5", "--json", "--photos", str(tmp_path))
    )
    assert code == 0, complained
    assert json.loads(said)["by_kind"]["scan"] >= 1


async def test_a_taken_port_is_said_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 18080))
        taken.listen()
        code, _, complained = await outcome(await demo("--seconds", "5"))
    assert code == 1
    assert "the demo's camera cannot start" in complained
    assert "address already in use" in complained
    assert "Traceback" not in complained


async def test_a_folder_without_photos_is_said_in_a_sentence(tmp_path: Path) -> None:
    code, _, complained = await outcome(await demo("--seconds", "5", "--photos", str(tmp_path)))
    assert code == 1
    assert "Traceback" not in complained
    assert "no .jpg or .png" in complained


async def test_a_demo_that_is_killed_leaves_no_gateway_behind() -> None:
    process = await playing()
    children = children_of(process.pid)
    assert children
    process.kill()
    await process.communicate()
    async with asyncio.timeout(20):
        while any(alive(child) for child in children):
            await asyncio.sleep(0.05)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
