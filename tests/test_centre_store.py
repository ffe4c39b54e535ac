"""The centre that keeps: real mosquitto, real processes, `kill -9`; what it confirms, it has."""

import asyncio
import csv
import io
import json
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.centre import Centre, Listener
from gateway.centre.commands import Intake
from gateway.centre.store import Received, Store, bodies, known
from gateway.clock import Clock
from gateway.config import Confirm
from gateway.errors import GatewayError
from gateway.journal import Journal
from gateway.ranges import Ranges
from gateway.uplink.client import LinkOptions
from gateway.uplink.streams import Pacing
from tests.brokers import mosquitto, until
from tests.journal.journals import filled, note, opened, query
from tests.receiving import attended
from tests.test_centre import BASE, EPOCH, SOURCE, event, gap, messages, single
from tests.uplink.gate import configured, uplink_of

ROOT = Path(__file__).parents[1]
LIFE = (SOURCE, EPOCH)
COMMIT, RESTART = "commit", "restart"
BIRTH = f"{BASE}/up/state", json.dumps({"data": {"state": "birth", "session": 3}}).encode()
BUSY = Pacing(ask_after_s=1.0, resend_after_s=2.0)


class Kept:
    """A centre on a database, without a broker; what it was given and had not kept can be lost."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown: list[Received] = []
        self.named = Ranges()
        """What its answers have said."""

    async def start(self) -> None:
        self.store = await Store.open(self.path)
        self.centre = Centre(await self.store.known())
        self.intake = Intake(self.centre, self.store, Clock(), self.shown.append)

    def receive(self, topic: str, payload: bytes) -> None:
        for each in self.centre.accept(topic, payload):
            self.intake.take(each)

    async def commit(self) -> None:
        acks = [json.loads(document) for _, document in self.centre.acks(now=0)]
        await self.intake.keep()
        for ack in acks:
            for first, last in ([1, ack["upto"]], *ack["have"]):
                self.named.add(first, last)

    @property
    def table(self) -> list[tuple[int, int]]:
        """By the database."""
        return list(known(self.path).table.get(LIFE, []))


@given(
    st.lists(st.one_of(messages, st.sampled_from([COMMIT, RESTART])), max_size=25),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_restarts_in_between_change_nothing(steps: list[Any], random: Any) -> None:
    """What was not confirmed is sent again, as a gateway does it; then the table is the same."""
    sent = [each for each in steps if each not in (COMMIT, RESTART)]
    again = random.sample(sent, len(sent))
    plain = Centre()
    for message in sent:
        plain.accept(*message)

    async def play(kept: Kept) -> None:
        await kept.start()
        for step in [*steps, RESTART, *again, COMMIT]:
            if step == RESTART:
                await kept.store.close()
                await kept.start()
            elif step == COMMIT:
                await kept.commit()
                durable = Ranges.of(kept.table)
                assert all(not list(durable.gaps(a - 1, b)) for a, b in kept.named)
            else:
                kept.receive(*step)
        await kept.store.close()

    with tempfile.TemporaryDirectory() as directory:
        kept = Kept(Path(directory) / "centre.db")
        asyncio.run(play(kept))
        assert kept.table == plain.table().get(LIFE, [])
        assert Centre(known(kept.path)).given_up() == plain.given_up()
        found = [int(json.loads(body)["sequence"]) for body in bodies(kept.path)]
        assert found == [n for a, b in kept.table for n in range(a, b + 1)]
        assert Counter(each.event.seq for each in kept.shown) == Counter(found)


async def test_a_start_reads_no_event(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "centre.db")
    await kept.start()
    for seq in (*range(1, 301), 400):
        kept.receive(*single(seq))
    kept.receive(*BIRTH)
    await kept.commit()
    await kept.store.close()
    query(kept.path, "DELETE FROM event")
    await kept.start()
    assert kept.centre.holes(SOURCE, EPOCH) == [(301, 399)]
    assert kept.centre.states == {SOURCE: {"state": "birth", "session": 3}}
    kept.receive(*BIRTH)
    [(topic, _)] = kept.centre.acks(now=0)
    assert topic == f"{BASE}/down/ack"
    await kept.store.close()


async def test_an_event_is_not_confirmed_before_it_is_committed(tmp_path: Path) -> None:
    disk, asked = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        asked.set()
        await disk.wait()

    async with mosquitto(tmp_path) as broker, opened(tmp_path / "journal.db") as journal:
        options = LinkOptions("127.0.0.1", broker.port, "centre")
        centre = Centre()
        listener = Listener(options, centre, lambda _: None, acknowledge=True, keep=slow)
        config = configured(broker.port, confirm=Confirm.CENTRE)
        async with attended(listener), uplink_of(journal, config):
            await filled(journal, 3)
            await until(lambda: centre.table().get((SOURCE, journal.epoch)) == [(1, 3)])
            await asyncio.wait_for(asked.wait(), 20)
            await asyncio.sleep(3 * Listener.PAUSE_S)
            assert journal.counts().confirmed == 0
            disk.set()
            await until(lambda: journal.counts().confirmed == 3)


class CentreProcess:
    """`centre run` as a process of its own."""

    def __init__(self, directory: Path, port: int) -> None:
        self.database = directory / "centre.db"
        self.said = directory / "centre.out"
        self._port = port
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.said.open("ab") as said:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "centre", "run", "--host", "127.0.0.1"),
                *("--port", str(self._port), "--database", str(self.database)),
                cwd=ROOT, stdout=said, stderr=said,
            )  # fmt: skip

    async def end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """The exit code."""
        assert self._process is not None
        async with asyncio.timeout(20):
            return await self._process.wait()

    def has(self, epoch: str) -> set[int]:
        """The numbers in the table of events."""
        return {
            seq for (seq,) in query(self.database, "SELECT seq FROM event WHERE epoch=?", epoch)
        }


def confirmed(journal: Journal) -> set[int]:
    waiting = {n for a, b in journal.delivery.gaps(0, journal.last_seq) for n in range(a, b + 1)}
    return set(range(1, journal.last_seq + 1)) - waiting


async def test_what_counts_as_confirmed_outlives_kill_9_of_the_centre(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        opened(tmp_path / "journal.db") as journal,
    ):
        centre = CentreProcess(tmp_path, broker.port)
        await centre.start()
        config = configured(broker.port, confirm=Confirm.CENTRE)
        async with uplink_of(journal, config, pacing=BUSY):
            for number in range(1, 4):
                goal = len(confirmed(journal)) + 40
                async with asyncio.timeout(40):
                    while len(confirmed(journal)) < goal:
                        await journal.append([note(journal.last_seq + 1)])
                        await asyncio.sleep(0.002)
                await centre.end(signal.SIGKILL)
                assert confirmed(journal) <= centre.has(journal.epoch), f"after kill {number}"
                await journal.append([note(journal.last_seq + 1)])  # while nobody is there
                await centre.start()
            await until(lambda: journal.counts().waiting == 0, within_s=40)
            everything = set(range(1, journal.last_seq + 1))
            assert centre.has(journal.epoch) == everything
        assert await centre.end(signal.SIGTERM) == 0
    shown = re.findall(r"reason=note-(\d+)-", centre.said.read_text())
    assert len(shown) == len(set(shown)) > 100


def ask(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `checkpoint-gateway centre …`."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "centre", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """Three events with a hole of two, and a birth."""
    kept = Kept(tmp_path / "centre.db")
    await kept.start()
    for seq in (1, 4, 5):
        kept.receive(*single(seq))
    kept.receive(*BIRTH)
    await kept.commit()
    await kept.store.close()
    return kept.path


def test_show(database: Path) -> None:
    code, out, _ = ask("show", database)
    assert code == 0
    assert out.splitlines() == [
        f"{SOURCE}  birth",
        f"  {EPOCH}  3 events up to 5, missing: 2–3",
    ]
    code, out, _ = ask("show", database, "--json")
    shown = json.loads(out)[SOURCE]
    assert shown["epochs"] == {EPOCH: {"events": 3, "last": 5, "missing": [[2, 3]], "lost": []}}
    assert shown["state"]["session"] == 3


async def test_show_tells_what_is_lost_from_what_is_missing(database: Path) -> None:
    kept = Kept(database)
    await kept.start()
    kept.receive(*gap(7, 1, 3))
    kept.receive(*gap(8, 1, 20, epoch="former27"))
    await kept.commit()
    await kept.store.close()
    assert ask("show", database)[1].splitlines() == [
        f"{SOURCE}  birth",
        f"  {EPOCH}  5 events up to 8, missing: 6, declared lost: 2–3",
        "  former27  0 events up to 0, missing: nothing, declared lost: 1–20",
    ]


def test_export(database: Path, tmp_path: Path) -> None:
    code, out, _ = ask("export", database)
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [event(seq) for seq in (1, 4, 5)]
    code, out, _ = ask("export", database, "--format", "csv", "-o", tmp_path / "events.csv")
    assert (code, out) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "events.csv").read_text())))
    assert [json.loads(row["data"])["n"] for row in rows] == [1, 4, 5]


@pytest.mark.parametrize("command", ["show", "export"])
def test_what_is_no_centres_database_is_told_in_a_sentence(command: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE event (seq)")
    for name, words in (("other.db", "something else"), ("none.db", "there is no file")):
        code, out, complained = ask(command, tmp_path / name)
        assert (code, out) == (1, "")
        assert words in complained
        assert "Traceback" not in complained


async def test_it_does_not_write_into_the_database_of_something_else(tmp_path: Path) -> None:
    query(tmp_path / "other.db", "CREATE TABLE event (seq)")
    for path in (tmp_path / "other.db", tmp_path / "none" / "centre.db"):
        with pytest.raises(GatewayError, match=r"cannot be (used as the centre's database|opened)"):
            await Store.open(path)


async def test_a_disk_that_takes_nothing_ends_it_with_a_sentence(
    database: Path, tmp_path: Path
) -> None:
    query(
        database,
        "CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    )
    async with mosquitto(tmp_path) as broker, opened(tmp_path / "journal.db") as journal:
        centre = CentreProcess(tmp_path, broker.port)
        await centre.start()
        config = configured(broker.port, confirm=Confirm.CENTRE)
        async with uplink_of(journal, config, pacing=BUSY):
            await filled(journal, 3)
            await until(lambda: "disk full" in centre.said.read_text())
            assert journal.counts().confirmed == 0
        assert await centre.ended() == 1
    assert "Traceback" not in centre.said.read_text()
