"""`simulate` as it is typed: a part of a day through the whole gateway, with a power cut in it."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE

import pytest


async def simulate(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "simulate", *arguments), stdout=PIPE, stderr=PIPE
    )


async def outcome(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(100):
        said, complained = await process.communicate()
    return process.returncode, said.decode(), complained.decode()


async def test_everything_is_decided_as_it_has_to_be_and_arrives_through_a_power_cut() -> None:
    """The power goes at 07:55 for two minutes; then the clock is three hours late for a while."""
    process = await simulate(
        *("--profile", "small", "--hours", "7.9-8.0", "--speed", "15", "--json")
    )
    code, said, complained = await outcome(process)
    assert said, complained
    told = json.loads(said)
    assert (told["passages_missing"], told["passages_unexpected"]) == ([], [])
    assert told["passages_recorded"] == told["passages_expected"] > 5
    assert told["went_through_recorded"] == told["went_through_expected"] > 5
    assert told["events_missing"] == told["doors_not_released"] == 0
    assert told["events_recorded"] == told["events_received"] > 40
    assert told["speed"] > 5
    assert code == 0


async def test_it_can_be_stopped_and_says_what_has_come_of_it() -> None:
    process = await simulate("--profile", "small", "--hours", "7-24", "--speed", "10")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await process.stderr.readuntil(b"online")
    process.send_signal(signal.SIGINT)
    code, said, complained = await outcome(process)
    assert code == 0, complained + said
    assert "passages missing        []" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--profile", "huge"], "invalid choice: 'huge'"),
        (["--speed", "0"], '"0" is not a number above 0'),
        (["--hours", "9-7"], '"9-7" is no part of a day'),
        (["--hours", "morning"], '"morning" is no part of a day'),
    ],
)
async def test_mistakes_are_said_in_a_sentence(arguments: list[str], complaint: str) -> None:
    code, _, complained = await outcome(await simulate(*arguments))
    assert code == 2
    assert complaint in complained
