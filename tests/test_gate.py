"""People at a gate, from the code before the scanner to the strike of the door."""

import asyncio
from pathlib import Path

from gateway.events import Class
from tests.brokers import until
from tests.wholegate import CONFIG, STRIKE, a_pass, whole_gate


async def test_a_resident_with_a_pass_and_a_normal_temperature_gets_in(tmp_path: Path) -> None:
    async with whole_gate(tmp_path) as gate:
        stepping_up = asyncio.create_task(gate.thermometer.person(36.6))
        gate.scanner.hold_up(a_pass())
        await until(lambda: bool(gate.board.written), within_s=20)
        assert await gate.board.is_on(STRIKE)
        await gate.until_recorded("passage", 1)
        await gate.walk_through()
        await gate.until_recorded("passage", 2)
        await stepping_up
        decided, ended = gate.events("passage")
        scan, temperature = gate.events("scan")[0], gate.events("temperature")[0]
        assert decided["data"]["decision"] == "granted"
        assert decided["data"]["class"] == "resident"
        assert set(decided["data"]["parts"]) == {scan["id"], temperature["id"]}
        assert decided["data"]["celsius"] == temperature["data"]["celsius"]
        assert "taken" not in decided["data"]
        assert ended["data"]["taken"] is True
        assert ended["correlationid"] == decided["correlationid"]
        assert int(decided["sequence"]) < int(ended["sequence"])
        assert not gate.events("alarm")
        # Nobody's code is in anything that the centre was told or the disk keeps.
        assert a_pass()[:20].decode() not in gate.daemon.log
        await until(lambda: len(gate.board.written) >= 1)
    assert not await gate.board.is_on(STRIKE) or len(gate.board.written) > 1


async def test_who_has_no_pass_is_refused_and_nothing_opens(tmp_path: Path) -> None:
    async with whole_gate(tmp_path) as gate:
        stepping_up = asyncio.create_task(gate.thermometer.person(36.6))
        gate.scanner.hold_up(b"https://example.org/a-stranger-s-code")
        await gate.until_recorded("passage", 1)
        await stepping_up
        [refused] = gate.data("passage")
        assert (refused["decision"], refused["reason"]) == ("denied", "refused")
        assert gate.board.written == []


async def test_a_fever_is_measured_again_and_nothing_opens(tmp_path: Path) -> None:
    async with whole_gate(tmp_path) as gate:
        stepping_up = asyncio.create_task(gate.thermometer.person(38.4))
        gate.scanner.hold_up(a_pass())
        await gate.until_recorded("passage", 1)
        await stepping_up
        [refused] = gate.data("passage")
        assert refused["decision"] == "denied"
        [measured] = gate.data("temperature")
        assert (measured["verdict"], measured["threshold"]) == ("re-check", 37.3)
        assert gate.board.written == []


async def test_a_door_that_opens_without_a_grant_was_forced(tmp_path: Path) -> None:
    async with whole_gate(tmp_path) as gate:
        await gate.walk_through()
        await gate.until_recorded("alarm", 1)
        [forced] = gate.data("alarm")
        assert (forced["alarm"], forced["state"]) == ("door-forced", "raised")


async def test_a_badge_checks_in(tmp_path: Path) -> None:
    posts = '\n[duty.posts.gate]\nat = "in-1"\n'
    async with whole_gate(tmp_path, CONFIG + posts) as gate:
        gate.scanner.hold_up(a_pass(kind=Class.STAFF, role="guard", subject="g-1"))
        await gate.until_recorded("duty", 1)
        [duty] = gate.data("duty")
        assert (duty["act"], duty["post"], duty["role"]) == ("check-in", "gate", "guard")


async def test_a_guard_who_lets_somebody_pass_stays_on_post(tmp_path: Path) -> None:
    posts = '\n[duty]\nsame_scan_s = 1\n\n[duty.posts.gate]\nat = "in-1"\n'
    async with whole_gate(tmp_path, CONFIG + posts) as gate:
        badge = a_pass(kind=Class.STAFF, role="guard", subject="g-1")
        gate.scanner.hold_up(badge)
        await gate.until_recorded("duty", 1)
        await gate.until_recorded("passage", 1)  # nobody was measured
        gate.scanner.hold_up(b"https://example.org/a-stranger-s-code")
        await gate.until_recorded("passage", 2)
        gate.scanner.hold_up(badge)
        await gate.until_recorded("passage", 3)
        await until(lambda: bool(gate.board.written), within_s=20)
        assert gate.data("passage")[2]["by"].startswith("override:")
        assert [each["act"] for each in gate.data("duty")] == ["check-in"]
