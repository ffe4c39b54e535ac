"""Whether an order still counts: with a right clock, with a wrong one, and while it is set."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import Clock
from gateway.commands.expiry import Expiry, Marks
from gateway.commands.order import Order, RefusedError, understood
from tests.commands.desks import desk_at_work
from tests.signers import order

NOON_MS = 1_773_806_400_000  # 2026-03-18T04:00:00Z
DAY_MS = 86_400_000


class Wall:
    """The gateway's time, all of it in the hands of the test."""

    def __init__(self, wall_ms: int = NOON_MS, *, right: bool = True, floor_ms: int = 0) -> None:
        self.wall_ms = wall_ms
        self.mono_ms = 5_000_000
        self.right = right
        self.clock = Clock(
            wall_ns=lambda: self.wall_ms * 1_000_000,
            mono_ns=lambda: self.mono_ms * 1_000_000,
            synchronised=lambda: self.right,
            boot="boot",
            floor_ms=floor_ms,
        )
        self.marks = Marks(self.clock)
        self.expiry = Expiry(self.clock, self.marks)

    def passes(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1000)
        self.mono_ms += round(seconds * 1000)

    def left_s(self, order: Order, expires_s: int | None = None) -> float:
        return self.expiry.left_s(order, expires_s, self.clock.now())

    def refusal(self, order: Order, expires_s: int | None = None) -> tuple[int, str]:
        with pytest.raises(RefusedError) as refused:
            self.left_s(order, expires_s)
        outcome = refused.value.outcome
        return outcome.status, outcome.text

    def asked_again(self, order: Order, expires_s: int | None = None) -> str:
        """What it has to repeat, as the time is not known here."""
        with pytest.raises(RefusedError) as refused:
            self.left_s(order, expires_s)
        assert refused.value.outcome.status == 408
        assert refused.value.outcome.body is not None
        since: str = refused.value.outcome.body["since"]
        return since


def issued(at_ms: int = NOON_MS, *, command: str = "release", **members: Any) -> Order:
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    usual = {"id": "o-1", "command": command, "issued": text, "ttl_s": 15, "by": "ops:wang"}
    return understood({**usual, **members})


def test_a_right_clock_decides() -> None:
    wall = Wall()
    assert wall.left_s(issued()) == 15
    wall.passes(10)
    assert wall.left_s(issued()) == 5
    assert wall.left_s(issued(), expires_s=2) == 2
    wall.passes(5)
    assert wall.refusal(issued()) == (408, "it has expired")
    assert wall.refusal(issued(), expires_s=15) == (408, "it has expired")


def test_the_centres_clock_may_be_a_little_ahead() -> None:
    wall = Wall()
    assert wall.left_s(issued(NOON_MS + 59_000)) == 15
    status, words = wall.refusal(issued(NOON_MS + 61_000))
    assert (status, words) == (400, "it was issued 61 s in the future")


def test_a_release_lives_for_30_seconds_at_most() -> None:
    wall = Wall()
    assert wall.refusal(issued(ttl_s=31))[0] == 400
    assert wall.left_s(issued(ttl_s=31, command="reload")) == 31


@pytest.mark.parametrize("wall_ms", [0, NOON_MS - DAY_MS, NOON_MS, NOON_MS + DAY_MS])
def test_a_wrong_clock_expires_nothing_and_opens_nothing(wall_ms: int) -> None:
    wall = Wall(wall_ms, right=False)
    since = wall.asked_again(issued())
    assert wall.asked_again(issued(), expires_s=10) != since
    wall.passes(3)
    assert wall.left_s(issued(since=since)) == 12
    wall.passes(11)
    assert wall.left_s(issued(since=since)) == 1
    wall.passes(1)
    assert wall.asked_again(issued(since=since)) != since


def test_what_had_expired_by_the_time_floor_has_expired() -> None:
    wall = Wall(0, right=False, floor_ms=NOON_MS)
    wall.marks.born("k3f7x2m6", 7)
    old = issued(NOON_MS - 16_000, since="k3f7x2m6-7")
    assert wall.refusal(old) == (408, "it has expired")
    assert wall.left_s(issued(NOON_MS - 14_000, since="k3f7x2m6-7")) == 15


def test_a_birth_that_is_named_was_heard() -> None:
    wall = Wall(0, right=False)
    wall.marks.born("k3f7x2m6", 7)
    wall.passes(9)
    wall.marks.born("k3f7x2m6", 7)  # said again, it proves nothing new
    assert wall.left_s(issued(since="k3f7x2m6-7")) == 6
    wall.asked_again(issued(since="k3f7x2m6-6"))
    wall.asked_again(issued(since="another-7"))


def test_a_brokers_word_opens_no_door() -> None:
    wall = Wall(0, right=False)
    wall.asked_again(issued(), expires_s=15)
    assert wall.left_s(issued(command="reload"), expires_s=9) == 9
    assert wall.refusal(issued(command="reload"), expires_s=0) == (408, "it has expired")
    wall.asked_again(issued(command="reload"))


def test_the_oldest_marks_are_forgotten() -> None:
    wall = Wall(0, right=False)
    first = wall.marks.new()
    for _ in range(32):
        wall.marks.new()
    assert wall.marks.age_s(first, wall.clock.now()) is None


async def test_an_order_waits_by_a_clock_that_nobody_sets(tmp_path: Path) -> None:
    wall = Wall(int(datetime.now(UTC).timestamp() * 1000))
    async with desk_at_work(tmp_path, clock=wall.clock) as there:
        signed = order("o-1", "release", target="door/gate-1", ttl_s=10)
        touched: list[str] = []
        there.doing.before = lambda: touched.append("gate-1")
        there.give(signed)  # it has arrived now, and is served when the loop comes round …
        wall.passes(11)  # … which is too late
        answer = await there.answer()
        assert (answer["status"], touched) == (408, [])
        assert (await there.told(signed))["status"] == 409


@pytest.mark.parametrize("step_s", [-86_400, 86_400])
async def test_a_step_of_the_clock_runs_nothing_twice_and_expires_nothing(
    tmp_path: Path, step_s: int
) -> None:
    wall = Wall(int(datetime.now(UTC).timestamp() * 1000))
    async with desk_at_work(tmp_path, clock=wall.clock) as there:
        first = order("o-1", "release", target="door/gate-1")
        assert (await there.told(first))["status"] == 200
        wall.wall_ms += step_s * 1000
        wall.right = False  # as after any step that the time source has not made
        assert (await there.told(first))["status"] == 409
        second = order("o-2", "release", target="door/gate-1")
        asked = await there.told(second)
        assert asked["status"] == 408
        third = order("o-3", "release", target="door/gate-1", since=asked["body"]["since"])
        assert (await there.told(third))["status"] == 200
        assert len(there.doing.done) == 2
