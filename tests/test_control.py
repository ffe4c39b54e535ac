"""The local socket answers each request in one line, survives every guest, and costs nothing when
there can be none."""

import asyncio
import json
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway import control
from gateway.control import Answer, NoAnswerError, Status

NAME = "control.sock"


async def _echo(request: Mapping[str, Any]) -> Answer:
    return Answer(text="heard", body=dict(request))


HANDLERS = {"echo": _echo}


async def raw(path: Path, sent: bytes, *, end: bool = True) -> dict[str, Any]:
    """The answer to bytes that no client of ours would send."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(sent)
    if end:
        writer.write_eof()
    line = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    answer: dict[str, Any] = json.loads(line)
    return answer


async def test_each_who_asks_is_answered(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        asked = (control.ask(tmp_path / NAME, "echo", number=number) for number in range(8))
        answers = await asyncio.gather(*asked)
    assert [each.body for each in answers] == [
        {"request": "echo", "number": number} for number in range(8)
    ]


async def test_an_unknown_request_is_told_what_there_is(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        answer = await control.ask(tmp_path / NAME, "halth")
    assert answer.status is Status.UNKNOWN
    assert answer.text == 'no such request; expected one of "echo"'


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "has no end"),
        (b'{"request":"echo"}', "has no end"),
        (b"\n", "this is no request"),
        (b"\xff\x00\n", "this is no request"),
        (b'{"request":"echo"\n', "this is no request"),
        (b"[" * 4000 + b"\n", "this is no request"),
        (b"[]\n", "this is no request"),
        (b'{"request":1}\n', "this is no request"),
        (b'{"order":"echo"}\n', "this is no request"),
        (b'{"request":"' + b"x" * 5000 + b'"}\n', "longer than 4096 bytes"),
    ],
)
async def test_a_wrong_request_is_told_what_was_expected(
    tmp_path: Path, sent: bytes, words: str
) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        answer = await raw(tmp_path / NAME, sent)
        assert (answer["status"], words in answer["text"]) == (Status.WRONG, True), answer
        assert (await control.ask(tmp_path / NAME, "echo")).status is Status.DONE


async def test_what_follows_the_first_line_is_left_alone(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        answer = await raw(tmp_path / NAME, b'{"request":"echo"}\n{"request":"echo"}\n')
    assert answer["text"] == "heard"


async def test_whoever_says_nothing_is_told_so_and_holds_nobody_up(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS, patience_s=0.2):
        silent = asyncio.create_task(raw(tmp_path / NAME, b"{", end=False))
        assert (await control.ask(tmp_path / NAME, "echo")).status is Status.DONE
        assert (await silent)["status"] == Status.TOO_SLOW


async def test_no_more_than_a_few_may_wait_at_once(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        guests = [await asyncio.open_unix_connection(tmp_path / NAME) for _ in range(8)]
        answer = await control.ask(tmp_path / NAME, "echo")
        assert answer.status is Status.BUSY
        for _, writer in guests:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(10):
            while (await control.ask(tmp_path / NAME, "echo")).status is not Status.DONE:
                await asyncio.sleep(0.01)


async def test_whoever_goes_before_the_answer_harms_nothing(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as guest:
                guest.connect(str(tmp_path / NAME))
                guest.sendall(b'{"request":"echo"}\n')
        assert (await control.ask(tmp_path / NAME, "echo", timeout_s=10)).text


async def test_the_end_does_not_wait_for_a_guest(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        reader, writer = await asyncio.open_unix_connection(tmp_path / NAME)
        assert (await control.ask(tmp_path / NAME, "echo")).status is Status.DONE
    async with asyncio.timeout(2):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_nobody_answers_where_no_gateway_runs(tmp_path: Path) -> None:
    with pytest.raises(NoAnswerError, match="no gateway runs here: there is no socket"):
        await control.ask(tmp_path / NAME, "echo")


async def test_a_gateway_that_says_nothing_is_told_apart(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / NAME))
        deaf.listen()
        with pytest.raises(NoAnswerError, match=r"no answer on .* within 0.1 seconds"):
            await control.ask(tmp_path / NAME, "echo", timeout_s=0.1)
    with pytest.raises(NoAnswerError, match="has ended"):
        await control.ask(tmp_path / NAME, "echo")


async def test_a_socket_left_by_a_killed_gateway_is_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("stale")
    async with control.serve(tmp_path / NAME, HANDLERS):
        assert (await control.ask(tmp_path / NAME, "echo")).status is Status.DONE
    assert not (tmp_path / NAME).exists()


async def test_only_its_own_user_and_group_may_ask(tmp_path: Path) -> None:
    async with control.serve(tmp_path / NAME, HANDLERS):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o660


async def test_what_cannot_be_replaced_costs_only_the_control(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    async with control.serve(tmp_path / NAME, HANDLERS):
        with pytest.raises(NoAnswerError):
            await control.ask(tmp_path / NAME, "echo")
    assert (tmp_path / NAME).is_dir()


async def test_a_path_too_long_for_a_socket_costs_only_the_control(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    async with control.serve(deep / NAME, HANDLERS):
        with pytest.raises(NoAnswerError):
            await control.ask(deep / NAME, "echo")
    assert list(deep.iterdir()) == []


def test_the_socket_lies_where_it_holds_no_disk(tmp_path: Path) -> None:
    state, user = tmp_path / "state", {"XDG_RUNTIME_DIR": str(tmp_path)}
    unit = {"RUNTIME_DIRECTORY": "/run/one:/run/two"}
    assert control.socket_path(state, user | unit) == Path("/run/one") / NAME
    found = control.socket_path(state, user)
    assert found.parent == tmp_path
    assert found == control.socket_path(tmp_path / "other" / ".." / "state", user)
    assert found != control.socket_path(tmp_path / "other", user)
    for nowhere in ({}, {"XDG_RUNTIME_DIR": str(tmp_path / "gone")}):
        assert control.socket_path(state, nowhere) == state / NAME


def test_whoever_asks_from_a_shell_finds_the_service(tmp_path: Path) -> None:
    state, user = tmp_path / "state", {"XDG_RUNTIME_DIR": str(tmp_path)}
    own, service, plain = control.sockets(state, user)
    assert own == control.socket_path(state, user)
    assert service == Path("/run/checkpoint-gateway") / NAME
    assert plain == state / NAME
