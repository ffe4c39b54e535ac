"""Orders, honest and hostile, at the desk: what is done, answered and recorded."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.base import CommandError
from gateway.clock import Clock
from gateway.config import Ordered
from gateway.events import Kind
from gateway.messages import Message
from tests.brokers import until
from tests.commands.desks import COMMAND, NOTICE, REPLY, Doing, desk_at_work
from tests.journal.journals import files_limited_to
from tests.signers import STRANGER, keyring, order

RELEASE: dict[str, Any] = {"target": "door/gate-1", "reason": "ambulance"}

SOME = {"args": {"epoch": "k3f7x2m6", "from": 3, "to": 9}}


def window(begin: str, end: str) -> dict[str, Any]:
    args = {"from": f"2026-03-18T{begin}", "until": f"2026-03-18T{end}"}
    return {"target": "door/flat-3", "args": args, "reason": "nurse"}


async def test_a_release_is_recorded_before_the_door_is_touched_and_after(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        before: list[list[int]] = []
        there.doing.held.clear()
        there.give(order("o-1", "release", **RELEASE))
        await until(lambda: there.doing.done)
        before.append(await there.statuses())
        there.doing.held.set()
        assert await there.answer() == {
            "id": "o-1",
            "status": 200,
            "text": "released",
            "topic": REPLY,
            "correlation": None,
        }
        assert there.doing.done == [("release", "gate-1")]
        assert before == [[202]]
        first, second = await there.events()
        assert (first.status, second.status) == (202, 200)
        assert (second.command, second.target, second.by, second.reason) == (
            "release",
            "door/gate-1",
            "ops:wang",
            "ambulance",
        )


@pytest.mark.parametrize(
    ("command", "members", "done", "status"),
    [
        ("reload", {}, ("reload",), 200),
        ("resend", SOME, ("resend", "k3f7x2m6", 3, 9), 202),
        ("diagnose", {}, ("diagnose",), 200),
        ("log-level", {"args": {"level": "debug", "minutes": 5}}, ("log-level", "debug", 5), 200),
        ("log-level", {"args": {"level": "info"}}, ("log-level", "info", 60), 200),
        ("restart", {}, ("restart",), 202),
        ("announce", {"args": {"text": "门口请勿停车"}}, None, 200),
        ("announce", {"target": "lane/in-1", "args": {"prompt": "show-code"}}, None, 200),
        ("acknowledge-alarm", {"target": "alarm/f00"}, None, 200),
        ("grant-window", window("08:00:00+08:00", "09:00:00+08:00"), None, 200),
    ],
)  # fmt: skip
async def test_each_command_does_its_own_and_leaves_one_event(
    tmp_path: Path, command: str, members: dict[str, Any], done: Any, status: int
) -> None:
    async with desk_at_work(tmp_path) as there:
        answer = await there.told(order("o-1", command, **members))
        assert answer["status"] == status
        await until(lambda: there.doing.done == ([done] if done else []))
        [event] = await there.events()
        assert (event.id, event.command, event.status) == ("o-1", command, status)
        assert (event.target, event.args) == (members.get("target"), members.get("args", {}))


@pytest.mark.parametrize(
    ("command", "members", "status", "words"),
    [
        ("release", {}, 400, "door/NAME"),
        ("release", {"target": "lane/in-1"}, 400, "door/NAME"),
        ("release", {"target": "door/gate-9"}, 404, "no door gate-9"),
        ("release", {"target": "door/flat-3"}, 423, "only ever watched"),
        ("release", {**RELEASE, "ttl_s": 31}, 400, "30 at most"),
        ("announce", {}, 400, "either"),
        ("announce", {"args": {"text": "a", "prompt": "b"}}, 400, "either"),
        ("announce", {"args": {"text": 7}}, 400, "no such text"),
        ("announce", {"args": {"prompt": "../x"}}, 400, "no such text"),
        ("announce", {"target": "lane/out-7", "args": {"text": "a"}}, 404, "no lane"),
        ("acknowledge-alarm", {"target": "alarm/none"}, 404, "no alarm"),
        ("grant-window", {"target": "door/gate-1"}, 404, "no home gate-1"),
        ("grant-window", {"target": "door/flat-3"}, 400, "args.from"),
        ("grant-window", window("08:00:00+08:00", "08:00:00-18:00"), 400, "at most"),
        ("grant-window", window("08:00:00", "09:00:00"), 400, "args.from"),
        ("resend", {"args": {"epoch": "k3f7x2m6", "from": 9, "to": 3}}, 400, "above"),
        ("resend", {"args": {"epoch": "k3f7x2m6", "from": True, "to": 3}}, 400, "whole number"),
        ("log-level", {"args": {"level": "loud"}}, 400, "one of"),
        ("log-level", {"args": {"level": "debug", "minutes": 0}}, 400, "whole number"),
        ("still", {}, 403, "not available"),
        ("decommission", {}, 403, "not available"),
        ("open-sesame", {}, 404, "no command"),
    ],
)  # fmt: skip
async def test_an_order_that_says_too_little_is_refused(
    tmp_path: Path, command: str, members: dict[str, Any], status: int, words: str
) -> None:
    async with desk_at_work(tmp_path) as there:
        answer = await there.told(order("o-1", command, **members))
        assert (answer["status"], there.doing.done) == (status, [])
        assert words in answer["text"]
        assert await there.statuses() == [status]
        # Nothing was taken up: the same id may be put right.
        assert (await there.told(order("o-1", "diagnose")))["status"] == 200


async def test_events_that_do_not_exist_cannot_be_sent_again(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        args = {"epoch": "k3f7x2m6", "from": 1, "to": 5000}
        assert (await there.told(order("o-1", "resend", args=args)))["status"] == 404


async def test_the_local_list_is_final_and_has_no_release_unless_it_is_named(
    tmp_path: Path,
) -> None:
    async with desk_at_work(tmp_path, allow=[Ordered.RELOAD]) as there:
        assert (await there.told(order("o-1", "release", **RELEASE)))["status"] == 403
        assert (await there.told(order("o-2", "diagnose")))["status"] == 403
        assert (await there.told(order("o-3", "reload")))["status"] == 200


@pytest.mark.parametrize(
    "signed",
    [
        order("o-1", "reload", key=STRANGER),
        order("o-1", "reload", gateway="410102011003008"),
        order("o-1", "reload", gateway="410102/011/003/_all"),
        order("o-1", "reload") | {"reason": "something else"},
        order("o-1", "reload") | {"signature": ""},
        order("o-1", "reload") | {"signature": 7},
        order("o-1", "reload") | {"signature": "not base64!"},
        {k: v for k, v in order("o-1", "reload").items() if k != "signature"},
    ],
    ids=range(8),
)
async def test_what_the_centre_has_not_signed_for_this_gateway_is_refused(
    tmp_path: Path, signed: dict[str, Any]
) -> None:
    async with desk_at_work(tmp_path) as there:
        answer = await there.told(signed)
        assert (answer["status"], there.doing.done) == (401, [])
        [event] = await there.events()
        assert (event.status, event.by, event.reason) == (401, "?", None)


async def test_an_order_that_names_another_gateway_is_refused(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        other = order("o-1", "reload", gateway="410102011003008") | {"gateway": "410102011003008"}
        assert (await there.told(other))["status"] == 403
        ours = order("o-2", "reload") | {"gateway": "410102011003007"}
        assert (await there.told(ours))["status"] == 200


async def test_two_keys_count_while_one_takes_over(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path, keys=keyring(STRANGER)) as there:
        assert (await there.told(order("o-1", "reload")))["status"] == 200
        assert (await there.told(order("o-2", "reload", key=STRANGER)))["status"] == 200


@given(st.integers(0, 8 * 64 - 1))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bit_of_a_signature_can_be_another(bit: int) -> None:
    import base64

    from gateway.signing import Purpose

    signed = order("o-1", "reload") | {"gateway": "410102011003007"}
    assert keyring().signer(Purpose.COMMAND, signed) == "0"
    assert keyring().signer(Purpose.DOCUMENT, signed) is None
    raw = bytearray(base64.b64decode(signed["signature"]))
    raw[bit // 8] ^= 1 << bit % 8
    forged = signed | {"signature": base64.b64encode(raw).decode()}
    assert keyring().signer(Purpose.COMMAND, forged) is None


async def test_a_thousand_replays_do_nothing_and_leave_few_events(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.commands")
    async with desk_at_work(tmp_path) as there:
        signed = order("o-1", "release", **RELEASE)
        assert (await there.told(signed))["status"] == 200
        for _ in range(1000):
            there.give(signed)
            await asyncio.sleep(0)
        answer = await there.answer()
        assert (answer["status"], answer["body"]) == (
            409,
            {"first": {"status": 200, "text": "released"}},
        )
        await until(lambda: there.desk.refused.total() == 1000)
        assert there.doing.done == [("release", "gate-1")]
        statuses = await there.statuses()
        assert statuses[:2] == [202, 200]
        assert 0 < statuses.count(409) <= 11
        assert len([each for each in caplog.records if each.levelno >= logging.WARNING]) <= 2


async def test_what_was_not_said_is_counted(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        for number in range(14):
            await there.told(order(f"o-{number}", "still"))
        assert there.desk.refused[403] == 14
        assert 10 <= len(await there.statuses()) <= 11


async def test_an_order_is_done_once_across_restarts(tmp_path: Path) -> None:
    signed = order("o-1", "release", **RELEASE)
    doing = Doing()
    async with desk_at_work(tmp_path, doing=doing) as there:
        assert (await there.told(signed))["status"] == 200
    async with desk_at_work(tmp_path, doing=doing) as there:
        answer = await there.told(signed)
        assert (answer["status"], answer["body"]["first"]["status"]) == (409, 200)
    assert doing.done == [("release", "gate-1")]


async def test_what_was_being_done_when_the_gateway_ended_is_not_done_again(
    tmp_path: Path,
) -> None:
    signed = order("o-1", "release", **RELEASE)
    doing = Doing()
    doing.held.clear()
    async with desk_at_work(tmp_path, doing=doing) as there:
        there.give(signed)
        await until(lambda: doing.done)
    async with desk_at_work(tmp_path, doing=doing) as there:
        answer = await there.told(signed)
        assert (answer["status"], answer["body"]["first"]["status"]) == (409, 500)
        assert "not known" in answer["body"]["first"]["text"]
        assert (await there.statuses())[:2] == [202, 500]
    assert doing.done == [("release", "gate-1")]


async def test_a_ledger_that_was_lost_lets_nothing_older_through(tmp_path: Path) -> None:
    older = order("o-1", "reload", ttl_s=3600)
    async with desk_at_work(tmp_path, since_ms=Clock().now().wall_ms + 60_000) as there:
        answer = await there.told(older)
        assert (answer["status"], there.doing.done) == (408, [])


async def test_a_damaged_ledger_is_set_aside_and_remembers_nothing_older(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signed = order("o-1", "reload", ttl_s=3600)
    (tmp_path / "commands.db").write_bytes(b"this is no database, whatever it was" * 100)
    async with desk_at_work(tmp_path, since_ms=Clock().now().wall_ms) as there:
        assert (await there.told(signed))["status"] == 408
        assert (await there.told(order("o-2", "reload", ttl_s=3600)))["status"] == 200
    assert (tmp_path / "commands.damaged").exists()
    assert any("is not a database" in each for each in caplog.messages)


async def test_nothing_is_done_that_cannot_be_written_down(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        with files_limited_to(512):
            answer = await there.told(order("o-1", "release", **RELEASE))
        assert (answer["status"], there.doing.done) == (500, [])
        assert "not done" in answer["text"]


async def test_nothing_is_done_that_the_journal_does_not_take(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        await there.told(order("o-0", "diagnose"))
        await there._journal.close()
        there.give(order("o-1", "release", **RELEASE))
        answer = await there.answer()
        assert (answer["status"], there.doing.done) == (500, [("diagnose",)])
        assert "cannot be recorded" in answer["text"]


async def test_a_door_that_does_not_obey_is_said(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        there.doing.trouble = CommandError("the lock is jammed")
        answer = await there.told(order("o-1", "release", **RELEASE))
        assert (answer["status"], answer["text"]) == (500, "the lock is jammed")
        assert await there.statuses() == [202, 500]


async def test_releases_are_few(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        statuses = [
            (await there.told(order(f"o-{number}", "release", **RELEASE)))["status"]
            for number in range(5)
        ]
        assert statuses == [200, 200, 200, 429, 429]
        assert len(there.doing.done) == 3


async def test_a_release_does_not_wait_behind_another_command(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        there.doing.held.clear()
        there.give(order("o-1", "release", **RELEASE))
        await until(lambda: there.doing.done)
        assert (await there.told(order("o-2", "diagnose")))["id"] == "o-2"
        there.doing.held.set()
        assert (await there.answer())["id"] == "o-1"


async def test_a_flood_fills_no_memory(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        for number in range(5000):
            there.give(order(f"o-{number}", "still") if number < 3 else {"id": "o"})
        await until(lambda: there.desk.refused.total() == 5000)
        assert there.desk.refused[0] >= 4900


@pytest.mark.parametrize(
    ("wanted", "topic"),
    [
        (f"{REPLY}/session-7", f"{REPLY}/session-7"),
        (REPLY, REPLY),
        (f"{REPLY}/a/b", REPLY),
        (f"{REPLY}/+", REPLY),
        (f"{REPLY}/", REPLY),
        (f"{REPLY}-x", REPLY),
        ("cg1/410102/011/003/410102011003007/up/event/passage", REPLY),
        ("cg1/410102/011/003/410102011003008/up/reply/x", REPLY),
        ("leak", REPLY),
        (None, REPLY),
    ],
)
async def test_an_answer_goes_nowhere_but_to_this_gateways_own_reply(
    tmp_path: Path, wanted: str | None, topic: str
) -> None:
    async with desk_at_work(tmp_path) as there:
        answer = await there.told(order("o-1", "reload"), reply_to=wanted, correlation=b"\x00c")
        assert (answer["topic"], answer["correlation"]) == (topic, b"\x00c")


async def test_an_endless_correlation_is_not_repeated(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        answer = await there.told(order("o-1", "reload"), correlation=b"c" * 257)
        assert answer["correlation"] is None


async def test_nothing_but_an_announcement_is_taken_from_a_broadcast(tmp_path: Path) -> None:
    everyone = "410102/011/003/_all"
    async with desk_at_work(tmp_path) as there:
        there.give(order("o-1", "release", gateway=everyone, **RELEASE), topic=NOTICE)
        there.give(order("o-2", "announce", args={"text": "a"}), topic=NOTICE)
        said = order("o-3", "announce", gateway=everyone, args={"text": "明天停水"})
        there.give(said, topic=NOTICE)
        await until(lambda: there.desk.refused.total() == 2)
        assert (await there.told(order("o-4", "reload")))["id"] == "o-4"  # nobody else is answered
        events = {each.id: each.status for each in await there.events()}
        assert events == {"o-1": 403, "o-2": 401, "o-3": 200, "o-4": 200}
        assert there.doing.done == [("reload",)]
        assert (await there.told(said))["status"] == 401  # it is not for this gateway alone


async def test_a_retained_order_is_refused(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        assert (await there.told(order("o-1", "reload"), retained=True))["status"] == 400
        assert there.doing.done == []


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"id": None},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 65},
        {"id": "line\n"},
        {"command": 7},
        {"command": "Release"},
        {"target": ["door/gate-1"]},
        {"target": "door/../../etc"},
        {"args": []},
        {"args": {"a": {"b": 1}}},
        {"args": {"a": None}},
        {"args": {"a": "x" * 201}},
        {"args": {"a": "\x00"}},
        {"args": {f"a{chr(97 + n)}": 1 for n in range(17)}},
        {"args": {"A B": 1}},
        {"issued": "yesterday"},
        {"issued": "2026-03-18T06:00:00"},
        {"issued": 1_700_000_000},
        {"ttl_s": 0},
        {"ttl_s": 86_401},
        {"ttl_s": 1.5},
        {"ttl_s": True},
        {"ttl_s": "15"},
        {"by": ""},
        {"by": None},
        {"reason": "two\nlines"},
        {"since": "../"},
    ],
    ids=str,
)
async def test_what_is_no_order_is_counted_and_nothing_else(
    tmp_path: Path, members: dict[str, Any]
) -> None:
    signed = order("o-1", "reload", **members) if members else {}
    async with desk_at_work(tmp_path) as there:
        there.give(signed)
        await until(lambda: there.desk.refused[400] == 1)
        assert (there.doing.done, await there.events()) == ([], [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
NAMES = ("id", "command", "target", "args", "issued", "ttl_s", "by", "reason", "since", "signature")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.binary(max_size=50)
        | json_values.map(lambda value: json.dumps(value).encode())
        | st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, json_values)).map(
            lambda change: json.dumps(order("o-1", "release", **RELEASE) | change).encode()
        ),
        max_size=10,
    )
)
async def test_nothing_raises_and_nothing_is_done(tmp_path: Path, payloads: list[bytes]) -> None:
    async with desk_at_work(tmp_path) as there:
        taken = 0
        for payload in payloads:
            if json.dumps(order("o-1", "release", **RELEASE)).encode() != payload:
                there.desk.take(Message(COMMAND, payload))
                taken += 1
        await until(lambda: there.desk.refused.total() + len(there.doing.done) >= taken)


async def test_events_are_those_of_the_contract(tmp_path: Path) -> None:
    async with desk_at_work(tmp_path) as there:
        await there.told(order("o-1", "release", **RELEASE))
        rows = await there._journal.read(0, max_rows=9, max_bytes=1 << 20)
        first = json.loads(rows[0].body)
        assert rows[0].kind is Kind.COMMAND
        assert (first["type"], first["subject"]) == ("checkpoint.command.v1", "door/gate-1")
