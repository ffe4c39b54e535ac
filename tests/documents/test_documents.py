"""Documents, right and wrong: all of one, or nothing of it, whatever happens meanwhile."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import Clock
from gateway.documents import NAMES, DocumentError, Documents, Force, directory
from gateway.documents.account import Account
from gateway.documents.document import Times, order_of
from gateway.documents.shelf import Shelf
from gateway.events import DocumentData, Draft
from tests.brokers import until
from tests.commands.test_expiry import DAY_MS, NOON_MS, Wall
from tests.journal.journals import CLOCK, files_limited_to
from tests.signers import STRANGER, document, keyring
from tests.uplink.gate import PLACE

LATER, MUCH_LATER = "2026-03-19T04:00:00Z", "2026-03-20T04:00:00Z"  # after NOON_MS


def fever(body: Mapping[str, Any], version: str) -> tuple[float, str]:
    """The validator of `policy` here."""
    celsius = body.get("fever")
    if not isinstance(celsius, float):
        raise ValueError("fever is missing")  # noqa: TRY004 - as validators do
    return celsius, version


class There:
    """The documents of a gate, and what was said of them."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.force = Force({"policy": fever})
        self.events: list[tuple[str, str | None, str]] = []
        self.reasons: list[str | None] = []
        self.news = asyncio.Event()
        self.place = PLACE.model_copy(update={"state_dir": state})
        self.documents = Documents(
            Shelf(directory(self.place)),
            self.place,
            keyring(),
            self.force,
            Times(clock),
            Account(clock, self.note),
            self.news,
        )
        self.documents.open()

    async def note(self, event: Draft) -> None:
        assert isinstance(event.data, DocumentData)
        self.events.append((event.data.name, event.data.version, event.data.state))
        self.reasons.append(event.data.reason)

    async def take(self, members: Mapping[str, Any], name: str | None = None) -> str:
        return await self.documents.take(json.dumps(members).encode(), name)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.documents.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def policy(version: str, celsius: float = 37.3, **members: Any) -> dict[str, Any]:
    return document("policy", version, {"fever": celsius}, **members)


def meant_for(area: str) -> dict[str, Any]:
    members: dict[str, Any] = {"for": area}
    return policy("8", 37.3, **members)


async def test_a_document_is_taken_kept_and_told(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)
    told: list[tuple[str, Any]] = []
    there.force.follow("policy", lambda version, made: told.append((version, made)))
    assert await there.take(policy("7"), "policy") == "policy 7 is in force"
    assert there.force.body("policy") == ("7", (37.3, "7"))
    assert told == [("7", (37.3, "7"))]
    assert there.events == [("policy", "7", "applied")]
    assert there.news.is_set()
    again = There(tmp_path, CLOCK)
    assert again.force.body("policy") == ("7", (37.3, "7"))
    assert again.force.versions() == {"policy": "7"}
    assert await again.take(policy("7")) == "policy 7 is in force already"
    assert again.events == []


@pytest.mark.parametrize("name", [each for each in NAMES if each != "policy"])
async def test_whoever_has_no_validator_gets_the_body(tmp_path: Path, name: str) -> None:
    there = There(tmp_path, CLOCK)
    await there.take(document(name, "2026-03-18.1", {"people": []}), name)
    assert there.force.body(name) == ("2026-03-18.1", {"people": []})


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (policy("6"), "version 7 has been in force"),
        (policy("6.9.9"), "version 7 has been in force"),
        (policy("7", 37.2), "another policy of version 7 is in force"),
        (policy("8", key=STRANGER), "not signed"),
        (policy("8") | {"version": "9"}, "not signed"),
        (policy("8") | {"expires": LATER}, "not signed"),
        (policy("8") | {"for": "410102"}, "not signed"),
        (policy("8") | {"signature": None}, "not signed"),
        (policy("8") | {"body": {"fever": 38.0}}, "not the one that sha256 names"),
        (policy("8") | {"body": None}, "no body"),
        ({k: v for k, v in policy("8").items() if k != "body"} | {"url": "http://x/"}, "no body"),
        (meant_for("410102/011/003/410102011003008"), "for other gateways"),
        (meant_for("410102/011/00"), "for other gateways"),
        (document("policy", "8", {"fever": "hot"}), "fever is missing"),
        (document("policy", "8", {}), "fever is missing"),
        (document("secrets", "8", {}), "there is no document secrets"),
        (policy("8.x"), "no document"),
        (policy(""), "no document"),
        (policy("1" * 10), "no document"),
        (policy("8\n"), "no document"),
        (policy("8") | {"version": 8}, "no document"),
        (policy("8") | {"effective": "soon"}, "no document"),
        (policy("8") | {"effective": None}, "no document"),
        (policy("8") | {"sha256": "0"}, "no document"),
        (policy("8") | {"body": [1]}, "no document"),
        (policy("8") | {"name": "../policy"}, "no document"),
    ],
    ids=range(26),
)
async def test_what_is_refused_changes_nothing(
    tmp_path: Path, members: dict[str, Any], why: str
) -> None:
    there = There(tmp_path, CLOCK)
    await there.take(policy("7"))
    there.news.clear()
    with pytest.raises(DocumentError, match=why):
        await there.take(members)
    assert there.force.body("policy") == ("7", (37.3, "7"))
    assert there.events[1:] in ([], [("policy", members["version"], "refused")])
    assert not there.news.is_set()
    assert There(tmp_path, CLOCK).force.versions() == {"policy": "7"}


