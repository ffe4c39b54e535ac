"""What the centre orders and what it gives to work by, at a gate with real doors and people."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.uplink.client import LinkOptions
from gateway.uplink.link import open_link
from tests.brokers import until
from tests.commands.ordering import Ordering, ordering
from tests.signers import document, public_file
from tests.uplink.gate import BASE
from tests.wholegate import CONFIG, STRIKE, WholeGate, a_pass, whole_gate

FLATS = {"flat-3": 1, "flat-4": 2}
"""Home doors, and their inputs."""

ORDERED = (
    CONFIG
    + """\
doors.flat-3 = {{ input = 1, role = "home" }}
doors.flat-4 = {{ input = 2, role = "home" }}

[centre]
key_files = ["centre.pem"]

[commands]
allow = ["release", "acknowledge-alarm", "grant-window"]
"""
)

POLICY = {"entry": {"resident": {"needs": ["pass"]}}}


@asynccontextmanager
async def ordered_gate(folder: Path) -> AsyncIterator[tuple[WholeGate, Ordering]]:
    public_file(folder / "centre.pem")
    async with (
        whole_gate(folder, ORDERED, begin=datetime.now(UTC)) as gate,
        ordering(gate.broker.port) as centre,
    ):
        yield gate, centre


async def publish(port: int, signed: Mapping[str, Any]) -> None:
    """Give a document to the gate, as its centre does."""
    async with open_link(LinkOptions("127.0.0.1", port, "documents")) as link:
        payload = json.dumps(signed).encode()
        await link.publish(f"{BASE}/down/document/{signed['name']}", payload, retain=True)


async def test_a_policy_from_the_centre_says_who_passes_from_then_on(tmp_path: Path) -> None:
    async with ordered_gate(tmp_path) as (gate, _):
        stepping_up = asyncio.create_task(gate.thermometer.person(36.6))
        gate.scanner.hold_up(a_pass())
        await gate.until_recorded("passage", 1)
        await stepping_up
        await gate.walk_through()
        await gate.until_recorded("passage", 2)
        await publish(gate.broker.port, document("policy", "2026-11-01", POLICY))
        await gate.until_recorded("document", 2)  # the configuration is the first
        gate.scanner.hold_up(a_pass(subject="r-2"))
        await gate.until_recorded("passage", 3)
        by_own, _, by_centre = gate.data("passage")
        assert gate.data("document")[1]["state"] == "applied"
        assert (by_own["policy"], by_own["checks"]["temperature"]) == ("built-in", "ok")
        assert (by_centre["policy"], by_centre["decision"]) == ("2026-11-01", "granted")
        assert "temperature" not in by_centre["checks"]


async def test_a_door_that_the_centre_releases_was_not_forced(tmp_path: Path) -> None:
    async with ordered_gate(tmp_path) as (gate, centre):
        answer = await centre.ordered("o-1", "release", target="door/gate-1", reason="ambulance")
        assert answer["status"] == 200
        assert await gate.board.is_on(STRIKE) or gate.board.written
        await gate.walk_through()
        gate.scanner.hold_up(b"https://example.org/a-stranger-s-code")
        await gate.until_recorded("passage", 1)  # … and by then whatever was wrong is known
        assert gate.events("alarm") == []


async def test_an_alarm_that_stands_is_acknowledged_and_no_other(tmp_path: Path) -> None:
    async with ordered_gate(tmp_path) as (gate, centre):
        await gate.walk_through()
        await gate.until_recorded("alarm", 1)
        [forced] = gate.events("alarm")
        unknown = await centre.ordered("o-1", "acknowledge-alarm", target="alarm/nothing-7")
        assert unknown["status"] == 404
        target = f"alarm/{forced['correlationid']}"
        answer = await centre.ordered("o-2", "acknowledge-alarm", target=target)
        assert answer["status"] == 200
        await until(lambda: any(each["state"] == "acknowledged" for each in gate.data("alarm")))
        acknowledged = gate.events("alarm")[1]
        assert acknowledged["correlationid"] == forced["correlationid"]
        assert acknowledged["data"]["by"] == "ops:wang"


async def test_a_home_door_may_be_opened_in_the_window_that_is_granted(tmp_path: Path) -> None:
    async with ordered_gate(tmp_path) as (gate, centre):
        now = datetime.now(UTC)
        args = {
            "from": (now - timedelta(minutes=1)).isoformat(),
            "until": (now + timedelta(minutes=30)).isoformat(),
        }
        answer = await centre.ordered("o-1", "grant-window", target="door/flat-3", args=args)
        assert answer["status"] == 200
        for number in FLATS.values():
            await gate.board.set_input(number, active=False)
            await asyncio.sleep(0.3)
        await gate.until_recorded("alarm", 1)
        [alarm] = gate.events("alarm")
        assert (alarm["subject"], alarm["data"]["alarm"]) == ("door/flat-4", "home-door-opened")
        opened = [each["data"]["door"] for each in gate.events("door")]
        assert "flat-3" in opened
        assert gate.board.written == []  # nothing of a home is ever told to do anything
