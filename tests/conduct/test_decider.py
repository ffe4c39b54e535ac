"""Nothing is decided before it is recorded, or done before the decision is, and nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from msgspec import Raw, Struct

from drivers.base import Lock, Position, Role
from gateway.checkpoint.checkpoint import Checkpoint, restored
from gateway.checkpoint.machine import Act, Deed, Deeds, Outcome, Recorded
from gateway.clock import Clock, Stamp
from gateway.conduct import memory
from gateway.conduct.decider import Decider
from gateway.errors import JournalError
from gateway.events import AlarmState, DoorData, Draft, Kind, alarm, decode
from gateway.journal import Journal, Row
from tests.brokers import until
from tests.journal.journals import CLOCK, SOURCE, opened


class Openings(Struct):
    """What the machine below remembers."""

    count: int = 0
    alarmed: int = 0
    quiet_at: int | None = None
    last: str | None = None


class Bell:
    """Rings at every opening, and says after 0.3 s that it is quiet again: enough of a machine."""

    def __init__(self, state: Openings | None, name: str = "bell") -> None:
        self.state = state or Openings()
        self._name = name

    def take(self, event: Recorded) -> Iterable[Outcome]:
        if isinstance(event.data, DoorData) and event.data.position is Position.OPEN:
            self.state.count += 1
            self.state.quiet_at, self.state.last = event.at.mono_ns + 300_000_000, event.id
            yield alarm(
                *(self._name, AlarmState.RAISED, str(self.state.count)),
                *(event.subject, event.at, event.id),
            )
            yield Act(Deed.RELEASE, event.data.door, event.id, event.at)
        if event.kind is Kind.ALARM:
            self.state.alarmed += 1

    def advance(self, now: Stamp) -> Iterable[Outcome]:
        quiet_at, last = self.state.quiet_at, self.state.last
        if quiet_at is not None and last is not None and now.mono_ns >= quiet_at:
            self.state.quiet_at = None
            yield alarm(self._name, AlarmState.CLEARED, None, "door/d", now, last)

    def due(self, now: Stamp) -> float | None:
        quiet_at = self.state.quiet_at
        return None if quiet_at is None else (quiet_at - now.mono_ns) / 1e9


def build(saved: Mapping[str, Raw], name: str = "bell") -> Checkpoint:
    return Checkpoint({"bell": Bell(restored(Openings, saved, "bell"), name)})


def opening(stamp: Stamp | None = None) -> Draft:
    data = DoorData(
        device="doors", door="d", role=Role.GATE, position=Position.OPEN, lock=Lock.UNKNOWN
    )
    return Draft(Kind.DOOR, "door/d", stamp or CLOCK.now(), data)


@asynccontextmanager
async def deciding(
    journal: Journal, path: Path, done: Callable[[Deeds], None], clock: Clock = CLOCK
) -> AsyncIterator[Decider]:
    decider = Decider(journal, clock, path, build, done)
    task = asyncio.create_task(decider.run())
    try:
        yield decider
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def said(journal: Journal) -> list[str]:
    """What alarms are in the journal, in order."""
    alarms = []
    journal.follow.start(0)
    for each in await journal.follow.next(100_000):
        event = decode(each.row.body)
        assert event is not None
        if event.kind is Kind.ALARM:
            alarms.append(f"{event.data.alarm} {event.data.state} {event.data.reason}")  # type: ignore[union-attr]
    return alarms


async def test_what_is_recorded_is_decided_and_done_once_the_decision_is_durable(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        done: list[tuple[Deeds, int]] = []
        async with deciding(
            journal, tmp_path / "memory", lambda act: done.append((act, journal.last_seq))
        ):
            await journal.append([opening()])
            await until(lambda: len(done) == 1)
            act, last_seq = done[0]
            assert isinstance(act, Act)
            assert act.cause == f"{journal.epoch}-1"
            assert last_seq == 2  # the alarm was there by then
            await until(lambda: journal.last_seq == 3)
        assert await said(journal) == ["bell raised 1", "bell cleared None"]


async def test_what_has_been_delivered_already_is_decided_as_well(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        await journal.append([opening() for _ in range(3000)])
        journal.confirm_range(1, 3000)
        async with deciding(journal, tmp_path / "memory", lambda _: None):
            await until(lambda: journal.last_seq == 6001)


async def test_a_restart_decides_nothing_twice_and_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as journal:
        async with deciding(journal, tmp_path / "memory", lambda _: None):
            await journal.append([opening()])
            await until(lambda: journal.last_seq == 3)
        await journal.append([opening()])  # while nobody decides
    done: list[Deeds] = []
    async with opened(path) as journal:
        async with deciding(journal, tmp_path / "memory", done.append):
            await until(lambda: journal.last_seq == 6)
        assert [type(each) for each in done] == [Act]  # it stands there still
        assert await said(journal) == [
            *("bell raised 1", "bell cleared None"),
            *("bell raised 2", "bell cleared None"),
        ]


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"epoch":"x","seq":"y"}'])
async def test_without_what_it_knew_the_journal_is_replayed(
    tmp_path: Path, content: bytes | None
) -> None:
    path, kept = tmp_path / "journal.db", tmp_path / "memory"
    async with opened(path) as journal, deciding(journal, kept, lambda _: None):
        await journal.append([opening()])
        await until(lambda: journal.last_seq == 3)
        await journal.append([opening()])
        await until(lambda: journal.last_seq == 6)
    if content is None:
        kept.unlink()
    else:
        kept.write_bytes(content)
    done: list[Deeds] = []
    async with opened(path) as journal:
        async with deciding(journal, kept, done.append) as decider:
            await until(lambda: decider.live)
            await journal.append([opening()])
            await until(lambda: journal.last_seq == 9)
        assert await said(journal) == [
            *("bell raised 1", "bell cleared None"),
            *("bell raised 2", "bell cleared None"),
            *("bell raised 3", "bell cleared None"),
        ]
    assert len(done) == 1  # what was recorded as decided may have been done


async def test_what_was_decided_long_ago_is_recorded_and_not_done(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        done: list[Deeds] = []
        await journal.append([opening(CLOCK.now().earlier(4))])
        async with deciding(journal, tmp_path / "memory", done.append):
            await until(lambda: journal.last_seq == 3)
        assert done == []
        assert await said(journal) == ["bell raised 1", "bell cleared None"]


async def test_other_rules_keep_what_is_known(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        async with deciding(journal, tmp_path / "memory", lambda _: None) as decider:
            await journal.append([opening()])
            await until(lambda: journal.last_seq == 3)
            decider.change(partial(build, name="gong"))
            await journal.append([opening()])
            await until(lambda: journal.last_seq >= 5)
        assert (await said(journal))[-1].startswith("gong")
        assert any(each.endswith("raised 2") for each in await said(journal))


class Buggy(Bell):
    """Stumbles over every second opening."""

    def take(self, event: Recorded) -> Iterable[Outcome]:
        if isinstance(event.data, DoorData) and event.seq % 2 == 0:
            raise KeyError("not thought of")
        return super().take(event)


async def test_a_bug_in_a_rule_costs_one_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path / "journal.db") as journal:
        decider = Decider(
            *(journal, CLOCK, tmp_path / "memory"),
            *(lambda _: Checkpoint({"bell": Buggy(None)}), lambda _: None),
        )
        await journal.append([opening(), opening(), opening()])
        task = asyncio.create_task(decider.run())
        await until(lambda: journal.last_seq == 6)
        task.cancel()
        await asyncio.wait([task])
        assert await said(journal) == ["bell raised 1", "bell raised 2", "bell cleared None"]
        assert f"a bug in the decisions about {journal.epoch}-2" in caplog.text


class FullJournal(Journal):
    """A journal that takes doors, and nothing else while it is `full`."""

    full = True

    async def append(self, drafts: Sequence[Draft]) -> list[Row]:
        if self.full and any(each.kind is not Kind.DOOR for each in drafts):
            raise JournalError("the disk is full")
        return await super().append(drafts)


@pytest.mark.parametrize(("full_s", "late"), [(0.5, False), (3.5, True)])
async def test_what_cannot_be_recorded_is_not_done_and_not_much_later_either(
    tmp_path: Path, full_s: float, late: bool
) -> None:
    journal = await FullJournal.open(tmp_path / "journal.db", source=SOURCE, clock=CLOCK)
    assert isinstance(journal, FullJournal)
    done: list[bool] = []
    try:
        async with deciding(
            journal,
            tmp_path / "memory",
            lambda _: done.append(journal.full or journal.last_seq < 2),
        ):
            await journal.append([opening()])
            await asyncio.sleep(full_s)
            assert done == []
            journal.full = False
            await until(lambda: journal.last_seq == 3)
            assert done == ([] if late else [False])
            assert await said(journal) == ["bell raised 1", "bell cleared None"]
    finally:
        await journal.close()


@pytest.mark.parametrize(
    "damaged",
    [
        b'{"epoch":"\xff","seq":1,"machines":{}}',
        b'{"epoch":"k","seq":1,"machines":{"bell":{"last":"\xff"}}}',
        b'{"epoch":"k","seq":1,"machines":{"bell":' + b"[" * 100_000 + b"}}",
        b'{"epoch":"k"',
    ],
)
async def test_a_damaged_memory_does_not_keep_the_gate_from_deciding(
    tmp_path: Path, damaged: bytes
) -> None:
    (tmp_path / "memory").write_bytes(damaged)
    found = memory.load(tmp_path / "memory")
    assert found is None or restored(Openings, found.machines, "bell") is None
    async with opened(tmp_path / "journal.db") as journal:
        done: list[Deeds] = []
        async with deciding(journal, tmp_path / "memory", done.append):
            await journal.append([opening()])
            await until(lambda: len(done) == 1)