@pytest.mark.parametrize(
    "area", ["410102", "410102/011", "410102/011/003", "410102/011/003/410102011003007"]
)
async def test_a_document_may_be_for_an_area(tmp_path: Path, area: str) -> None:
    there = There(tmp_path, CLOCK)
    assert await there.take(meant_for(area)) == "policy 8 is in force"


async def test_a_document_must_come_under_its_own_name(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)
    with pytest.raises(DocumentError, match="called policy, and came as rota"):
        await there.take(policy("7"), "rota")


def test_versions_have_one_order() -> None:
    ascending = ["1", "1.2", "1.10", "2", "10", "2026-01-31", "2026-03-18", "2026-03-18.2"]
    assert sorted(set(ascending), key=order_of) == ascending


async def test_a_refused_document_that_comes_again_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = There(tmp_path, CLOCK)
    for _ in range(50):  # as a retained one does with every connection
        with pytest.raises(DocumentError):
            await there.take(document("policy", "8", {}))
    assert there.events == [("policy", "8", "refused")]
    for number in range(100):
        with pytest.raises(DocumentError):
            await there.take(policy(str(number), key=STRANGER))
    assert len(there.events) == 10
    assert len(caplog.records) == 10


async def test_whoever_cannot_use_it_keeps_the_former(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)
    told: list[str] = []
    there.force.follow("policy", lambda version, _: told.append(version))

    def picky(version: str, _: object) -> None:
        if version == "8":
            raise ValueError("lane in-9 does not exist")

    await there.take(policy("7"))
    there.force.follow("policy", picky)
    with pytest.raises(DocumentError, match="lane in-9 does not exist"):
        await there.take(policy("8"))
    assert told == ["7", "8", "7"]
    assert there.events == [("policy", "7", "applied"), ("policy", "8", "rolled-back")]
    for again in (there, There(tmp_path, CLOCK)):
        assert again.force.versions() == {"policy": "7"}
        with pytest.raises(DocumentError, match="expected a higher one"):
            await again.take(policy("8"))
    assert await there.take(policy("9")) == "policy 9 is in force"


async def test_the_first_that_cannot_be_used_leaves_nothing_in_force(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)

    def never(_version: str, _: object) -> None:
        raise ValueError("no")

    there.force.follow("policy", never)
    with pytest.raises(DocumentError):
        await there.take(policy("7"))
    assert there.force.body("policy") is None
    assert There(tmp_path, CLOCK).force.versions() == {}


async def test_the_former_can_be_put_in_force_again_once(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)
    with pytest.raises(DocumentError, match="no former policy"):
        await there.documents.roll_back("policy")
    await there.take(policy("7"))
    await there.take(policy("8", 38.0))
    told: list[str] = []
    there.force.follow("policy", lambda version, _: told.append(version))
    assert await there.documents.roll_back("policy") == "policy 7 is in force again"
    assert told == ["7"]
    assert there.events[-1] == ("policy", "8", "rolled-back")
    with pytest.raises(DocumentError, match="no former policy"):
        await there.documents.roll_back("policy")
    with pytest.raises(DocumentError, match="no former secrets"):
        await there.documents.roll_back("secrets")
    again = There(tmp_path, CLOCK)
    with pytest.raises(DocumentError, match="version 8 has been in force"):
        await again.take(policy("8", 38.0))  # the broker has kept it
    assert again.force.versions() == {"policy": "7"}
    assert await again.take(policy("8.1")) == "policy 8.1 is in force"


async def test_what_is_effective_later_waits(tmp_path: Path) -> None:
    wall = Wall()
    there = There(tmp_path, wall.clock)
    there.documents.LOOK_S = 0.01
    await there.take(policy("7"))
    later = policy("9", 38.0, effective=LATER)
    assert await there.take(later) == "policy 9 is kept until 2026-03-19T04:00:00.000Z"
    assert await there.take(later) == "policy 9 is kept for later already"
    assert await there.take(policy("8")) == "policy 8 is in force"  # urgent, and passes it
    [listed] = [each for each in there.documents.listed() if each["name"] == "policy"]
    assert (listed["version"], listed["pending"]) == ("8", "9")
    again = There(tmp_path, wall.clock)
    again.documents.LOOK_S = 0.01
    async with again.at_work():
        await asyncio.sleep(0.05)
        assert again.force.versions() == {"policy": "8"}
        wall.passes(86_400)
        await until(lambda: again.force.versions() == {"policy": "9"})
    assert again.events == [("policy", "9", "applied")]
    assert again.documents.listed()[0]["pending"] is None
    assert There(tmp_path, wall.clock).force.body("policy") == ("9", (38.0, "9"))


@pytest.mark.parametrize("wall_ms", [0, NOON_MS + 9 * DAY_MS])
async def test_a_wrong_clock_puts_nothing_in_force_before_its_time(
    tmp_path: Path, wall_ms: int
) -> None:
    wall = Wall(wall_ms, right=False, floor_ms=NOON_MS)
    there = There(tmp_path, wall.clock)
    there.documents.LOOK_S = 0.01
    assert await there.take(policy("7", expires=LATER)) == "policy 7 is in force"  # by the floor
    assert "kept until" in await there.take(policy("8", effective=LATER))
    async with there.at_work():
        await asyncio.sleep(0.05)
        assert there.events == [("policy", "7", "applied")]
        wall.wall_ms, wall.right = NOON_MS + 2 * DAY_MS, True
        wall.passes(2)
        await until(lambda: there.force.versions() == {"policy": "8"})


async def test_a_gate_whose_clock_has_never_been_right_goes_by_it(tmp_path: Path) -> None:
    wall = Wall(NOON_MS, right=False)
    there = There(tmp_path, wall.clock)
    assert await there.take(policy("7")) == "policy 7 is in force"
    assert "kept until" in await there.take(policy("8", effective=LATER))


async def test_an_expired_document_is_used_on_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    wall = Wall()
    there = There(tmp_path, wall.clock)
    there.documents.LOOK_S = 0.01
    await there.take(policy("7", expires=LATER))
    async with there.at_work():
        await asyncio.sleep(0.05)
        assert len(there.events) == 1
        wall.passes(86_400)
        await until(lambda: len(there.events) == 2)
        await asyncio.sleep(0.05)
        assert there.events[1:] == [("policy", "7", "expired")]
        assert there.force.versions() == {"policy": "7"}
        assert len(caplog.records) == 1
        await there.take(policy("8", expires=MUCH_LATER))
        wall.passes(86_400)
        await until(lambda: there.events[-1] == ("policy", "8", "expired"))


@pytest.mark.parametrize(
    "damage",
    [
        *(itemgetter(slice(kept)) for kept in (0, 1, 100, -1)),
        lambda kept: kept.replace(b"policy", b"p\xff"),
    ],
)
async def test_a_damaged_file_is_set_aside_and_the_document_taken_again(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    there = There(tmp_path, CLOCK)
    await there.take(policy("7"))
    path = directory(there.place) / "policy.json"
    path.write_bytes(damage(path.read_bytes()))
    again = There(tmp_path, CLOCK)
    assert again.force.versions() == {}
    async with again.at_work():
        await until(lambda: again.events)
        assert again.events == [("policy", None, "refused")]
        assert path.with_suffix(".damaged").exists()
        assert await again.take(policy("7")) == "policy 7 is in force"


async def test_what_a_newer_version_of_the_program_does_not_understand_gives_way_to_the_former(
    tmp_path: Path,
) -> None:
    there = There(tmp_path, CLOCK)
    await there.take(policy("7"))
    path = directory(there.place) / "policy.json"
    kept = json.loads(path.read_bytes())
    kept["former"], kept["current"] = kept["current"], document("policy", "8", {"degrees": 38.0})
    path.write_text(json.dumps(kept))
    again = There(tmp_path, CLOCK)
    assert again.force.versions() == {"policy": "7"}
    async with again.at_work():
        await until(lambda: again.events)
    assert again.events == [("policy", "8", "refused")]
    assert "fever is missing" in (again.reasons[0] or "")


async def test_a_full_disk_leaves_the_former_in_force(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)
    await there.take(policy("7"))
    with files_limited_to(100), pytest.raises(DocumentError, match="cannot be kept"):
        await there.take(policy("8"))
    for each in (there, There(tmp_path, CLOCK)):
        assert each.force.versions() == {"policy": "7"}
    assert await there.take(policy("8")) == "policy 8 is in force"


async def test_a_pulled_plug_leaves_a_whole_document(tmp_path: Path) -> None:
    there = There(tmp_path, CLOCK)
    await there.take(policy("7"))
    aside = directory(there.place) / "policy.json.new"  # what durably.write was writing
    for half in (b"", b'{"current":{"name":"pol'):
        aside.write_bytes(half)
        assert There(tmp_path, CLOCK).force.versions() == {"policy": "7"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
MEMBERS = ("name", "version", "sha256", "effective", "expires", "for", "body", "url", "signature")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=50)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, json_values)).map(
        lambda change: json.dumps(policy("8") | change).encode()
    )
)
async def test_nothing_hostile_is_taken(tmp_path: Path, text: bytes) -> None:
    there = There(tmp_path / "state", CLOCK)
    with suppress(DocumentError):
        await there.documents.take(text)
    assert there.force.body("policy") in (None, ("8", (37.3, "8")))
    assert set(there.force.versions()) <= {"policy"}
